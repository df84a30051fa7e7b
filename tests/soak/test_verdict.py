"""The judge itself: whoever cannot find a fault proves nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import cast

import pytest

from margelle.domain.measurement import Measurement
from margelle.domain.unit import Unit
from margelle.net.budget import Budget
from margelle.ports import Rate, Store
from margelle.simulate.faults import CATALOGUE
from margelle.simulate.faults.log import Entry
from margelle.store.memory import MemoryStore
from tests.soak.clock import START
from tests.soak.mortal import Killed, Life, Mortal
from tests.soak.schedule import DAY, HOUR, LONG, VENDORS, Trouble, cases, drawn
from tests.soak.verdict import (
    BASE,
    Chances,
    Fate,
    Found,
    Points,
    Well,
    fate_of,
    hidden,
    look_for_revisions,
    look_for_wrong,
)
from tests.soak.world import Tally

PH = ("p", "ph", START)


def entry(at: timedelta) -> Entry:
    return Entry(1, START + at, "", "", "ondilo", "", "GET", "", (), "", 200, 0, "")


def told(value: float, at: timedelta = timedelta(0)) -> Measurement:
    return Measurement("p", "ph", START + at, value, str(value), Unit.PH, "x")


def looked(true: Points, kept: Points) -> Found:
    found = Found(DAY)
    look_for_wrong(found, true, kept, ahead=False)
    return found


def test_one_request_more_than_the_rate_in_any_window_is_counted() -> None:
    tally = Tally([Rate(2, 3600)])
    for minutes in (0, 50, 60, 109, 121):
        tally.add(entry(minutes * HOUR / 60))
    assert (tally.requests, tally.beyond) == (5, 1)


def test_a_reading_that_could_be_had_is_lost_and_one_that_could_not_is_not() -> None:
    now, later, end = START + HOUR, START + 2 * HOUR, START + DAY
    assert fate_of(now, later, end, HOUR) is Fate.BROKEN
    assert fate_of(now, end + DAY, end, HOUR) is Fate.BROKEN
    assert fate_of(later, now, end, HOUR) is Fate.BRIEF
    assert fate_of(None, now, end, HOUR) is Fate.BRIEF
    assert fate_of(None, now, end, 0 * HOUR) is Fate.FORGOTTEN
    assert fate_of(None, end + DAY, end, HOUR) is Fate.YOUNG


def test_a_reading_has_its_chance_once_the_waits_that_a_trouble_left_are_over() -> None:
    """They are as long as the trouble was, and half as long again for their spread; half a day and a fifth at most."""

    def chances(*spans: tuple[float, float]) -> Chances:
        troubles = [(START + begin * HOUR, START + end * HOUR) for begin, end in spans]
        return Chances(Well(troubles, START, START + 40 * HOUR), START)

    calm = chances()
    assert calm.by(START + 7 * HOUR) == START + 7 * HOUR + BASE
    assert calm.by(START + 40 * HOUR - BASE / 2) is None
    short, long = chances((10, 11)), chances((2, 20))
    assert short.by(START + 5 * HOUR) == START + 5 * HOUR + BASE
    assert short.by(START + 10 * HOUR) == START + 12.5 * HOUR + BASE
    assert short.by(START + 20 * HOUR) == START + 20 * HOUR + BASE
    assert long.by(START + 1.5 * HOUR) == START + 34.4 * HOUR + BASE
    again = chances((10, 12), (13, 14))
    assert again.by(START + 10 * HOUR) == START + 20 * HOUR + BASE, "an hour between two troubles ends none of them"


def test_what_a_fault_hid_is_hidden_for_an_hour_more_and_from_its_own_vendor_alone() -> None:
    troubles = [Trouble(START + HOUR, START + 2 * HOUR, "ondilo", "fault", "readings-10min")]
    assert hidden(troubles, "ondilo", {"readings-10min"}) == [(START + HOUR, START + 3 * HOUR)]
    assert hidden(troubles, "flipr", {"readings-10min"}) == hidden(troubles, "ondilo", {"keys-renamed"}) == []


def test_all_is_well_where_nothing_was_the_matter() -> None:
    well = Well([(START + 3 * HOUR, START + 5 * HOUR), (START + 4 * HOUR, START + 6 * HOUR)], START, START + DAY)
    assert well.between(START + HOUR, START + 8 * HOUR) == [2 * HOUR, 2 * HOUR]
    assert well.between(START + 4 * HOUR, START + 5 * HOUR) == []
    assert well.total(START, START + DAY) == 21 * HOUR


def test_what_no_cloud_has_told_or_told_otherwise_is_found() -> None:
    assert looked({PH: told(7.2)}, {PH: told(7.2)}) == Found(DAY)
    assert looked({}, {PH: told(7.2)}).strangers == [PH]
    assert looked({PH: told(7.2)}, {PH: told(7.3)}).wrong == [PH]


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_year_brings_every_fault_of_the_catalogue_and_a_quiet_end(seed: int) -> None:
    until = START + 365 * DAY
    troubles = drawn(seed, START, until)
    assert troubles == drawn(seed, START, until)
    for vendor in VENDORS:
        assert {one.name for one in troubles if one.whose == vendor and one.kind == "fault"} == set(cases(vendor))
    assert {fault.name for fault in CATALOGUE} == {name for vendor in VENDORS for name in cases(vendor)}
    assert max(one.until for one in troubles) <= until - 9 * DAY
    assert max(one.until - one.at for one in troubles) > 20 * DAY
    assert until - START > LONG


@pytest.mark.parametrize(("steps", "kept"), [(1, 0), (2, 1), (3, 1), (4, 2)])
async def test_a_doomed_process_dies_before_or_just_after_what_it_does_and_stays_dead(steps: int, kept: int) -> None:
    store, life = MemoryStore(), Life(Random(1))
    mortal = cast("Store", Mortal(store, life))
    life.doom(steps)
    with pytest.raises(Killed):
        for n in range(5):
            await mortal.put_memo(str(n), b"x")
    assert sum([await store.memo(str(n)) is not None for n in range(5)]) == kept
    with pytest.raises(Killed):
        await mortal.memo("0")


def test_a_process_dies_between_what_it_counts_and_what_it_asks_and_the_count_stays() -> None:
    budget, life = Budget(None, "a", [Rate(2, 3600)]), Life(Random(1))
    life.doom(2)
    with pytest.raises(Killed):
        cast("Budget", Mortal(budget, life)).take(START)
    assert budget.remaining(START) == {Rate(2, 3600): 1}


async def test_a_process_that_sleeps_goes_on_where_it_was_when_it_is_woken() -> None:
    store, life = MemoryStore(), Life(Random(1))
    life.doze(2)
    task = asyncio.create_task(cast("Store", Mortal(store, life)).put_memo("0", b"x"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert life.asleep
    assert not task.done()
    life.wake()
    await task
    assert await store.memo("0") == b"x"


async def test_a_revision_of_nothing_and_one_of_what_no_cloud_has_told_are_found() -> None:
    store = MemoryStore()
    for value in (7.2, 7.1):
        await store.add([told(value)], START)
    for truth, revised in ((7.2, []), (7.3, [PH])):
        found = Found(DAY)
        await look_for_revisions(found, store, {PH: told(truth)}, {PH: told(7.1)}, ahead=False)
        assert (found.revisions, found.revised) == (1, revised)
    found = Found(DAY)
    await look_for_revisions(found, store, {PH: told(7.2)}, {PH: told(7.2)}, ahead=False)
    assert found.revised == [PH]
