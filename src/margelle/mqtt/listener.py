"""Listening to a broker: what it tells is kept, and only then acknowledged."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Probe
from margelle.errors import BadInput, StoreError
from margelle.intake.keep import keep, own_probes
from margelle.intake.point import Arrival, Point, measurement_of, probe_named
from margelle.mqtt.broker import Broker
from margelle.mqtt.outage import Outage, TopicsRefused
from margelle.mqtt.topics import Topics
from margelle.ports import Clock, Store

if TYPE_CHECKING:
    from aiomqtt import Client, Message

ORIGIN: Final = "own/mqtt"
KEEPALIVE_S: Final = 60
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
STEADY_S: Final = 60.0
"""A connection that was broken sooner is no reason to come back at once."""

NOTICE_S: Final = 1.0
"""So often it is looked whether it is still ours to listen."""

MOST_WAITING: Final = 10_000
"""Messages that have come and are not kept yet."""

_FRESH: Final = timedelta(minutes=1)
_log: Final = logging.getLogger("margelle.mqtt")


class Listener:
    """Keeps what a broker tells of the hub's own probes.

    A message is acknowledged when it is on the disk, or can never be kept. Where the store fails it is not, and the broker tells it again.
    It listens while `leads` says so: of several processes with one store only one may, since a broker drops the connection of whoever comes
    under the same name. While nobody listens, the broker keeps what comes.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        store: Store,
        clock: Clock,
        catalogue: Catalogue = CATALOGUE,
        *,
        leads: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._broker, self._topics, self._store, self._clock = broker, topics, store, clock
        self._catalogue, self._leads, self._sleep = catalogue, leads, sleep
        self._outage = Outage(broker, topics, store, clock)
        self._probes: dict[str, Probe] = {}
        self._looked_at: datetime | None = None
        self.subscribed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set, and connect again whenever that is needed."""
        listening, stopped = asyncio.create_task(self._listen()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({listening, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _listen(self) -> None:
        wait_s, time = FIRST_WAIT_S, asyncio.get_running_loop().time
        while True:
            await self._until(leads=True)
            began = time()
            await self._try()
            self.subscribed.clear()
            wait_s = FIRST_WAIT_S if time() - began > STEADY_S else min(2 * wait_s, LONGEST_WAIT_S)
            await self._sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come back at once

    async def _try(self) -> None:
        """Listen while it is ours to do, and say what was wrong when that ends otherwise."""
        from aiomqtt import MqttError  # noqa: PLC0415 - a hub without a broker does not load it

        try:
            await self._while_leading()
        except (MqttError, TopicsRefused) as error:
            await self._outage.begins(error)
        except StoreError as error:
            _log.error("What the broker tells cannot be kept now: %s", error)
        except Exception:
            _log.exception("An unexpected error while listening to the broker")

    async def _while_leading(self) -> None:
        listening, lost = asyncio.create_task(self._session()), asyncio.create_task(self._until(leads=False))
        try:
            done, _ = await asyncio.wait({listening, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, lost):
                task.cancel()
            await asyncio.gather(listening, lost, return_exceptions=True)
        if listening in done:
            listening.result()
        else:
            _log.info("Another process listens to %s:%d now", self._broker.host, self._broker.port)

    async def _until(self, *, leads: bool) -> None:
        """Wait until it is ours to listen, or no longer."""
        while self._leads() != leads:
            await self._sleep(NOTICE_S)

    async def _session(self) -> None:
        """Connect, subscribe, and keep what comes, until the connection breaks."""
        client = _client(self._broker)
        acknowledge = _by_hand(client)  # before it connects: messages can come with the first packet
        try:
            async with client:
                await self._subscribe(client)
                self.subscribed.set()
                await self._outage.ends()
                async for message in client.messages:
                    await self._take(message)
                    acknowledge(message)
        finally:
            _unminded(client)

    async def _subscribe(self, client: Client) -> None:
        topics = [*self._topics.targets]
        codes = await client.subscribe([(topic, 1) for topic in topics])
        refused = [topic for topic, code in zip(topics, codes, strict=False) if _is_refusal(code)]
        if refused:
            raise TopicsRefused(", ".join(refused))
        _log.info("Listening to %d topics of %s:%d", len(topics), self._broker.host, self._broker.port)

    async def _take(self, message: Message) -> None:
        """Keep what a message tells. Raises StoreError; what is wrong with the message itself goes to the log."""
        now, topic = self._clock(), str(message.topic)
        payload = message.payload if isinstance(message.payload, bytes) else str(message.payload or "").encode()
        targets = [one for name, found in self._topics.targets.items() if message.topic.matches(name) for one in found]
        arrivals: list[Arrival] = []
        for target in targets:
            try:
                for point in target.points(payload):
                    if not target.quantity and point.quantity not in self._catalogue:
                        continue  # a device says more than what it measures
                    if point.at or not message.retain:  # when a retained message was measured, nobody knows
                        arrivals += await self._arrival(point, now, topic)
            except BadInput as error:
                _log.warning("A message of %s is left out: %s", topic, error)
        await keep(self._store, arrivals, now, self._catalogue)

    async def _arrival(self, point: Point, now: datetime, topic: str) -> list[Arrival]:
        """A point that can be kept; what is wrong with one says nothing of the message's others."""
        try:
            return [Arrival(1, await self._measurement(point, now))]
        except BadInput as error:
            _log.warning("A message of %s is left out: %s", topic, error)  # or this part of it
            return []

    async def _measurement(self, point: Point, now: datetime) -> Measurement:
        probe = await self._probe(point.probe, now)
        site = await self._store.site(probe.site)
        at = point.at or now.isoformat(timespec="milliseconds")
        zone = ZoneInfo(site.time_zone if site else "UTC")
        return measurement_of(replace(point, at=at), probe, self._catalogue, ORIGIN, zone)

    async def _probe(self, name: str, now: datetime) -> Probe:
        """One of the hub's own probes; they are looked up again from time to time. Raises BadInput."""
        if self._looked_at is None or not self._looked_at <= now < self._looked_at + _FRESH:
            self._probes, self._looked_at = await own_probes(self._store), now
        try:
            return probe_named(name, self._probes)
        except BadInput:
            self._probes = await own_probes(self._store)
            return probe_named(name, self._probes)


def _is_refusal(code: Any) -> bool:
    """Whether that is how a broker answers to a topic that it keeps to itself (MQTT 3.1.1, 3.9.3)."""
    return int(getattr(code, "value", code)) >= 0x80


def _client(broker: Broker) -> Client:
    """A client for whom the broker keeps what comes while it is away."""
    import ssl  # noqa: PLC0415

    from aiomqtt import Client  # noqa: PLC0415

    return Client(
        broker.host,
        broker.port,
        username=broker.login or None,
        password=broker.password or None,
        identifier=broker.client_id,
        clean_session=False,
        keepalive=KEEPALIVE_S,
        tls_context=ssl.create_default_context() if broker.tls else None,
        max_queued_incoming_messages=MOST_WAITING,
    )


def _unminded(client: Client) -> None:
    """Whoever stops listening need not be told that the connection broke meanwhile; asyncio would log it as an error that nobody minded."""
    broken = client._disconnected
    if broken.done() and not broken.cancelled():
        broken.exception()


def _by_hand(client: Client) -> Callable[[Message], None]:
    """Acknowledge what comes ourselves: aiomqtt would do so as soon as it has it, and has no surface for this (hence its pinned version)."""
    paho = client._client
    paho.manual_ack_set(on=True)

    def acknowledge(message: Message) -> None:
        if message.qos:
            paho.ack(message.mid, message.qos)

    return acknowledge
