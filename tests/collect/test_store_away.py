"""The store is out of order for a minute, from whichever of its calls on: nothing is lost or invented, and all goes on as before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

import pytest

from margelle.collect.loop import Collector
from margelle.errors import StoreError
from margelle.ports import Store
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    QUANTITIES,
    START,
    Cloud,
    NoTokens,
    Pool,
    VirtualClock,
    account,
    drive,
    hourly,
    stored,
    vendor,
)
from tests.collect.test_gaps import PROBE, assert_true

CALLS = 140
"""More than a round needs that fetches what is missing."""


class Away:
    """A store that is out of order for a minute from its `n`-th call on."""

    def __init__(self, store: MemoryStore, clock: VirtualClock, n: int) -> None:
        self._store, self._clock, self._left = store, clock, n
        self.until: datetime | None = None

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._store, name)

        async def call(*args: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left < 0 and self.until is None:
                self.until = self._clock.now + MINUTE
            if self.until is not None and self._clock.now < self.until:
                raise StoreError("The database is locked.")
            return await method(*args, **more)

        return call


@pytest.mark.parametrize("n", range(0, CALLS, 3))
async def test_a_store_that_is_away_for_a_minute_delays_only(n: int) -> None:
    clock = VirtualClock()
    cloud = Cloud(clock, Pool("1", hourly(START - 40 * DAY, START + DAY)))
    store = await stored(account())
    away = Away(store, clock, n)

    def collector(one: Any) -> Collector:
        return Collector(
            cast("Store", one),
            {"fake": vendor(cloud)},
            lambda one: cloud.door(one.id),
            lambda _: NoTokens(),
            clock,
            name="a hub",
        )

    await drive(collector(store), clock, START + 2 * HOUR)
    clock.now += 5 * HOUR
    after = collector(away)
    while away.until is None or clock.now < away.until:
        due = None
        with suppress(StoreError):
            due = await after.round()
        clock.now = max(due or clock.now, clock.now + MINUTE / 2)
    await drive(after, clock, clock.now + 4 * HOUR)
    for quantity in QUANTITIES:
        kept = [one.at for one in await store.history(PROBE, quantity)]
        assert kept == [at for at in cloud.pools[PROBE].instants if kept[0] <= at <= kept[-1]]
        assert kept[-1] > clock.now - 1.2 * HOUR
    await assert_true(store)
    assert {gap.quantity for gap in await store.gaps(PROBE)} == set(QUANTITIES)
    assert {one.kind for one in await store.incidents()} <= {"store"}
    assert await store.incidents(open_only=True) == []
