"""Collecting while clocks are wrong, days are odd, readings are late, and probes move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from margelle.ports import Batch
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
)


@pytest.mark.parametrize(
    "day",
    [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)],
    ids=["an hour less", "an hour more", "leap day"],
)
async def test_a_day_that_is_odd_somewhere_is_collected_as_any_other(day: datetime) -> None:
    clock = VirtualClock(day - 12 * HOUR)
    pool = Pool("1", hourly(day - 40 * DAY, day + 2 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, day + 36 * HOUR)
    for quantity in QUANTITIES:
        kept = [one.at for one in await store.history(pool.probe.id, quantity)]
        assert kept == [at for at in pool.instants if kept[0] <= at <= kept[-1]]
        assert kept[-1] > day + 34 * HOUR
    assert await store.gaps() == []


@pytest.mark.parametrize("wrong", [-2 * DAY, -3 * HOUR, 3 * HOUR, 2 * DAY], ids=str)
async def test_a_hub_whose_clock_is_wrong_for_some_hours_loses_and_invents_nothing(wrong: timedelta) -> None:
    true, shown = VirtualClock(), VirtualClock()
    pool = Pool("1", hourly(START - 40 * DAY, START + 12 * DAY))
    cloud, store = Cloud(true, pool), await stored(account())
    cloud.door("fake-1").own.clock = shown
    collector = collecting(store, cloud, clock=shown)
    while true.now < START + 9 * DAY:
        off = wrong if START + DAY <= true.now < START + DAY + 7 * HOUR else timedelta(0)
        shown.now = true.now + off
        await collector.round()
        true.now += 3 * MINUTE
    for quantity in QUANTITIES:
        kept = [one.at for one in await store.history(pool.probe.id, quantity)]
        assert kept == [at for at in pool.instants if kept[0] <= at <= kept[-1]]
        assert kept[-1] > true.now - 1.3 * HOUR


async def test_readings_that_come_late_and_values_that_are_corrected_are_found_within_the_week() -> None:
    clock = VirtualClock()
    whole = hourly(START - 40 * DAY, START + 12 * DAY)
    late = [at for at in whole if START + DAY <= at < START + DAY + 40 * MINUTE]
    pool = Pool("1", [at for at in whole if at not in late])
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 2 * DAY)
    pool.instants = whole
    corrected = whole[len(whole) - 12 * 24 + 30]

    def measured(quantity: str, at: datetime) -> object:
        one = Pool.measured(pool, quantity, at)
        return replace(one, value=7.4, raw="7.4") if quantity == "ph" and at == corrected else one

    pool.measured = measured  # type: ignore[method-assign,assignment]
    await drive(collecting(store, cloud), clock, START + 9 * DAY)
    kept = {one.at: one for one in await store.history(pool.probe.id, "ph")}
    assert set(late) <= set(kept)
    assert kept[corrected].value == 7.4
    assert [one.measurement.value for one in await store.revisions(pool.probe.id, "ph", corrected)] == [7.2]


async def test_a_probe_that_is_moved_goes_on_at_its_new_site_and_leaves_a_trace_of_the_day() -> None:
    clock = VirtualClock()
    pool, spa = (Pool(key, hourly(START - 40 * DAY, START + 6 * DAY)) for key in ("1", "2"))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 2 * DAY)
    pool.site, pool.probe = spa.site, replace(pool.probe, site=spa.site.id)
    await drive(collecting(store, cloud), clock, START + 5 * DAY)
    assert [probe.id for probe in await store.probes("fake:2")] == [pool.probe.id]
    assert await store.probes("fake:1") == []
    (_, before), (moved_at, after) = await store.devices(pool.probe.id)
    assert (before.site, after.site) == ("fake:1", "fake:2")
    assert START + 2 * DAY <= moved_at <= START + 3.6 * DAY
    kept = [one.at for one in await store.history(pool.probe.id, "ph")]
    assert kept == [at for at in pool.instants if kept[0] <= at <= kept[-1]]
    assert kept[-1] > START + 4.9 * DAY


async def test_an_answer_from_the_future_holds_nothing_up() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(START - 40 * DAY, START + 6 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + DAY)
    ahead = Batch((pool.measured("ph", clock.now + 400 * DAY),))
    cloud.trouble = lambda act, subject: ahead if act == "latest" else None
    await drive(collecting(store, cloud), clock, START + 1.5 * DAY)
    cloud.trouble = lambda act, subject: None
    await drive(collecting(store, cloud), clock, START + 3 * DAY)
    kept = [one.at for one in await store.history(pool.probe.id, "ph", until=clock.now)]
    assert kept == [at for at in pool.instants if kept[0] <= at <= kept[-1]]
