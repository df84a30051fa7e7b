"""Shapes of a series."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.series import by_day, by_instant, thinned
from margelle.domain.unit import Unit

START = datetime(2026, 7, 1, tzinfo=UTC)


def point(minutes: float, value: float | None, quantity: str = "ph", probe: str = "a", *doubts: Doubt) -> Measurement:
    return Measurement(probe, quantity, START + timedelta(minutes=minutes), value, str(value), Unit.PH, "test", doubts)


def test_what_was_measured_at_one_instant_stands_together() -> None:
    readings = by_instant([point(60, 7.1), point(0, 7.0), point(0, 25.0, "temperature"), point(0, 8.0, probe="b")])
    assert [(reading.probe, sorted(reading.measurements)) for reading in readings] == [
        ("a", ["ph", "temperature"]),
        ("b", ["ph"]),
        ("a", ["ph"]),
    ]


def test_a_day_has_its_minimum_maximum_mean_and_median() -> None:
    (day,) = by_day([point(n, value) for n, value in enumerate([7.0, 7.1, 7.2, 9.0])])
    assert (day.day, day.count, day.minimum, day.maximum) == (date(2026, 7, 1), 4, 7.0, 9.0)
    assert day.mean == pytest.approx(7.575)
    assert day.median == pytest.approx(7.15)


def test_values_whose_sum_is_beyond_all_floats_have_a_mean_and_a_median() -> None:
    (day,) = by_day([point(n, 1.5e308) for n in range(4)])
    assert (day.mean, day.median) == (1.5e308, 1.5e308)


def test_a_doubtful_value_is_counted_apart() -> None:
    (day,) = by_day([point(0, 7.0), point(1, 14.0, "ph", "a", Doubt("vendor", "")), point(2, None)])
    assert (day.count, day.maximum, day.doubtful) == (1, 7.0, 2)


def test_a_day_is_the_sites_own() -> None:
    late = [point(22 * 60 + 30, 7.0)]  # half past midnight in Paris
    assert by_day(late, "Europe/Paris")[0].day == date(2026, 7, 2)
    assert by_day(late)[0].day == date(2026, 7, 1)


def test_the_day_when_clocks_go_back_has_25_hours() -> None:
    night = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    hours = [Measurement("a", "ph", night + timedelta(hours=n), 7.0, "7", Unit.PH, "test") for n in range(25)]
    assert [day.count for day in by_day(hours, "Europe/Paris")] == [25]


@given(st.lists(st.floats(0, 14), min_size=1, max_size=300), st.integers(2, 50))
def test_thinning_keeps_the_extremes_and_the_order_within_the_bound(values: list[float], most: int) -> None:
    points = [point(n, value) for n, value in enumerate(values)]
    kept = thinned(points, most)
    assert len(kept) <= max(most, 0)
    assert [p.at for p in kept] == sorted({p.at for p in kept})
    assert min(values) in [p.value for p in kept]
    assert max(values) in [p.value for p in kept]


def test_thinning_leaves_a_short_series_alone() -> None:
    points = [point(0, 7.0), point(1, None)]
    assert thinned(points, 2) == points


def test_a_line_has_two_points() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        thinned([], 1)
