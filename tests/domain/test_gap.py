"""Stretches without readings: found from the rhythm, judged between readings, and never two over one another."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.domain.gap import Gap, GapState, holes, missing, over, refilled, rhythm_s
from tests.collect.cloud import HOUR, MINUTE, START

STATES: list[GapState] = ["open", "lost", "silent", "filled"]


def gap(since: float, until: float, state: GapState = "open") -> Gap:
    return Gap("p", "ph", START + since * HOUR, START + until * HOUR, state, START)


def spans(gaps: list[Gap]) -> list[tuple[float, float, str]]:
    return [((one.since - START) / HOUR, (one.until - START) / HOUR, one.state) for one in gaps]


def hours(*numbers: float) -> list[datetime]:
    return [START + n * HOUR for n in numbers]


def test_the_rhythm_is_the_median_of_the_newest_intervals() -> None:
    slow = [START + n * HOUR for n in range(40)]
    quick = [slow[-1] + n * 10 * MINUTE for n in range(1, 7)]
    assert rhythm_s(slow + quick) == 3600
    assert rhythm_s([START + n * 10 * MINUTE for n in range(40)]) == 600


def test_too_few_readings_have_no_rhythm() -> None:
    assert rhythm_s([START, START + HOUR, START + 2 * HOUR]) is None


def test_a_hole_is_where_a_reading_is_missing_not_where_one_is_late() -> None:
    late = START + HOUR + 40 * MINUTE
    assert holes([START, late, late + HOUR, late + 3 * HOUR], 3600) == [(late + HOUR, late + 3 * HOUR)]


def test_a_stretch_that_was_widened_over_readings_is_as_many_as_it_has_holes() -> None:
    assert spans(missing(gap(0, 20), hours(4, 5, 6, 15))) == [(0, 4, "open"), (6, 15, "open"), (15, 20, "open")]


def test_readings_that_come_into_a_stretch_fill_it_as_far_as_they_go() -> None:
    came = refilled(gap(0, 20, "silent"), hours(1, 2, 3, 9, 15, 16, 17, 18, 19), START)
    assert spans(came) == [(0, 3, "filled"), (3, 9, "silent"), (9, 15, "silent"), (15, 20, "filled")]
    assert spans(refilled(gap(0, 3), hours(1, 2), START)) == [(0, 3, "filled")]


def test_what_is_known_better_of_a_stretch_stays() -> None:
    known = [gap(0, 4, "filled"), gap(6, 8, "silent"), gap(8, 12, "lost")]
    assert spans(over(known, gap(2, 20, "open"))) == [
        (0, 4, "filled"), (4, 6, "open"), (6, 8, "silent"), (8, 12, "lost"), (12, 20, "open"),
    ]  # fmt: skip
    assert spans(over(known, gap(7, 10, "silent"))) == [(0, 4, "filled"), (6, 10, "silent"), (10, 12, "lost")]
    assert over(known, gap(6.5, 7, "silent")) == known, "said again, it changes nothing"


STRETCHES = st.tuples(st.integers(0, 30), st.integers(1, 9), st.sampled_from(STATES)).map(
    lambda one: gap(one[0], one[0] + one[1], one[2])
)


@given(st.lists(STRETCHES, max_size=12))
def test_whatever_is_laid_over_whatever_no_two_overlap_and_nothing_said_is_forgotten(told: list[Gap]) -> None:
    known: list[Gap] = []
    for one in told:
        apart = [here for here in known if not touch(here, one)]
        known = sorted([*apart, *over([here for here in known if touch(here, one)], one)], key=lambda here: here.since)
        assert all(earlier.until <= later.since for earlier, later in pairwise(known))
        assert all(STATES.index(here.state) >= STATES.index(one.state) for here in known if touch(here, one))
        assert sum(
            (min(a.until, one.until) - max(a.since, one.since) for a in known if touch(a, one)), timedelta(0)
        ) == (one.until - one.since)


def touch(one: Gap, other: Gap) -> bool:
    return one.since < other.until and other.since < one.until


@given(st.lists(st.integers(1, 47), max_size=20, unique=True), st.sampled_from([1800, 3600, 7200]))
def test_pieces_of_a_stretch_are_apart_and_only_filled_ones_have_readings(halves: list[int], every_s: int) -> None:
    whole = replace(gap(0, 24, "lost"), every_s=every_s)
    known = sorted(START + n * 30 * MINUTE for n in halves)
    pieces = refilled(whole, known, START)
    assert all(earlier.until <= later.since for earlier, later in pairwise(pieces))
    for one in pieces:
        assert (one.state == "filled") == any(one.since < at < one.until for at in known)
    assert [(one.since, one.until) for one in pieces if one.state == "lost"] == [
        (one.since, one.until) for one in missing(whole, known)
    ]
