"""The listener at real brokers; its messages are sent with paho-mqtt's own client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from margelle.domain.quantity import CATALOGUE
from margelle.errors import StoreError
from margelle.mqtt.broker import Broker
from margelle.mqtt.listener import Listener
from margelle.mqtt.topics import Topics
from margelle.ports import Added
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import GARDEN, furnish
from tests.mqtt.brokers import KINDS, MOSQUITTO, PATIENCE_S, RealBroker

NOON = "2026-07-14T12:00:00Z"
TOPICS = {"pool/ph": "own:garden ph", "pool/+/all": "own:garden", "pool/raw": "own:garden temperature degF"}


needs_mosquitto = pytest.mark.skipif(not MOSQUITTO, reason="needs Debian's mosquitto, which .ci/run installs")


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealBroker]:
    broker = RealBroker(request.param, tmp_path)
    broker.start()
    yield broker
    broker.end()


@pytest.fixture
def faithful(tmp_path: Path) -> Iterator[RealBroker]:
    """A broker that keeps what a client has not acknowledged, or not been there for: amqtt does neither."""
    broker = RealBroker("mosquitto", tmp_path)
    broker.start()
    yield broker
    broker.end()


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    await furnish(store, NOW)
    return store


async def _soon(_: float) -> None:
    await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(broker: RealBroker, store: MemoryStore) -> AsyncIterator[Listener]:
    listener = Listener(Broker("127.0.0.1", broker.port), Topics(TOPICS, CATALOGUE), store, lambda: NOW, sleep=_soon)
    stop = asyncio.Event()
    task = asyncio.create_task(listener.run(stop))
    try:
        await asyncio.wait_for(listener.subscribed.wait(), PATIENCE_S)
        yield listener
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def tell(broker: RealBroker, topic: str, payload: str, *, retain: bool = False) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(topic, payload, qos=1, retain=retain)


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await what()):  # noqa: ASYNC110 - what happens at a broker sets no event
            await asyncio.sleep(0.01)
        return found


async def test_what_a_broker_tells_is_kept(broker: RealBroker, store: MemoryStore) -> None:
    async with listening(broker, store):
        await tell(broker, "pool/ph", "7.4")
        await tell(broker, "pool/deep/all", f'{{"orp": 650, "linkquality": 80, "time": "{NOON}"}}')
        await tell(broker, "pool/raw", f'{{"value": 77, "at": "{NOON}"}}')
        await until(lambda: store.history(GARDEN, "temperature"))
    (ph,) = await store.history(GARDEN, "ph")
    assert (ph.value, ph.at, ph.origin) == (7.4, NOW, "own/mqtt"), "a plain number is of when it came"
    assert [(one.value, one.at.hour) for one in await store.history(GARDEN, "orp")] == [(650, 12)]
    assert [one.value for one in await store.history(GARDEN, "temperature")] == [25]
    assert await store.quantities(GARDEN) == ["orp", "ph", "temperature"]


async def test_a_message_that_cannot_be_kept_does_not_stop_the_next(
    broker: RealBroker, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(broker, store):
        with caplog.at_level(logging.WARNING, "margelle.mqtt"):
            await tell(broker, "pool/ph", "acid")
            await tell(broker, "pool/ph", f'{{"value": 7.4, "at": "{NOON}"}}')
            await until(lambda: store.history(GARDEN, "ph"))
    assert "A message of pool/ph is left out: 'acid' is no number." in caplog.messages


@needs_mosquitto
async def test_what_came_while_the_hub_was_away_is_told_when_it_is_back(
    faithful: RealBroker, store: MemoryStore
) -> None:
    async with listening(faithful, store):
        pass
    await tell(faithful, "pool/ph", f'{{"value": 7.4, "at": "{NOON}"}}')
    async with listening(faithful, store):
        await until(lambda: store.history(GARDEN, "ph"))


async def test_it_connects_again_after_the_broker_was_away(broker: RealBroker, store: MemoryStore) -> None:
    async with listening(broker, store) as listener:
        broker.end()
        broker.start()
        await until(lambda: _true(not listener.subscribed.is_set()))
        await asyncio.wait_for(listener.subscribed.wait(), PATIENCE_S)
        await tell(broker, "pool/ph", "7.4")
        await until(lambda: store.history(GARDEN, "ph"))


async def _true(value: bool) -> bool:
    return value


@needs_mosquitto
async def test_a_message_is_acknowledged_only_once_it_is_kept(faithful: RealBroker) -> None:
    class Full(MemoryStore):
        refusals = 0

        async def add(self, measurements: Any, now: Any, reviewed: Any = ()) -> Added:
            if self.refusals < 2:
                self.refusals += 1
                raise StoreError("The disk is full.")
            return await super().add(measurements, now)

    store = Full()
    await furnish(store, NOW)
    async with listening(faithful, store):
        await tell(faithful, "pool/ph", f'{{"value": 7.4, "at": "{NOON}"}}')
        await until(lambda: store.history(GARDEN, "ph"))
    assert store.refusals == 2
    assert await store.count() == 1


async def test_a_retained_value_without_a_time_is_not_taken_for_a_new_one(
    broker: RealBroker, store: MemoryStore
) -> None:
    await tell(broker, "pool/ph", "7.4", retain=True)
    await tell(broker, "pool/raw", f'{{"value": 77, "at": "{NOON}"}}', retain=True)
    async with listening(broker, store):
        await until(lambda: store.history(GARDEN, "temperature"))
    assert await store.history(GARDEN, "ph") == []


async def test_a_wrong_value_of_a_message_does_not_cost_its_others(broker: RealBroker, store: MemoryStore) -> None:
    async with listening(broker, store):
        await tell(broker, "pool/deep/all", f'{{"ph": "bad", "orp": 650, "time": "{NOON}"}}')
        (orp,) = await until(lambda: store.history(GARDEN, "orp"))
    assert orp.value == 650
