"""A hub with a garden pool, and brokers that tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import furnish
from tests.mqtt.brokers import KINDS, RealBroker


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
