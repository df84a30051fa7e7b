from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.series import Slice
from margelle.ports import Store
from margelle.store.chunk import Column
from tests.store.things import HOUR, NOW, point

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
