from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.limits import Bands
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Band, Recommendation
from margelle.domain.state import BY_HAND, HOURLY, STATES, condition, late_after, rhythm_of, silent_after
from margelle.domain.unit import Unit
from tests.conftest import NOW

BANDS = {"ph": Bands(Band(7.2, 7.6), Band(7.0, 7.8), "usual")}


def ph(value: float | None, *doubts: Doubt, ago: timedelta = timedelta(minutes=20), origin: str = "a/b") -> Measurement:
    return Measurement("a:1/p", "ph", NOW - ago, value, str(value), Unit.PH, origin, doubts)


def other(quantity: str, value: float, ago: timedelta = timedelta(minutes=20)) -> Measurement:
    return Measurement("a:1/p", quantity, NOW - ago, value, str(value), Unit.RATIO, "a/b")


def advice(deadline: datetime | None = None) -> Recommendation:
    return Recommendation("a:r", "a:1", "r", "Do it", "", NOW, NOW, deadline=deadline)


def kinds(
    *latest: Measurement, waiting: tuple[Recommendation, ...] = (), rhythm: timedelta = HOURLY
) -> tuple[str, ...]:
    found = condition(latest, BANDS, waiting, NOW, rhythm)
    return (found.state, *(reason.kind for reason in found.reasons))


def test_water_within_its_limits_is_good() -> None:
    assert kinds(ph(7.4)) == ("good",)


def test_outside_the_ideal_is_watched_and_beyond_the_tolerable_acted_upon() -> None:
    assert kinds(ph(7.7)) == ("watch", "outside")
    assert kinds(ph(7.9)) == ("act", "far")


def test_what_was_withdrawn_says_nothing_of_the_water() -> None:
    assert kinds(ph(9.8, Doubt("withdrawn", "taken back"))) == ("unjudged", "unjudged")
    assert kinds(ph(7.4), other("orp", 20.0)) == kinds(ph(7.4), ph(9.8, Doubt("withdrawn", "taken back"))) == ("good",)


def test_a_doubted_value_gets_no_verdict_but_is_watched() -> None:
    assert kinds(ph(11.0, Doubt("jump", "a jump"))) == ("watch", "doubtful")
    assert kinds(ph(None, Doubt("unreadable", "no number"))) == ("watch", "doubtful")


def test_water_of_which_nothing_has_limits_is_not_called_good() -> None:
    found = condition([ph(9.9)], {}, [], NOW)
    assert (found.state, [each.kind for each in found.reasons]) == ("unjudged", ["unjudged"])


def test_one_quantity_with_limits_is_enough_to_judge_by() -> None:
    assert kinds(ph(7.4), other("flow", 12)) == ("good",)
    assert kinds(ph(7.9), other("flow", 12)) == ("act", "far")


def test_a_full_battery_says_nothing_of_the_water() -> None:
    bands = BANDS | {"battery": Bands(Band(20, None), None, "usual")}
    assert condition([other("battery", 90), other("flow", 12)], bands, [], NOW).state == "unjudged"
    assert condition([other("battery", 10), other("flow", 12)], bands, [], NOW).state == "watch"


def test_what_wants_something_is_told_before_that_nothing_can_be_judged() -> None:
    late = other("flow", 12, ago=timedelta(hours=5))
    assert kinds(late) == ("watch", "late", "unjudged")
    assert kinds(other("flow", 12), waiting=(advice(),)) == ("watch", "advised", "unjudged")
    assert kinds(other("flow", 12, ago=timedelta(days=2))) == ("silent", "silent")
    assert STATES.index("watch") < STATES.index("unjudged") < STATES.index("good")


def test_a_doubted_value_is_judged_by_its_doubt() -> None:
    assert kinds(ph(11.0, Doubt("jump", "a jump")), other("flow", 12)) == ("watch", "doubtful")


@pytest.mark.parametrize(
    ("hours", "state"), [(2.9, "good"), (3, "watch"), (23.9, "watch"), (24, "silent"), (24 * 365, "silent")]
)
def test_hourly_readings_are_late_after_three_hours_and_silent_after_a_day(hours: float, state: str) -> None:
    assert kinds(ph(7.4, ago=timedelta(hours=hours)))[0] == state


def test_what_is_silent_is_not_judged_by_its_old_values() -> None:
    assert kinds(ph(9.0, ago=timedelta(days=2))) == ("silent", "silent")


def test_a_value_much_older_than_its_neighbour_is_not_judged_either() -> None:
    chlorine = Measurement("a:1/p", "orp", NOW, 700, "700", Unit.MILLIVOLT, "a/b")
    assert kinds(chlorine, ph(9.0, ago=timedelta(days=2))) == ("unjudged", "unjudged")
    assert kinds(chlorine, ph(7.4)) == ("good",)


def test_a_strip_that_finds_the_water_bad_is_heard_though_the_probe_is_silent() -> None:
    long_ago = other("flow", 12, ago=timedelta(days=139))
    assert kinds(long_ago, ph(8.9, origin="own/strip"))[0] == "act"
    assert kinds(long_ago, ph(7.3, origin="own/strip"))[0] == "silent"


def test_a_site_that_was_never_measured_is_silent() -> None:
    assert kinds() == ("silent", "never")


def test_silence_comes_before_advice_since_nothing_else_is_known_of_the_water() -> None:
    assert kinds(waiting=(advice(NOW - timedelta(days=1)),)) == ("silent", "overdue", "never")


def test_advice_is_watched_and_acted_upon_once_it_is_overdue() -> None:
    assert kinds(ph(7.4), waiting=(advice(),)) == ("watch", "advised")
    assert kinds(ph(7.4), waiting=(advice(NOW), advice(NOW - timedelta(seconds=1)))) == ("act", "overdue", "advised")


def test_what_is_measured_by_hand_may_be_older() -> None:
    by_hand = ph(7.4, ago=timedelta(days=5), origin="own/strip")
    assert rhythm_of([by_hand]) == BY_HAND
    assert rhythm_of([ph(7.4, origin="own/mqtt")]) == rhythm_of([ph(7.4)]) == rhythm_of([]) == HOURLY
    assert kinds(by_hand, rhythm=BY_HAND) == ("good",)
    assert kinds(ph(7.4, ago=timedelta(days=31), origin="own/strip"), rhythm=BY_HAND)[0] == "silent"


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=60)))
def test_readings_are_never_silent_before_they_are_late(rhythm: timedelta) -> None:
    assert timedelta(hours=1) <= late_after(rhythm) <= silent_after(rhythm)


@given(
    st.lists(st.tuples(st.floats(2, 12), st.booleans(), st.integers(0, 3000)), max_size=6),
    st.lists(st.integers(-100, 100), max_size=3),
)
def test_the_state_is_that_of_the_gravest_reason(points: list[tuple[float, bool, int]], due: list[int]) -> None:
    latest = [
        ph(value, *([Doubt("jump", "x")] if doubted else []), ago=timedelta(minutes=minutes))
        for value, doubted, minutes in points
    ]
    found = condition(latest, BANDS, [advice(NOW + timedelta(hours=hour)) for hour in due], NOW)
    assert (found.state == "good") == (not found.reasons)
    if found.reasons and found.state != "silent":
        alone = {"far": "act", "overdue": "act", "unjudged": "unjudged"}
        assert found.state == min((alone.get(each.kind, "watch") for each in found.reasons), key=STATES.index)
