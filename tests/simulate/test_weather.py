"""The sky above the pools."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from statistics import fmean, pstdev

import pytest

from margelle.simulate.pool import AQUITAINE, LYONNAIS, PROVENCE
from margelle.simulate.weather import Climate, Weather, sunshine

JANUARY, JULY = date(2026, 1, 1).toordinal(), date(2026, 7, 1).toordinal()


def test_a_day_is_the_same_whichever_was_asked_first() -> None:
    forwards, backwards = Weather("s", PROVENCE), Weather("s", PROVENCE)
    days = range(JULY, JULY + 90)
    assert [forwards.day(day) for day in days] == [backwards.day(day) for day in reversed(days)][::-1]


def test_neighbours_share_their_weather_and_other_places_do_not() -> None:
    assert Weather("s", PROVENCE).hour(JULY, 12) == Weather("s", PROVENCE).hour(JULY, 12)
    assert Weather("s", PROVENCE).hour(JULY, 12).air != Weather("s", LYONNAIS).hour(JULY, 12).air


@pytest.mark.parametrize("climate", [PROVENCE, AQUITAINE, LYONNAIS], ids=lambda climate: climate.place)
def test_the_year_has_its_seasons_and_its_rain(climate: Climate) -> None:
    weather = Weather("s", climate)
    january = [weather.hour(JANUARY + day, hour).air for day in range(31) for hour in range(24)]
    july = [weather.hour(JULY + day, hour).air for day in range(31) for hour in range(24)]
    assert fmean(july) - fmean(january) > 11
    assert 18 < fmean(july) < 27
    rain_mm = [weather.day(JANUARY + day).rain_mm for day in range(365)]
    assert 300 < sum(rain_mm) < 1400
    assert 35 < sum(mm > 0 for mm in rain_mm) < 170


def test_days_resemble_the_day_before() -> None:
    weather = Weather("s", PROVENCE)
    departures = [weather.day(JANUARY + day).departure for day in range(365)]
    changes = [after - before for before, after in pairwise(departures)]
    assert 1.5 < pstdev(departures) < 4
    assert pstdev(changes) < pstdev(departures)


def test_the_hours_of_rain_bring_the_rain_of_the_day() -> None:
    weather = Weather("s", AQUITAINE)
    for day in range(JANUARY, JANUARY + 200):
        assert sum(weather.hour(day, hour).rain_mm for hour in range(24)) == pytest.approx(weather.day(day).rain_mm)


def test_the_sun_shines_by_day_and_less_through_clouds() -> None:
    weather = Weather("s", PROVENCE)
    assert weather.hour(JULY, 0).sun == 0
    assert weather.hour(JULY, 12).sun > 0
    assert sunshine(-0.2, 0) == 0
    assert sunshine(1.0, 0) == pytest.approx(1037, abs=1)  # Haurwitz's clear sky with the sun overhead
    assert sunshine(0.8, 1.0) == pytest.approx(0.25 * sunshine(0.8, 0.0))
