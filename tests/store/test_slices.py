from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.series import DaySlice, DayStatistics, Slice, by_day
from margelle.domain.unit import Unit
from margelle.ports import Store
from margelle.store import rules
from margelle.store.chunk import Column
from margelle.store.memory import MemoryStore
from tests.store.things import DAY, HOUR, NOW, point

PROBE = "ondilo:1/ico"
CORRECTED = 700


def hourly(first: int, last: int) -> list[Measurement]:
    return [point(n % 97 / 10, NOW + n * HOUR) for n in range(first, last)]


async def filled(store: Store) -> Store:
    """Two chunks and a bit, what waits to be folded, and something late."""
    await store.add([*hourly(0, 600), *hourly(601, 1500)], NOW)
    while (await store.fold(everything=True)).more:
        pass
    await store.add(hourly(1500, 1530), NOW)
    return store


def measured(slices: Sequence[Slice], *, descending: bool = False) -> list[Measurement]:
    """What `history` would tell."""
    found: list[Measurement] = []
    for one in slices:
        assert isinstance(one.points, Column)
        part = one.points.part(one.first, one.last).measurements(PROBE, "ph")
        found += part[::-1] if descending else part
    return found


BOUNDS = [(None, None), (0, 1530), (5, 700), (590, 610), (1400, None), (None, 3), (1499, 1501), (2000, None)]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("descending", [False, True])
async def test_slices_have_the_points_of_the_history(store: Store, late: bool, descending: bool) -> None:
    await filled(store)
    if late:
        await store.add(hourly(600, 601), NOW)
    for first, last in BOUNDS:
        since, until = (None if n is None else NOW + n * HOUR for n in (first, last))
        for limit in (None, 0, 1, 29, 30, 31, 100, 1000, 1400, 5000):
            span: tuple[datetime | None, datetime | None, int | None] = (since, until, limit)
            slices = await store.slices(PROBE, "ph", *span, descending=descending)
            assert all(map(len, slices))
            told = await store.history(PROBE, "ph", *span, descending=descending)
            assert measured(slices, descending=descending) == told, span


@pytest.mark.parametrize("descending", [False, True])
async def test_a_chunk_that_has_nothing_in_the_span_does_not_hide_those_before_it(
    store: Store, descending: bool
) -> None:
    """The span ends in a silence of this quantity, through which another one goes on; what waits is older than the points before that."""
    others = [point(20.0, NOW + n * HOUR, quantity="temperature", raw_unit=Unit.CELSIUS) for n in range(1500)]
    await store.add([*others, *hourly(0, 300), *hourly(305, 600), *hourly(1100, 1500)], NOW)
    while (await store.fold(everything=True)).more:
        pass
    await store.add(hourly(300, 305), NOW)
    for last in range(575, 1150, 25):
        for limit in (1, 2, 5, 6):
            span = (None, NOW + last * HOUR, limit)
            slices = await store.slices(PROBE, "ph", *span, descending=descending)
            told = await store.history(PROBE, "ph", *span, descending=descending)
            assert measured(slices, descending=descending) == told, (last, limit)


async def test_what_nobody_has_measured_has_no_slices(store: Store) -> None:
    assert await store.slices(PROBE, "ph") == []


async def lasting(store: Store) -> list[int]:
    """Which columns are told that are likely to be told again."""
    found = await store.slices(PROBE, "ph", NOW, NOW + 60 * 24 * HOUR, 5000)
    return [id(one.points) for one in found if one.lasting]


@pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
async def test_columns_last_while_other_things_are_stored(store: Store) -> None:
    await filled(store)
    before = await lasting(store)
    assert before
    await store.add([point(7.0, NOW, probe="ondilo:2/ico")], NOW)
    await store.add(hourly(1530, 1531), NOW)
    assert await lasting(store) == before


@pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("change", ["corrected", "judged"])
async def test_a_column_that_has_changed_is_another_one(store: Store, change: str) -> None:
    await filled(store)
    held = await store.slices(PROBE, "ph", NOW, NOW + 60 * 24 * HOUR, 5000)
    old = (await store.history(PROBE, "ph", NOW + CORRECTED * HOUR, limit=1))[0]
    if change == "corrected":
        await store.add([replace(old, value=6.5, raw="6.5")], NOW + timedelta(days=90))
    else:
        await store.add([], NOW, [replace(old, doubts=(Doubt("jump", "too fast"),))])
    now = await store.slices(PROBE, "ph", NOW, NOW + 60 * 24 * HOUR, 5000)
    changed = [one for one in now if one.lasting and NOW + CORRECTED * HOUR in {m.at for m in measured([one])}]
    assert len(changed) == 1
    assert id(changed[0].points) not in {id(one.points) for one in held}
    assert measured(now) == await store.history(PROBE, "ph", NOW, NOW + 60 * 24 * HOUR)


def told(slices: Sequence[DaySlice]) -> list[DayStatistics]:
    return [day for one in slices for day in one.told()]


DAYS = NOW.date(), (NOW + 70 * DAY).date()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Tokyo"])
async def test_days_are_those_of_the_points_whatever_waits_and_wherever_it_is(store: Store, zone: str) -> None:
    await filled(store)
    for late in ([], hourly(600, 601), hourly(1, 2), [point(1.0, NOW - 30 * DAY)], [point(9, NOW + 3000 * HOUR)]):
        await store.add([replace(one, at=one.at + HOUR / 2) for one in late], NOW)
        for first, last in (
            DAYS,
            (DAYS[0] + 3 * DAY, DAYS[1] - 20 * DAY),
            (DAYS[1], DAYS[1] + DAY),
            (DAYS[0] - 90 * DAY, DAYS[1] + 90 * DAY),
        ):
            span = rules.days(first, last, zone)
            slices = await store.days(PROBE, "ph", first, last, zone)
            assert all(map(len, slices))
            assert told(slices) == by_day(await store.history(PROBE, "ph", *span), zone)
            assert await store.statistics(PROBE, "ph", first, last, zone) == told(slices)


async def test_days_of_which_very_many_wait_are_those_of_the_points(store: Store) -> None:
    await filled(store)
    for n in range(200, 240):  # one on each of forty days
        await store.add([point(3.0, NOW + (n - 199) * DAY + HOUR / 2)], NOW)
        slices = await store.days(PROBE, "ph", *DAYS)
        assert told(slices) == by_day(await store.history(PROBE, "ph", *rules.days(*DAYS, "UTC")), "UTC")


async def test_lasting_days_are_the_same_objects_until_a_point_of_them_changes(store: Store) -> None:
    await filled(store)

    async def lasting() -> list[int]:
        return [id(one.days) for one in await store.days(PROBE, "ph", *DAYS) if one.lasting]

    first = await lasting()
    assert first or isinstance(store, MemoryStore)
    held = await store.days(PROBE, "ph", *DAYS)
    assert await lasting() == first
    await store.add([point(9.0, NOW + 1600 * HOUR)], NOW)
    assert await lasting() == first, "what waits is of another day"
    await store.add([point(9.9, NOW + 3 * HOUR)], NOW)  # one that is corrected
    now = await store.days(PROBE, "ph", *DAYS)
    assert [one.told() for one in now] != [one.told() for one in held]
    assert told(now) == by_day(await store.history(PROBE, "ph", *rules.days(*DAYS, "UTC")), "UTC")
