"""Gaps: found from the rhythm, told apart from silence, filled, or given up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.collect.backfill import SPANS, arrived, beyond, give_up, settle, window_for
from margelle.collect.progress import Progress, Series, Track
from margelle.domain.gap import Gap
from tests.collect.cloud import DAY, HOUR, MINUTE, START


def track(newest: datetime | None = START - HOUR, *, settled: datetime | None = START - 2 * DAY) -> Track:
    one = Track("fake:1", ("ph",), newest=newest)
    one.series["ph"] = Series(newest=newest, settled_at=settled)
    return one


def gaps(one: Track, *instants: datetime, readable: bool = True) -> list[Gap]:
    return settle(one, instants, START, probe="p", quantity="ph", readable=readable)


@given(st.integers(0, 60 * 24 * 29))
def test_the_window_reaches_back_to_what_is_wanted(minutes: int) -> None:
    since = START - minutes * MINUTE
    window = window_for(since, START)
    assert START - SPANS[window] <= since
    smaller = [span for name, span in SPANS.items() if span < SPANS[window]]
    assert all(START - span + 5 * MINUTE > since for span in smaller)


@given(st.integers(0, 60 * 24 * 900))
def test_a_cloud_that_remembers_a_year_is_asked_for_it(minutes: int) -> None:
    since = START - minutes * MINUTE
    window = window_for(since, START, "year")
    assert START - SPANS[window] <= since or window == "year"
    assert window_for(START - 200 * DAY, START) == "month"


def test_what_a_cloud_has_forgotten_is_given_up_by_its_own_reach() -> None:
    for reach, lost in (("month", 1), ("year", 0)):
        one = track()
        one.series["ph"].missing_since, one.series["ph"].missing_until = START - 40 * DAY, START - 39 * DAY
        progress = Progress(probes={"p": one}, reach=reach)  # type: ignore[arg-type]
        assert len(give_up(progress, START)) == lost


def test_a_reading_after_a_missed_one_opens_a_gap() -> None:
    one = track()
    arrived(one, {"ph": START + HOUR}, START + HOUR, empty=False)
    series = one.series["ph"]
    assert (series.missing_since, series.missing_until) == (START - HOUR, START + HOUR)


def test_the_next_reading_in_time_opens_none() -> None:
    one = track()
    arrived(one, {"ph": START}, START, empty=False)
    assert one.series["ph"].missing_since is None
    assert one.misses == 0


def test_a_second_gap_before_the_first_is_filled_widens_it() -> None:
    one = track()
    arrived(one, {"ph": START + 2 * HOUR}, START + 2 * HOUR, empty=False)
    arrived(one, {"ph": START + 3 * HOUR}, START + 3 * HOUR, empty=False)
    arrived(one, {"ph": START + 9 * HOUR}, START + 9 * HOUR, empty=False)
    series = one.series["ph"]
    assert (series.missing_since, series.missing_until) == (START - HOUR, START + 9 * HOUR)


def test_a_clock_that_goes_backwards_moves_nothing_back() -> None:
    one = track()
    arrived(one, {"ph": START - DAY}, START, empty=False)
    assert one.newest == one.series["ph"].newest == START - HOUR
    assert one.misses == 1


def test_an_empty_answer_is_counted_and_a_full_one_ends_the_count() -> None:
    one = track()
    arrived(one, {}, START, empty=True)
    arrived(one, {}, START, empty=True)
    assert (one.empties, one.misses) == (2, 2)
    arrived(one, {"ph": START}, START, empty=False)
    assert (one.empties, one.misses) == (0, 0)


def test_a_reading_long_before_its_time_means_a_restart_and_quick_readings() -> None:
    one = track()
    arrived(one, {"ph": START - 40 * MINUTE}, START, empty=False)
    assert one.quick_until == one.suspect_at == START + 20 * MINUTE


def test_a_quick_hour_that_brings_nothing_ends_early() -> None:
    one = track()
    arrived(one, {"ph": START - 40 * MINUTE}, START - 30 * MINUTE, empty=False)
    arrived(one, {"ph": START - 40 * MINUTE}, START - 20 * MINUTE, empty=False)
    assert one.quick_until == one.suspect_at == START - 20 * MINUTE


def test_a_reading_somewhat_off_the_rhythm_makes_the_past_suspect() -> None:
    one = track()
    arrived(one, {"ph": START - 10 * MINUTE}, START, empty=False)
    assert (one.quick_until, one.suspect_at) == (None, START + 50 * MINUTE)


def test_a_gap_whose_past_was_told_is_settled_and_what_is_still_missing_of_it_silent() -> None:
    one = track()
    arrived(one, {"ph": START + 2 * HOUR}, START, empty=False)
    (gap,) = gaps(one, *(START - HOUR + n * HOUR for n in range(4)))
    assert (gap.state, gap.since, gap.until) == ("silent", START - HOUR, START + 2 * HOUR)
    assert one.series["ph"].missing_since is None
    assert one.series["ph"].settled_at == START
    assert one.series["ph"].silences == 0, "readings came"


def test_a_gap_that_the_cloud_has_nothing_for_is_silence() -> None:
    one = track()
    arrived(one, {"ph": START + 2 * HOUR}, START, empty=False)
    (gap,) = gaps(one, START - HOUR, START + 2 * HOUR)
    assert gap.state == "silent"
    assert one.series["ph"].silences == 1


def test_readings_that_were_known_between_two_gaps_are_not_taken_for_what_was_missing() -> None:
    one = track()
    for at in (START + 4 * HOUR, START + 5 * HOUR, START + 9 * HOUR):
        arrived(one, {"ph": at}, at, empty=False)
    between = [START + 4 * HOUR, START + 5 * HOUR]
    told = [START - HOUR, *between, START + 9 * HOUR]
    settle(one, told, START, probe="p", quantity="ph", readable=True, known=between)
    assert one.series["ph"].silences == 1


def test_what_a_past_told_beyond_the_newest_reading_has_holes_too() -> None:
    one = track()
    (gap,) = gaps(one, *(START - HOUR + n * HOUR for n in (0, 1, 2, 7)))
    assert (gap.state, gap.since, gap.until) == ("silent", START + HOUR, START + 6 * HOUR)


def test_what_is_missing_in_an_unreadable_answer_is_lost_not_silent() -> None:
    one = track()
    arrived(one, {"ph": START + 2 * HOUR}, START, empty=False)
    (gap,) = gaps(one, START - HOUR, readable=False)
    assert gap.state == "lost"


def test_the_holes_of_a_first_answer_are_silence() -> None:
    one = track(newest=None, settled=None)
    (gap,) = gaps(one, *(START - (20 - n) * HOUR for n in range(10)), START - HOUR)
    assert (gap.state, gap.since, gap.until) == ("silent", START - 11 * HOUR, START - HOUR)
    assert one.newest == START - HOUR


def test_an_empty_first_answer_is_remembered() -> None:
    one = track(newest=None, settled=None)
    assert gaps(one) == []
    assert one.series["ph"].settled_at == START


@pytest.mark.parametrize(("remembered", "reason"), [(("ph",), "30 days"), ((), "does not tell")])
def test_what_no_cloud_can_tell_any_more_is_lost(remembered: tuple[str, ...], reason: str) -> None:
    one = track(newest=START - 40 * DAY)
    one.remembered = remembered
    arrived(one, {"ph": START}, START, empty=False)
    progress = Progress(probes={"p": one})
    (gap,) = give_up(progress, START)
    assert reason in gap.why
    assert gap.since == START - 40 * DAY
    assert gap.until == (START - timedelta(days=30) if remembered else START)
    assert one.series["ph"].missing_since == (START - timedelta(days=30) if remembered else None)
    assert give_up(progress, START) == []
    assert progress.closed == [gap]


def test_what_a_cloud_forgets_while_its_past_waits_is_lost_by_whole_days() -> None:
    progress = Progress()
    progress.take_over({"p": "s"}, {"s": ("ph",)}, advised=False)
    series = progress.probes["p"].series["ph"]
    series.missing_since, series.missing_until = START - timedelta(days=40), START
    gaps = [gap for n in range(0, 72 * 60, 5) for gap in give_up(progress, START + timedelta(minutes=n))]
    assert [(gap.until - gap.since) // timedelta(hours=1) for gap in gaps] == [240, 24, 24]
    (rest,) = give_up(progress, START + timedelta(hours=71, minutes=59), only=("p", "ph"))
    assert timedelta(hours=23) < rest.until - rest.since < timedelta(days=1)
    assert series.missing_since == rest.until


def test_what_another_account_can_still_tell_is_not_lost() -> None:
    one = track()
    one.remembered = ()
    arrived(one, {"ph": START + 5 * HOUR}, START, empty=False)
    progress, elsewhere = Progress(probes={"p": one}), {("p", "ph"): SPANS["month"]}
    assert beyond(progress, START) == {("p", "ph")}
    assert give_up(progress, START, elsewhere=elsewhere) == []
    (open_,) = progress.open_gaps()
    assert "another account" in open_.why
    (lost,) = give_up(progress, START + 31 * DAY, elsewhere=elsewhere)
    assert (lost.since, lost.until, lost.why) == (START - HOUR, START + 5 * HOUR, "The cloud remembers only 30 days.")
