"""The collector's promise, under virtual time: every reading once, within the pace."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta

import pytest

from margelle.errors import Unreachable
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    QUANTITIES,
    START,
    Cloud,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
    without,
)

END = START + 14 * DAY
BEGAN = START - 40 * DAY


async def kept(store: MemoryStore, pool: Pool, quantity: str) -> list[datetime]:
    return [point.at for point in await store.history(pool.probe.id, quantity)]


def most_in_an_hour(cloud: Cloud) -> int:
    instants = sorted(at for at, _, _ in cloud.requests)
    return max(bisect_left(instants, at + HOUR) - n for n, at in enumerate(instants))


@pytest.mark.parametrize("pools", [1, 2, 5])
async def test_a_fortnight_collects_every_reading_once_and_keeps_the_pace(pools: int) -> None:
    clock = VirtualClock()
    probes = [Pool(str(n), hourly(BEGAN + n * 11 * MINUTE, END)) for n in range(pools)]
    cloud, store = Cloud(clock, *probes), await stored(account())
    await drive(collecting(store, cloud), clock, END)
    for pool in probes:
        expected = [at for at in pool.instants if START - 30 * DAY + 3 * HOUR <= at <= END - 5 * MINUTE]
        for quantity in QUANTITIES:
            told = [at for at in await kept(store, pool, quantity) if at >= expected[0]]
            assert told[: len(expected)] == expected
            assert not await store.revisions(pool.probe.id, quantity, expected[-1])
    assert most_in_an_hour(cloud) <= 20
    assert cloud.asked("latest", START + DAY) == pytest.approx(pools * 13 * 24, rel=0.02)
    assert len([at for at, _, _ in cloud.requests if at > START + DAY]) / (13 * 24) < 2.5 * pools


async def test_a_single_pool_costs_about_two_requests_an_hour() -> None:
    clock = VirtualClock()
    cloud, store = Cloud(clock, Pool("1", hourly(BEGAN, END))), await stored(account())
    await drive(collecting(store, cloud), clock, START + 5 * DAY)
    usual = [at for at, _, _ in cloud.requests if at >= START + DAY]
    assert len(usual) / (4 * 24) < 2.5


async def test_a_restarted_probes_quick_readings_are_all_collected() -> None:
    clock = VirtualClock()
    restart = START + 3 * DAY + 20 * MINUTE
    quick = [restart + n * 10 * MINUTE for n in range(6)]
    instants = [*hourly(BEGAN, restart), *quick, *hourly(restart + HOUR, END)]
    pool = Pool("1", instants)
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 5 * DAY)
    told = await kept(store, pool, "ph")
    assert set(quick) <= set(told)
    assert most_in_an_hour(cloud) <= 20


async def test_quick_readings_that_nobody_saw_because_the_rhythm_stayed_are_there_a_day_later() -> None:
    """The first and the last of them are those that were due anyway: no latest value tells of the others."""
    clock = VirtualClock()
    usual = hourly(BEGAN, END)
    restart = next(at for at in usual if at > START + 3 * DAY)
    quick = [restart + n * 10 * MINUTE for n in range(1, 6)]
    pool = Pool("1", [*usual, *quick])
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, restart + 30 * HOUR)
    for quantity in QUANTITIES:
        assert set(quick) <= set(await kept(store, pool, quantity))
    looks = cloud.asked("history", restart + 30 * HOUR)
    await drive(collecting(store, cloud), clock, restart + 54 * HOUR)
    assert cloud.asked("history", restart + 30 * HOUR) - looks <= 2, "what was found once is not looked for again"


@pytest.mark.parametrize(("days", "window"), [(0.5, "day"), (5, "week"), (20, "month")])
async def test_after_an_outage_of_the_hub_the_gap_is_filled_from_the_cheapest_window(days: float, window: str) -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(BEGAN, START + 30 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 6 * HOUR)
    clock.now = back = clock.now + days * DAY
    await drive(collecting(store, cloud), clock, back + 3 * HOUR)
    for quantity in QUANTITIES:
        told = await kept(store, pool, quantity)
        assert told == [at for at in pool.instants if told[0] <= at <= told[-1]]
    asked = {url.split("/")[-1] for at, name, url in cloud.requests if name == "history" and at >= back}
    assert asked == {f"ico {quantity} {window}" for quantity in QUANTITIES}


async def test_after_an_outage_beyond_the_clouds_memory_the_rest_is_recorded_as_lost() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(BEGAN, START + 60 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + DAY)
    clock.now += 45 * DAY
    collector = collecting(store, cloud)
    await drive(collector, clock, clock.now + 3 * HOUR)
    gaps = await store.gaps()
    lost = [gap for gap in gaps if gap.state == "lost"]
    assert {gap.quantity for gap in lost} == set(QUANTITIES)
    assert all(gap.until - gap.since == pytest.approx(15 * DAY, abs=3 * HOUR) for gap in lost)
    assert {gap.quantity for gap in gaps if gap.state == "filled"} == set(QUANTITIES)


async def test_silence_at_the_source_is_asked_about_once_and_then_known() -> None:
    clock = VirtualClock()
    silent_from, silent_until = START + 2 * DAY, START + 2 * DAY + 9 * HOUR
    pool = Pool("1", without(hourly(BEGAN, END), silent_from, silent_until))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 5 * DAY)
    looks = 2  # at the past day of one quantity
    assert cloud.asked("history", silent_until) == len(QUANTITIES) + looks
    asked = [at for at, name, _ in cloud.requests if name == "latest" and silent_from + 2 * HOUR <= at < silent_until]
    assert len(asked) <= 10


async def test_an_outage_of_the_cloud_loses_nothing_and_does_not_hammer_it() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(BEGAN, END))
    cloud, store = Cloud(clock, pool), await stored(account())
    down, up = START + DAY, START + 2 * DAY

    def trouble(act: str, subject: str) -> None:
        if down <= clock.now < up:
            raise Unreachable("No answer from the cloud.")

    cloud.trouble = trouble
    await drive(collecting(store, cloud), clock, up + 4 * HOUR)
    asked = [at for at, _, _ in cloud.requests if down <= at < up]
    assert len(asked) < 60
    told = await kept(store, pool, "orp")
    assert told == [at for at in pool.instants if told[0] <= at <= told[-1]]
    assert told[-1] > up + 2 * HOUR
    whole, first = [one for one in await store.incidents("fake-1") if one.kind == "unreachable"]
    assert whole.ended_at is not None
    assert first.ended_at is not None
    assert (whole.where, whole.count + first.count) == ("fake-1", len(asked))


class _Killed(BaseException):
    """SIGKILL, as far as Python can have it."""


class _Mortal(MemoryStore):
    """A store whose process is killed while it writes its n-th note."""

    def __init__(self) -> None:
        super().__init__()
        self.notes_until_death = -1

    async def put_memo(self, name: str, value: bytes) -> None:
        self.notes_until_death -= 1
        if self.notes_until_death == 0:
            raise _Killed
        await super().put_memo(name, value)


async def test_a_kill_between_asking_and_noting_loses_and_doubles_nothing() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(BEGAN, END))
    cloud, store = Cloud(clock, pool), _Mortal()
    await store.put_account(account())
    kills = 0
    while clock.now < START + 2 * DAY:
        store.notes_until_death = 4
        try:
            await drive(collecting(store, cloud), clock, START + 2 * DAY)
        except _Killed:
            kills += 1
            clock.now += timedelta(seconds=60)
    assert kills > 10
    for quantity in QUANTITIES:
        told = await kept(store, pool, quantity)
        assert told == [at for at in pool.instants if told[0] <= at <= told[-1]]
        assert told[0] < START - 29 * DAY
