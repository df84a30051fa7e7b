"""The judge itself: whoever cannot find a fault proves nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.domain.measurement import Measurement
from margelle.domain.unit import Unit
from margelle.ports import Rate
from margelle.simulate.faults import CATALOGUE
from margelle.simulate.faults.log import Entry
from margelle.store.memory import MemoryStore
from tests.soak.mortal import Killed, Mortal
from tests.soak.schedule import DAY, HOUR, LONG, VENDORS, cases, drawn
from tests.soak.verdict import Fate, Found, Points, Well, fate_of, look_for_wrong
from tests.soak.clock import START
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


def test_a_reading_that_could_be_had_for_a_day_is_lost_and_one_that_could_not_is_not() -> None:
    assert fate_of([23 * HOUR, 25 * HOUR], over=True) is Fate.BROKEN
    assert fate_of([25 * HOUR], over=False) is Fate.BROKEN
    assert fate_of([23 * HOUR, HOUR], over=True) is Fate.BRIEF
    assert fate_of([HOUR], over=False) is Fate.YOUNG
    assert fate_of([], over=True) is Fate.FORGOTTEN


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


@pytest.mark.parametrize(("writes", "kept"), [(1, 0), (2, 2), (3, 2)])
async def test_a_doomed_store_dies_before_or_just_after_a_write_and_stays_dead(writes: int, kept: int) -> None:
    store = MemoryStore()
    mortal = Mortal(store)
    mortal.doom(writes)
    done = 0
    with pytest.raises(Killed):
        for n in range(5):
            await mortal.store.put_memo(str(n), b"x")
    for n in range(5):
        done += await store.memo(str(n)) is not None
    assert done == kept
    with pytest.raises(Killed):
        await mortal.store.memo("0")
