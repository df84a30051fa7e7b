"""What is wrong between the hub and its broker, where people look for it: with the accounts whose probes it tells of."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from margelle.errors import StoreError
from margelle.intake.keep import own_probes
from margelle.mqtt.broker import Broker
from margelle.mqtt.topics import Topics
from margelle.phrase import Phrase
from margelle.ports import Clock, Incident, Store
from margelle.redaction import redact, redacted

if TYPE_CHECKING:
    from aiomqtt import MqttError

AWAY: Final = "broker"
REFUSED: Final = "broker-refused"
TODO: Final[dict[str, str]] = {
    AWAY: "Nothing to do yet: it is tried again, after a minute at most. If it lasts, the operator: see whether the broker runs, and mqtt.url.",
    REFUSED: "The operator: set mqtt.login and mqtt.password as the broker knows them, and let them subscribe to the topics of mqtt.topics.",
}
"""Who does what, by the kind of the incident."""

_NOT_ALLOWED: Final = frozenset({4, 5, 134, 135})
"""What a broker answers to a login that it does not take (MQTT 3.1.1, 3.2.2.3; MQTT 5, 3.2.2.2)."""

_CODE: Final = re.compile(r"^\[[^\]]*\]\s*")
_log: Final = logging.getLogger("margelle.mqtt")


class TopicsRefused(Exception):
    """The broker does not let the hub subscribe to some topics."""


class Outage:
    """Notes, in the store, how it is with the broker. A store that fails costs the note, and nothing else."""

    def __init__(self, broker: Broker, topics: Topics, store: Store, clock: Clock) -> None:
        self._broker, self._topics, self._store, self._clock = broker, topics, store, clock

    async def begins(self, error: MqttError | TopicsRefused) -> None:
        """The broker cannot be listened to now."""
        kind, what, phrase = self._told(error)
        _log.warning("%s", what)
        now = self._clock()
        try:
            for account in await self._accounts():
                await self._store.end_incident(account, "mqtt", REFUSED if kind == AWAY else AWAY, now)
                said = Incident(account, "mqtt", kind, redact(what), TODO[kind], now, now, phrase=redacted(phrase))
                await self._store.note_incident(said)
        except StoreError as trouble:
            _log.error("That cannot be recorded: %s", trouble)

    async def ends(self) -> None:
        """The broker is listened to."""
        try:
            for account in await self._accounts():
                await self._store.end_incident(account, "mqtt", None, self._clock())
        except StoreError as trouble:
            _log.error("That the broker is well cannot be recorded: %s", trouble)

    def _told(self, error: MqttError | TopicsRefused) -> tuple[str, str, Phrase]:
        address = f"{self._broker.host}:{self._broker.port}"
        broker = f"The broker {address}"
        if isinstance(error, TopicsRefused):
            phrase = Phrase("mqtt.topics", {"broker": address, "topics": str(error)})
            return REFUSED, f"{broker} does not let the hub listen to {error}.", phrase
        code = getattr(error, "rc", None)
        if getattr(code, "value", code) in _NOT_ALLOWED:
            login = f"the login {self._broker.login!r}" if self._broker.login else "the hub without a login"
            phrase = Phrase("mqtt.login", {"broker": address, "login": self._broker.login or "—"})
            return REFUSED, f"{broker} refuses {login}.", phrase
        why = _CODE.sub("", str(error)).strip(". ")
        phrase = (
            Phrase("mqtt.away", {"broker": address, "why": why}) if why else Phrase("mqtt.broke", {"broker": address})
        )
        return AWAY, f"{broker} cannot be listened to: {why or 'the connection broke'}.", phrase

    async def _accounts(self) -> Sequence[str]:
        """The accounts whose probes the topics name."""
        named = {target.probe for targets in self._topics.targets.values() for target in targets}
        probes = await own_probes(self._store)
        sites = {probe.site for probe in probes.values() if {probe.id, probe.site} & named}
        return sorted({one.id for site in sites for one in await self._store.accounts_of(site)})
