"""The people of a pool."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from margelle.simulate.basin import State, Work
from margelle.simulate.owner import ACID_FROM, Owner, filter_hours
from margelle.simulate.pool import FAMILY, SALT, SPA, Pool

JUNE = date(2026, 6, 1)  # a Monday
SUMMER = State(temperature=26, ph=7.4, oxidant=2.0, solids=900)


def days(pool: Pool, water: State, count: int, first: date = JUNE, offset_h: int = 2) -> list[list[Work]]:
    owner = Owner("s", pool, first)
    return [owner.day(first + timedelta(days=n), water, offset_h) for n in range(count)]


@pytest.mark.parametrize(("temperature", "hours"), [(4, 2), (9.9, 2), (12, 6), (24, 12), (28, 14), (31, 24)])
def test_filtration_lasts_half_the_temperature(temperature: float, hours: int) -> None:
    assert filter_hours(temperature) == hours
    works = days(FAMILY, SUMMER._replace(temperature=temperature), 1, date(2026, 4, 6))[0]
    assert sum(work.pump for work in works) == hours


def test_filtration_runs_by_local_daylight() -> None:
    works = days(FAMILY, SUMMER, 1)[0]
    pumping = [(utc + 2) % 24 for utc, work in enumerate(works) if work.pump]
    assert set(pumping) >= set(range(9, 20))
    assert not set(pumping) & {0, 1, 2, 3, 4, 5, 23}


def test_nobody_doses_while_ph_is_fine() -> None:
    assert not any(work.acid for day in days(FAMILY, SUMMER, 30) for work in day)


def test_high_ph_is_dosed_in_the_evening_some_days_later() -> None:
    dosed = [
        (n, sum(work.acid for work in day), [(utc + 2) % 24 for utc, work in enumerate(day) if work.acid])
        for n, day in enumerate(days(FAMILY, SUMMER._replace(ph=7.75), 40))
    ]
    delays = [n for n, acid, _ in dosed if acid]
    assert delays[0] <= FAMILY.habits.delay_days
    assert len(delays) > 5
    for _, acid, hours in dosed:
        if acid:
            assert 0.35 < acid < 0.62
            assert hours == [ACID_FROM, ACID_FROM + 1, ACID_FROM + 2]


def test_too_little_chlorine_is_shocked() -> None:
    empty = days(FAMILY, SUMMER._replace(oxidant=0.1), 10)
    assert max(work.oxidant for day in empty for work in day) > 0.4
    assert max(work.oxidant for day in days(FAMILY, SUMMER, 10) for work in day) < 0.2


def test_electrolysis_rests_in_cold_water() -> None:
    cold = SUMMER._replace(temperature=12, oxidant=1.5, solids=4000)
    assert not any(work.oxidant for day in days(SALT, cold, 7) for work in day)
    assert any(work.oxidant for day in days(SALT, SUMMER._replace(solids=4000), 7) for work in day)


def test_a_salt_pool_gets_salt_when_its_cell_would_starve() -> None:
    starved = days(SALT, SUMMER._replace(solids=3000), 7)
    assert sum(work.solids for day in starved for work in day) == 700
    assert not any(work.solids for day in days(SALT, SUMMER._replace(solids=3900), 7) for work in day)


def test_bathers_come_on_warm_afternoons_most_at_weekends() -> None:
    summer = days(FAMILY, SUMMER, 28)
    crowd = [sum(work.bathers for work in day) for day in summer]
    weekend = sum(crowd[n] for n in range(28) if n % 7 >= 5) / 8
    workday = sum(crowd[n] for n in range(28) if n % 7 < 5) / 20
    assert weekend > 2 * workday > 0
    assert not any(work.bathers for day in days(FAMILY, SUMMER._replace(temperature=18), 28) for work in day)


def test_a_spa_is_used_in_the_evening_and_open_only_then() -> None:
    for day in days(SPA, SUMMER._replace(temperature=37), 21):
        for utc, work in enumerate(day):
            assert work.covered == (work.bathers == 0)
            assert not work.bathers or 18 <= (utc + 2) % 24 <= 22


def test_on_holiday_nobody_bathes_or_doses() -> None:
    owner = Owner("s", FAMILY, JUNE)
    july = date(2026, 7, 1)
    calendar = [july + timedelta(days=n) for n in range(62)]
    away = [day for day in calendar if owner.away(day)]
    assert len(away) == FAMILY.habits.holiday_days
    for day in calendar:
        works = owner.day(day, SUMMER._replace(ph=8.0), 2)
        if day in away:
            assert not any(work.bathers or work.acid or work.fresh_mm for work in works)


def test_in_winter_an_outdoor_pool_sleeps_under_its_cover() -> None:
    works = days(FAMILY, SUMMER._replace(temperature=6), 1, date(2026, 12, 15), 1)[0]
    assert all(work.covered and not work.bathers for work in works)
