"""Several collectors on one store, and many accounts before a cloud that is down."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from margelle.collect.loop import Collector
from margelle.errors import Unreachable
from margelle.ports import Answer, Request, Vendor
from margelle.store.memory import MemoryStore
from tests.collect.cloud import DAY, HOUR, START, Cloud, NoTokens, Pool, VirtualClock, account, hourly, stored, vendor

NAMES = [f"fake-{n}" for n in range(20)]


class Sky:
    """A cloud for each of many accounts, which are all of one host."""

    def __init__(self, clock: VirtualClock, names: list[str]) -> None:
        self.clouds = {
            name: Cloud(clock, Pool(str(n), hourly(START - 3 * DAY, START + 5 * DAY))) for n, name in enumerate(names)
        }
        self.vendor: Vendor = replace(
            vendor(self.clouds[names[0]]),
            source=lambda of, http, tokens: vendor(self.clouds[of.id]).source(of, http, tokens),
        )

    def collector(self, store: MemoryStore, clock: VirtualClock, name: str = "") -> Collector:
        return Collector(
            store, {"fake": self.vendor}, lambda of: self.clouds[of.id], lambda _: NoTokens(), clock, name=name
        )

    def requests(self) -> list[tuple[datetime, str, str]]:
        return sorted(one for cloud in self.clouds.values() for one in cloud.requests)


async def minutes(clock: VirtualClock, until: datetime, *collectors: Collector) -> None:
    """Let virtual time pass for several collectors, a quarter of a minute at a time."""
    while clock.now < until:
        for one in collectors:
            await one.round()
        clock.now += timedelta(seconds=15)


async def test_two_collectors_share_the_accounts_and_ask_nothing_twice() -> None:
    clock = VirtualClock()
    sky = Sky(clock, NAMES)
    store = await stored(*map(account, NAMES))
    one, two = sky.collector(store, clock, "one"), sky.collector(store, clock, "two")
    await minutes(clock, START + 3 * HOUR, one, two)
    assert await store.collectors(clock.now) == {"one": 10, "two": 10}
    alone = Sky(VirtualClock(), NAMES)
    lone = await stored(*map(account, NAMES))
    clock_2 = VirtualClock()
    alone = Sky(clock_2, NAMES)
    await minutes(clock_2, START + 3 * HOUR, alone.collector(lone, clock_2))
    assert len(sky.requests()) == len(alone.requests())
    assert await store.count() == await lone.count()


async def test_a_dead_collectors_work_is_taken_over_within_a_minute() -> None:
    clock = VirtualClock()
    sky = Sky(clock, NAMES)
    store = await stored(*map(account, NAMES))
    one, two = sky.collector(store, clock, "one"), sky.collector(store, clock, "two")
    await minutes(clock, START + 3 * HOUR, one, two)
    died_at = clock.now
    while (await store.collectors(clock.now)).get("two") != len(NAMES):
        await two.round()
        clock.now += timedelta(seconds=5)
    assert clock.now - died_at <= timedelta(minutes=1)
    await minutes(clock, died_at + 5 * HOUR, two)
    for cloud in sky.clouds.values():
        (pool,) = cloud.pools.values()
        asked = [at for at, act, _ in cloud.requests if act == "latest"]
        told = [at for at in pool.instants if START <= at < died_at + 4 * HOUR]
        assert len(asked) >= len(told), "every hour's reading was asked for"


async def test_a_collector_that_was_asleep_asks_nothing_before_it_has_claimed_again() -> None:
    clock = VirtualClock()
    sky = Sky(clock, NAMES[:2])
    store = await stored(*map(account, NAMES[:2]))
    sleeper, heir = sky.collector(store, clock, "sleeper"), sky.collector(store, clock, "heir")

    await sleeper.round()
    before = {name: len(cloud.requests) for name, cloud in sky.clouds.items()}
    clock.now += timedelta(minutes=10)
    await heir.round()
    taken = {name: len(cloud.requests) for name, cloud in sky.clouds.items()}
    assert (await store.collectors(clock.now)) == {"heir": 2}
    sleeper._begin(lambda: False)
    await asyncio.sleep(0)
    assert {name: len(cloud.requests) for name, cloud in sky.clouds.items()} == taken
    assert taken != before


async def test_a_cloud_that_is_down_is_asked_by_one_account_and_found_well_by_all() -> None:
    clock = VirtualClock()
    sky = Sky(clock, NAMES)
    store = await stored(*map(account, NAMES))
    one = sky.collector(store, clock)
    await minutes(clock, START + 2 * HOUR, one)
    down, up = clock.now, clock.now + 8 * HOUR

    def trouble(act: str, subject: str) -> Any:
        if clock.now < up:
            raise Unreachable("No answer from the cloud.")

    for cloud in sky.clouds.values():
        cloud.trouble = trouble
    await minutes(clock, up, one)
    tries = [at for at, _, _ in sky.requests() if at >= down]
    assert len(tries) < 60, "not each of twenty accounts every hour, but one now and then"
    waiting = Counter(one.kind for one in await store.incidents(open_only=True))
    assert waiting["unreachable"] >= 1
    await minutes(clock, up + 2 * HOUR, one)
    back = [min(at for at, _, _ in cloud.requests if at >= up) for cloud in sky.clouds.values()]
    assert max(back) - up <= timedelta(minutes=75)
    together = [b - a for a, b in pairwise(sorted(back))]
    assert sum(gap > timedelta(0) for gap in together) >= 10, "and not all at once"
    assert await store.incidents(open_only=True) == []
    for cloud in sky.clouds.values():
        (pool,) = cloud.pools.values()
        kept = [point.at for point in await store.history(next(iter(cloud.pools)), "orp")]
        assert kept == [at for at in pool.instants if kept[0] <= at <= kept[-1]]


async def test_a_cloud_that_hangs_keeps_no_other_waiting() -> None:
    clock = VirtualClock()
    sky = Sky(clock, NAMES)
    release = asyncio.Event()

    class _Hanging(Cloud):
        async def ask(self, request: Request) -> Answer:
            await release.wait()
            return await super().ask(request)

    hanging = {f"slow-{n}": _Hanging(clock, Pool(f"9{n}", [START - HOUR])) for n in range(10)}
    sky.clouds |= hanging
    slow = [replace(account(name), base_url="https://slow.test") for name in hanging]
    store = await stored(*map(account, NAMES), *slow)
    round_ = asyncio.create_task(sky.collector(store, clock).round())
    async with asyncio.timeout(20):
        while await store.count() < 20 * 3 * 72:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0)
    assert not round_.done()
    release.set()
    await round_
