"""The listener at real brokers; its messages are sent with paho-mqtt's own client."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from margelle.errors import StoreError
from margelle.ports import Added
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import GARDEN, furnish
from tests.mqtt.brokers import PATIENCE_S, RealBroker
from tests.mqtt.listening import listening, tell, until

NOON = "2026-07-14T12:00:00Z"


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


async def test_a_message_is_acknowledged_only_once_it_is_kept(faithful: RealBroker) -> None:
    class Full(MemoryStore):
        failures = 0

        async def add(self, measurements: Any, now: Any, reviewed: Any = (), **more: Any) -> Added:
            if self.failures < 2:
                self.failures += 1
                raise StoreError("The disk is full.")
            return await super().add(measurements, now, **more)

    store = Full()
    await furnish(store, NOW)
    async with listening(faithful, store):
        await tell(faithful, "pool/ph", f'{{"value": 7.4, "at": "{NOON}"}}')
        await until(lambda: store.history(GARDEN, "ph"))
    assert store.failures == 2
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
