"""Several processes with one store and the same settings: one of them listens, and another takes over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from margelle.collect.claims import CLAIM_EVERY, LEASE_S
from margelle.collect.loop import NOTICE_S, Collector
from margelle.ports import Store
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.collect.cloud import VirtualClock, unwanted
from tests.conftest import NOW
from tests.house import GARDEN, furnish
from tests.mqtt.brokers import RealBroker
from tests.mqtt.listening import listener, running, tell, until

KEY = b"q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="


class Hub:
    """One process's collector and listener, with a connection of its own to the store that they share."""

    def __init__(self, path: Path, broker: RealBroker, clock: VirtualClock, name: str) -> None:
        self.store: Store = open_store(str(path), Vault(KEY))
        self.collector = Collector(self.store, {}, unwanted, unwanted, clock, name=name)
        self.listener = listener(broker, self.store, leads=lambda: self.collector.leads)

    @property
    def listens(self) -> bool:
        return self.listener.subscribed.is_set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        await self.collector.round()
        async with running(self.listener):
            yield
        await self.store.close()


@pytest.fixture
async def pair(tmp_path: Path, faithful: RealBroker) -> tuple[Hub, Hub, VirtualClock]:
    clock, path = VirtualClock(NOW), tmp_path / "m.sqlite"
    first, second = (Hub(path, faithful, clock, name) for name in ("one", "two"))
    await furnish(first.store, NOW)
    return first, second, clock


async def is_so(what: bool) -> bool:
    return what


def at(hour: int) -> str:
    return f'{{"value": 7.4, "at": "2026-07-14T{hour:02}:00:00Z"}}'


async def test_one_of_two_listens_and_a_dead_ones_messages_are_the_others_within_a_minute(
    faithful: RealBroker, pair: tuple[Hub, Hub, VirtualClock]
) -> None:
    first, second, clock = pair
    died = asyncio.Event()

    async def live() -> None:
        async with first.at_work():
            await died.wait()

    one = asyncio.create_task(live())
    await until(lambda: is_so(first.listens))
    async with second.at_work():
        await tell(faithful, "pool/ph", at(8))
        await until(lambda: _kept(second.store, 1))
        assert not second.listens

        one.cancel()  # as a kill: it gives nothing back
        await asyncio.gather(one, return_exceptions=True)
        await tell(faithful, "pool/ph", at(9))
        died_at = clock.now
        while not second.listens:
            clock.now += timedelta(seconds=NOTICE_S)
            await second.collector.round()
            await asyncio.sleep(0.05)
            assert clock.now - died_at <= timedelta(minutes=1)
        assert clock.now - died_at <= timedelta(seconds=LEASE_S) + CLAIM_EVERY
        await tell(faithful, "pool/ph", at(10))
        kept = await until(lambda: _kept(second.store, 3))
    assert [point.at.hour for point in kept] == [8, 9, 10], "the broker kept what came while nobody listened"


async def _kept(store: Store, many: int) -> object:
    found = await store.history(GARDEN, "ph")
    return found if len(found) >= many else None


async def test_one_that_slept_through_its_lease_lets_go_and_does_not_throw_the_other_off(
    faithful: RealBroker, pair: tuple[Hub, Hub, VirtualClock], caplog: pytest.LogCaptureFixture
) -> None:
    first, second, clock = pair
    async with first.at_work():
        await until(lambda: is_so(first.listens))
        async with second.at_work():
            clock.now += timedelta(seconds=LEASE_S + 1)
            await second.collector.round()
            await until(lambda: is_so(second.listens and not first.listens))
            caplog.clear()  # until then the broker may have thrown off the one that slept
            await first.collector.round()
            for hour in (8, 9, 10):
                await tell(faithful, "pool/ph", at(hour))
            await until(lambda: _kept(second.store, 3))
            assert second.listens
            assert not first.listens
    assert "cannot be listened to" not in caplog.text


async def test_who_ends_hands_over_at_once(faithful: RealBroker, pair: tuple[Hub, Hub, VirtualClock]) -> None:
    first, second, _ = pair
    stop = asyncio.Event()
    async with first.at_work():
        await until(lambda: is_so(first.listens))
        async with second.at_work():
            stop.set()
            await first.collector.run(stop)
            assert not first.collector.leads
            await second.collector.round()
            await until(lambda: is_so(second.listens))
            await until(lambda: is_so(not first.listens))
