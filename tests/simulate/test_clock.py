"""The fast clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from margelle.errors import BadInput
from margelle.simulate.clock import FastClock

START = datetime(2026, 7, 14, tzinfo=UTC)


def test_it_starts_where_it_is_told_and_runs_as_fast_as_it_is_told() -> None:
    base = [datetime(2030, 1, 1, tzinfo=UTC)]
    clock = FastClock(START, 60, lambda: base[0])
    assert clock() == START
    base[0] += timedelta(seconds=90)
    assert clock() == START + timedelta(minutes=90)


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan"), 1e9])
def test_no_clock_runs_backwards_or_beyond_all_bounds(speed: float) -> None:
    with pytest.raises(BadInput, match="times as fast"):
        FastClock(START, speed, lambda: START)


@pytest.mark.parametrize("year", [1, 1979, 2201, 9999])
def test_no_clock_starts_where_its_past_or_its_future_has_no_room(year: int) -> None:
    with pytest.raises(BadInput, match=f"year {year}"):
        FastClock(START.replace(year=year), 1, lambda: START)
