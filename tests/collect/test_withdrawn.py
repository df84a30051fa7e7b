"""A cloud whose clock was wrong: what it told then and tells at another instant now is doubted, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.collect.withdrawn import surplus
from margelle.domain.measurement import Measurement
from margelle.ports import Batch
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
    shifted,
    stored,
)


class Town(Pool):
    """A pool whose values are other ones every hour."""

    def measured(self, quantity: str, at: datetime) -> Measurement:
        n = round(at.timestamp() / 60)
        value = {"temperature": 20 + n % 997 / 100, "ph": 7 + n % 89 / 100, "orp": 600.0 + n % 101}[quantity]
        return Measurement(
            self.probe.id, quantity, at, value, repr(value), Pool.measured(self, quantity, at).raw_unit, "fake/latest"
        )


async def life(ahead: timedelta, *acts: str, until: timedelta = 9 * DAY) -> tuple[MemoryStore, Town, VirtualClock]:
    """A cloud that tells everything `ahead` of its time for some hours, in answers to these acts."""
    clock = VirtualClock()
    pool = Town("1", hourly(START - 6 * DAY, START + 30 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    collector = collecting(store, cloud)
    await drive(collector, clock, START + DAY)

    def wrong(act: str, subject: str) -> Batch | None:
        if act not in acts:
            return None
        quantity = subject.split()[1] if act == "history" else ""
        true = pool.newest(clock.now) if act == "latest" else pool.told(quantity, clock.now, "month")
        return Batch(tuple(shifted(one, one.at + ahead) for one in true))

    cloud.trouble = wrong
    await drive(collector, clock, START + DAY + 7 * HOUR)
    cloud.trouble = lambda act, subject: None
    await drive(collector, clock, START + until)
    return store, pool, clock


def valid(points: list[Measurement]) -> list[datetime]:
    return [one.at for one in points if one.valid]


@pytest.mark.parametrize("ahead", [7 * MINUTE, -39 * MINUTE, -150 * MINUTE], ids=str)
async def test_what_a_cloud_told_at_wrong_instants_is_doubted_once_it_tells_the_right_ones(ahead: timedelta) -> None:
    store, pool, clock = await life(ahead, "latest")
    for quantity in QUANTITIES:
        points = await store.history(pool.probe.id, quantity, until=clock.now)
        wrong = [one for one in points if one.at not in set(pool.instants)]
        assert len(wrong) >= 5
        assert {doubt.kind for one in wrong for doubt in one.doubts} == {"withdrawn"}
        assert all(one.doubts for one in wrong)
        told = valid(points)
        assert told == [at for at in pool.instants if told[0] <= at <= told[-1]], "and no right one"


async def test_the_same_values_told_late_are_no_reason_to_doubt_what_is_still_told() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(START - 6 * DAY, START + 30 * DAY))  # one value of pH for ever
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 9 * DAY)
    for quantity in QUANTITIES:
        assert all(one.given == () for one in await store.history(pool.probe.id, quantity))


async def test_readings_that_an_answer_leaves_out_are_not_doubted() -> None:
    clock = VirtualClock()
    pool = Town("1", hourly(START - 6 * DAY, START + 30 * DAY))
    whole = pool.instants
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + 2 * DAY)
    pool.instants = [at for n, at in enumerate(whole) if n % 5]
    await drive(collecting(store, cloud), clock, START + 9 * DAY)
    assert [one for one in await store.history(pool.probe.id, "ph") if not one.valid] == []


async def test_a_reading_that_is_told_again_is_believed_again() -> None:
    store, pool, clock = await life(-39 * MINUTE, "latest")
    cloud = Cloud(clock, pool)
    (first, *_) = [one for one in await store.history(pool.probe.id, "ph") if not one.valid]
    pool.instants = sorted([*pool.instants, first.at])
    real = pool.measured
    pool.measured = lambda quantity, at: (  # type: ignore[method-assign]
        replace(first, doubts=()) if (quantity, at) == ("ph", first.at) else real(quantity, at)
    )
    await drive(collecting(store, cloud), clock, clock.now + 7 * DAY)
    (again,) = await store.history(pool.probe.id, "ph", first.at, first.at + MINUTE)
    assert again.valid
    assert len(await store.revisions(pool.probe.id, "ph", first.at)) == 2, "told, withdrawn, told again"


def point(minute: int, origin: str = "fake/latest") -> Measurement:
    one = Pool("1", []).measured("ph", START + minute * MINUTE)
    return replace(one, origin=origin)


def test_only_what_stands_where_no_reading_belongs_is_surplus() -> None:
    told = [point(n * 60) for n in (0, 1, 2, 5, 6)]
    known = [*told, point(90), point(200), point(345, "own/hand"), point(345)]
    assert surplus(sorted(known, key=lambda one: one.at), told, 3600) == [point(90).at, point(345).at]
    assert surplus(known, [], 3600) == []


@given(st.sets(st.integers(0, 200)), st.sets(st.integers(0, 200)), st.sampled_from([600, 1800, 3600]))
def test_what_is_told_is_never_surplus(told: set[int], more: set[int], every_s: int) -> None:
    points = [point(n * 10) for n in sorted(told)]
    found = surplus([point(n * 10) for n in sorted(told | more)], points, every_s)
    assert not set(found) & {one.at for one in points}
    assert set(found) <= {point(n * 10).at for n in more}
