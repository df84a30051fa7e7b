"""In whichever order points arrive, in the end their verdicts are the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.verdict import REACH, review
from margelle.errors import StoreError
from margelle.intake.beside import SPARSE, keep
from margelle.ports import Store
from margelle.store.memory import MemoryStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.domain.water import HOUR, PROBE, START, flat, pool, series, told

NOW = START + timedelta(days=60)
KEY = b"q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="


async def kept(store: Store, probe: str = PROBE) -> list[Measurement]:
    points = [point for quantity in await store.quantities(probe) for point in await store.history(probe, quantity)]
    return sorted(points, key=lambda point: (point.at, point.quantity))


def troubled(hours: int = 400) -> list[Measurement]:
    """A pool with a spike, a stuck sensor, a dry probe and a contradiction in it."""
    water = pool(hours)
    water["ph"][60] = told("ph", 11.2, 60)
    for hour in range(100, 130):
        water["orp"][hour] = told("orp", 655, hour)
    for hour in range(200, 210):
        water["tds"][hour], water["ph"][hour] = told("tds", 7, hour), told("ph", 6.1, hour)
    for hour in range(300, 304):
        water["orp"][hour] = told("orp", 90 + hour % 3, hour)
    return flat(water)


def batches(points: Sequence[Measurement], dice: Random) -> list[list[Measurement]]:
    """`points` in parts, mixed up, and some of them twice."""
    mixed = [*points, *dice.sample(points, len(points) // 5)]
    dice.shuffle(mixed)
    cuts = sorted(dice.sample(range(len(mixed)), min(12, len(mixed) - 1)))
    return [mixed[start:end] for start, end in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]


@given(st.integers(0, 10_000))
@settings(max_examples=15)
async def test_any_order_of_arrival_ends_in_the_same_verdicts(seed: int) -> None:
    points, store = troubled(), MemoryStore()
    for batch in batches(points, Random(seed)):
        await keep(store, batch, NOW, kind="pool")
    assert await kept(store) == review(points, "pool")


async def test_what_arrives_hour_by_hour_is_judged_as_what_arrives_at_once() -> None:
    points, hourly, once = troubled(), MemoryStore(), MemoryStore()
    for start in range(0, len(points), 4):
        await keep(hourly, points[start : start + 4], points[start].at, kind="pool")
    await keep(once, points, NOW, kind="pool")
    assert await kept(hourly) == await kept(once) == review(points, "pool")
    found = {doubt.kind for point in await kept(once) for doubt in point.doubts}
    assert found == {"jump", "stuck", "exposed"}


async def test_a_late_point_clears_the_one_before_it_and_no_revision_is_kept() -> None:
    store = MemoryStore()
    values = [7.30 + 0.01 * (n % 3) for n in range(30)]
    points = series("ph", [*values, 9.4, 9.38])
    (*_, newest) = await keep(store, points[:-1], NOW)
    assert [doubt.kind for doubt in newest.doubts] == ["jump"]
    await keep(store, points[-1:], NOW)
    assert [point.doubts for point in await kept(store)] == [()] * 32
    assert await store.revisions(PROBE, "ph", newest.at) == []


async def test_a_corrected_point_is_judged_again_and_so_are_its_neighbours() -> None:
    store, points = MemoryStore(), troubled()
    await keep(store, points, NOW, kind="pool")
    right = told("ph", 7.31, 60)
    assert (await store.history(PROBE, "ph", right.at, None, 1))[0].doubts
    await keep(store, [right], NOW, kind="pool")
    assert (await store.history(PROBE, "ph", right.at, None, 1)) == [right]
    (revision,) = await store.revisions(PROBE, "ph", right.at)
    assert (revision.measurement.value, revision.measurement.doubts[0].kind) == (11.2, "jump")


async def test_points_of_two_probes_are_no_neighbours() -> None:
    store = MemoryStore()
    ours = series("ph", [7.3 + 0.01 * (n % 2) for n in range(20)])
    theirs = replace(told("ph", 9.9, 19.5), probe="other")
    await keep(store, [*ours, theirs], NOW)
    assert all(point.valid for point in [*await kept(store), *await kept(store, "other")])


async def test_a_batch_that_says_two_things_of_one_instant_keeps_both() -> None:
    store, one, other = MemoryStore(), told("ph", 7.2), told("ph", 7.3)
    assert await keep(store, [one, other], NOW) == [one, other]
    assert await kept(store) == [other]
    assert [revision.measurement for revision in await store.revisions(PROBE, "ph", one.at)] == [one]


async def test_instants_at_the_ends_of_the_calendar_are_kept() -> None:
    store = MemoryStore()
    odd = [replace(told("ph", 7.2), at=START.replace(year=year)) for year in (1, 9999)]
    old, far = await keep(store, odd, NOW)
    assert (old.doubts[0].kind, far.doubts[0].kind) == ("past", "future")
    assert await store.count() == 2


class _Watched(MemoryStore):
    """Notes how long a stretch is read at once, and may be full."""

    longest = timedelta(0)
    full = False

    async def history(
        self, probe: str, quantity: str, since: Any = None, until: Any = None, limit: Any = None, **order: Any
    ) -> Any:
        if since is not None:
            self.longest = max(self.longest, until - since)
        return await super().history(probe, quantity, since, until, limit, **order)

    async def add(self, measurements: Any, now: Any, reviewed: Any = (), **more: Any) -> Any:
        if self.full:
            raise StoreError("The disk is full.", hint="Make room.")
        return await super().add(measurements, now, reviewed, **more)


async def test_a_long_past_is_judged_piece_by_piece() -> None:
    store, points = _Watched(), flat(pool(2400))
    await keep(store, points[::2], NOW, kind="pool")
    await keep(store, points, NOW, kind="pool")
    assert timedelta(0) < store.longest <= SPARSE + 4 * REACH + HOUR


async def test_points_years_apart_in_one_answer_do_not_read_the_years_between() -> None:
    store = _Watched()
    await keep(store, flat(pool(10)), NOW)
    await keep(store, [told("ph", 7.3, 20), replace(told("orp", 655, 20), at=START.replace(year=2020))], NOW)
    assert store.longest <= 5 * HOUR * 24 + 4 * REACH + HOUR


async def test_where_the_store_fails_neither_points_nor_verdicts_are_kept() -> None:
    store, points = _Watched(), series("ph", [*[7.30 + 0.01 * (n % 3) for n in range(30)], 9.4, 9.38])
    await keep(store, points[:-1], NOW)
    before, store.full = await kept(store), True
    with pytest.raises(StoreError):
        await keep(store, points[-1:], NOW)
    assert await kept(store) == before


async def test_what_the_vendor_said_stands_first_and_alone() -> None:
    store, points = MemoryStore(), troubled()
    told_so = replace(points[60 * 4 + 1], doubts=(Doubt("vendor", "OUT_OF_RANGE"),))
    await keep(store, [*points, told_so], NOW, kind="pool")
    (found,) = [point for point in await kept(store) if (point.quantity, point.at) == (told_so.quantity, told_so.at)]
    assert found == told_so


@given(st.integers(0, 10_000))
@settings(max_examples=15)
async def test_after_corrections_in_any_order_all_stand_judged_as_if_nothing_had_ever_been_otherwise(seed: int) -> None:
    store, dice = MemoryStore(), Random(seed)
    wrong = [replace(one, value=9.9, raw="9.9") if dice.random() < 0.05 else one for one in troubled()]
    for batch in [*batches(wrong, dice), *batches(troubled(), dice)]:
        await keep(store, batch, NOW, kind="pool")
    assert await kept(store) == review(troubled(), "pool")


@pytest.mark.parametrize("of_spike", [True, False])
async def test_whoever_keeps_at_the_same_time_all_are_judged_beside_each_other(tmp_path: Path, of_spike: bool) -> None:
    class Late(SqliteStore):
        """A store into which another process keeps something just before this one does."""

        late: Sequence[Measurement] = ()

        async def add(self, measurements: Any, now: Any, reviewed: Any = (), **more: Any) -> Any:
            if self.late:
                others, self.late = self.late, ()
                await keep(other, others, NOW, kind="pool")
            return await super().add(measurements, now, reviewed, **more)

    points = series("ph", [7.30 + 0.01 * (n % 3) for n in range(60)])
    points[30] = replace(points[30], value=9.4, raw="9.4")
    first, second = (points[30:31], points[:30] + points[31:])[:: 1 if of_spike else -1]
    store, other = Late(tmp_path / "m.sqlite", Vault(KEY)), SqliteStore(tmp_path / "m.sqlite", Vault(KEY))
    await keep(store, points[:2], NOW, kind="pool")
    store.late = second
    await keep(store, first, NOW, kind="pool")
    assert await kept(store) == review(points, "pool")
    assert [point.doubts[0].kind for point in await kept(store) if point.doubts] == ["jump"]
    await store.close()
    await other.close()


async def test_alone_nothing_is_read_twice() -> None:
    asked: list[str] = []

    class Noting(MemoryStore):
        async def columns_of(self, *args: Any) -> Any:
            asked.append("around")
            return await super().columns_of(*args)

        async def add(self, *args: Any, **more: Any) -> Any:
            asked.append("add")
            return await super().add(*args, **more)

        async def quantities(self, *args: Any) -> Any:
            asked.append("again")
            return await super().quantities(*args)

    store = Noting()
    await keep(store, series("ph", [7.3] * 5), NOW, kind="pool")
    asked.clear()
    await keep(store, [told("ph", 7.3, 20)], NOW, kind="pool")
    assert asked == ["around", "add"]
