from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.series import Columns
from margelle.domain.site import Band
from margelle.serve.pages.drawing import Gauge, gauge, spark
from tests.conftest import NOW

SINCE = NOW - timedelta(days=7)


Point = tuple[int, float | None, bool]


def point(hours: float, value: float | None, *, doubtful: bool = False) -> Point:
    """A pH measured so many hours after the week's beginning."""
    at = SINCE + timedelta(hours=hours)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1), value, doubtful


def week(*points: Point) -> Columns:
    """The points as columns."""
    return Columns(
        [at for at, _, _ in points], [value for _, value, _ in points], [doubted for _, _, doubted in points]
    )


@pytest.mark.parametrize(
    ("value", "band", "drawn"),
    [
        (7.4, Band(7.2, 7.6), Gauge(25, 75, 50)),
        (7.2, Band(7.2, 7.6), Gauge(25, 75, 25)),
        (7.6, Band(7.2, 7.6), Gauge(25, 75, 75)),
        (7.0, Band(7.2, 7.6), Gauge(25, 75, 2)),
        (14.0, Band(7.2, 7.6), Gauge(25, 75, 98)),
        (650, Band(650, None), Gauge(50, 100, 50)),
        (0.75, Band(None, 1.0), Gauge(0, 50, 25)),
        (0, Band(0, None), Gauge(50, 100, 50)),
    ],
)
def test_a_gauge_shows_where_a_value_stands_among_its_limits(value: float, band: Band, drawn: Gauge) -> None:
    assert gauge(value, band) == drawn


@pytest.mark.parametrize("band", [Band(), Band(7.6, 7.2), Band(7, 7)])
def test_without_sensible_limits_there_is_no_gauge(band: Band) -> None:
    assert gauge(7.4, band) is None


def test_a_spark_runs_from_left_to_right_and_up_is_more() -> None:
    drawn = spark(week(point(0, 7.0), point(5, 7.5), point(10, 8.0)), SINCE, NOW, 0.1)
    assert drawn is not None
    assert drawn.line == "M0 100L2.98 50L5.95 0"
    assert (drawn.low, drawn.high) == (7.0, 8.0)


def test_a_quiet_week_is_drawn_quiet() -> None:
    drawn = spark(week(point(0, 7.40), point(1, 7.41)), SINCE, NOW, 1.0)
    assert drawn is not None
    heights = [float(y) for y in re.findall(r" (\S+?)(?:L|$)", drawn.line)]
    assert max(heights) - min(heights) == 1


def test_where_nothing_was_measured_nothing_is_drawn() -> None:
    drawn = spark(week(*(point(h, 7.0 + h / 100) for h in (0, 1, 2, 9, 10))), SINCE, NOW, 0.1)
    assert drawn is not None
    assert drawn.line.count("M") == drawn.water.count("Z") == 2


def test_a_lone_reading_between_two_silences_is_still_seen() -> None:
    drawn = spark(week(point(0, 7.0), point(20, 7.2), point(40, 7.1)), SINCE, NOW, 0.1)
    assert drawn is not None
    assert drawn.line.count("L") == 3


def test_doubtful_values_stand_beside_the_line_and_do_not_stretch_it() -> None:
    points = [point(0, 7.0), point(1, 99.0, doubtful=True), point(2, 7.2), point(3, None, doubtful=True)]
    drawn = spark(week(*points), SINCE, NOW, 0.1)
    assert drawn is not None
    assert (drawn.low, drawn.high) == (7.0, 7.2)
    assert drawn.doubtful == ((0.6, -5),)


@pytest.mark.parametrize("points", [[], [point(0, 7.0)], [point(0, 7.0), point(1, 7.2, doubtful=True)]])
def test_fewer_than_two_sound_values_make_no_line(points: list[Point]) -> None:
    assert spark(week(*points), SINCE, NOW, 0.1) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=400))
def test_whatever_was_measured_is_drawn_within_its_frame(values: list[float]) -> None:
    points = [point(n * 168 / len(values), value) for n, value in enumerate(values)]
    drawn = spark(week(*points), SINCE, NOW, 0.1)
    assert drawn is not None
    places = [tuple(map(float, pair.split())) for pair in re.split("[ML]", drawn.line.replace(" M", "M")) if pair]
    assert all(0 <= x <= 101 and -5 <= y <= 105 for x, y in places)
    assert len(places) <= 400


def test_what_is_on_or_off_is_drawn_in_steps_without_a_gap_until_now() -> None:
    drawn = spark(week(point(0, 0.0), point(42, 1.0), point(43, 1.0), point(84, 0.0)), SINCE, NOW, 1.0, steps=True)
    assert drawn is not None
    assert drawn.line == "M0 100L25 100L25 0L50 0L50 100L100 100"
