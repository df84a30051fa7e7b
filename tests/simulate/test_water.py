"""A pool professional looks at the simulated water."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from statistics import fmean

import pytest

from margelle.domain.measurement import Measurement, Reading
from margelle.domain.plausible import judge
from margelle.simulate.pool import FAMILY, LODGE, NEIGHBOUR, POOLS, SALT, SPA
from margelle.simulate.probe import OUT_OF_WATER
from margelle.simulate.water import Pool, Water
from tests.simulate.conftest import SEED, SINCE, YEAR, Values, readings_of

ALL = [pool for own in POOLS for pool in own if pool.vendor == "ondilo"]
OUTDOOR = [FAMILY, SALT, NEIGHBOUR]

every_pool = pytest.mark.parametrize("pool", ALL, ids=lambda pool: pool.name)
every_outdoor_pool = pytest.mark.parametrize("pool", OUTDOOR, ids=lambda pool: pool.name)

Year = dict[int, list[Reading]]


def mean(values: Iterable[tuple[datetime, float]]) -> float:
    return fmean(value for _, value in values)


def digest(readings: Iterable[Reading]) -> str:
    return hashlib.sha256("\n".join(map(repr, readings)).encode()).hexdigest()


# --- the same for ever ------------------------------------------------------------------------------------------------


@every_pool
@pytest.mark.parametrize("days", [0.3, 20, 200, 340])
def test_a_value_does_not_depend_on_where_the_simulation_begins(pool: Pool, days: float, year: Year) -> None:
    since = SINCE + timedelta(days=days)
    later = readings_of(pool, since, since + timedelta(days=15))
    assert later == [reading for reading in year[pool.key] if since <= reading.at < since + timedelta(days=15)]
    assert later or pool.key != FAMILY.key


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_with_another_hash_seed_makes_the_same_water(hash_seed: str) -> None:
    code = (
        "from tests.simulate.test_water import *\nprint(digest(readings_of(SALT, SINCE, SINCE + timedelta(days=30))))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Pacific/Auckland"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest(readings_of(SALT, SINCE, SINCE + timedelta(days=30)))


def test_another_seed_makes_other_water() -> None:
    week = SINCE + timedelta(days=7)
    assert digest(readings_of(FAMILY, SINCE, week, "one")) != digest(readings_of(FAMILY, SINCE, week, "other"))


def test_measurements_are_those_of_the_readings() -> None:
    until = SINCE + timedelta(days=2)
    flat = [one for reading in readings_of(SPA, SINCE, until) for one in reading.measurements.values()]
    assert list(Water(SEED, SPA).measurements(SINCE, until)) == flat


def test_the_next_era_joins_the_last_one() -> None:
    begin = datetime(2026, 3, 31, tzinfo=UTC)
    around = readings_of(FAMILY, begin, begin + timedelta(days=2))
    gaps = [(after.at - before.at) for before, after in pairwise(around)]
    assert max(gaps) < timedelta(hours=12)
    before, after = [one.measurements["temperature"].value or 0 for one in (around[0], around[-1])]
    assert abs(before - after) < 3


# --- believable -------------------------------------------------------------------------------------------------------


@every_pool
def test_every_valid_value_is_plausible(pool: Pool, year: Year) -> None:
    for reading in year[pool.key]:
        for one in reading.measurements.values():
            assert not one.valid or judge(one, one.at).valid, one


@every_outdoor_pool
@pytest.mark.parametrize(
    ("months", "low", "high"), [((1, 2), 1, 10), ((4, 5), 8, 26), ((7, 8), 20, 33), ((10,), 11, 24)]
)
def test_the_water_is_as_warm_as_the_season_lets_it(
    pool: Pool, months: tuple[int, ...], low: float, high: float, values: Values
) -> None:
    temperatures = [value for _, value in values(pool, "temperature", *months)]
    assert low <= min(temperatures)
    assert max(temperatures) <= high


@every_outdoor_pool
def test_july_is_warmer_than_may_and_may_than_january(pool: Pool, values: Values) -> None:
    january, may, july = (mean(values(pool, "temperature", month)) for month in (1, 5, 7))
    assert january + 8 < may
    assert may + 2 < july


@every_outdoor_pool
def test_afternoons_are_warmer_than_dawns_in_summer(pool: Pool, values: Values) -> None:
    summer = values(pool, "temperature", 6, 7, 8)
    dawn = mean(one for one in summer if one[0].hour in {4, 5})
    afternoon = mean(one for one in summer if one[0].hour in {16, 17})
    assert 0.7 < afternoon - dawn < 3


def test_a_spa_stays_hot_all_year(values: Values) -> None:
    for month in range(1, 13):
        assert 34 < mean(values(SPA, "temperature", month)) < 38.5


@every_pool
def test_ph_and_orp_stay_where_kept_pools_have_them(pool: Pool, values: Values) -> None:
    assert all(6.9 < value < 8.25 for _, value in values(pool, "ph"))
    assert 7.3 < mean(values(pool, "ph")) < 7.8
    assert all(380 < value < 800 for _, value in values(pool, "orp"))
    assert 570 < mean(values(pool, "orp")) < 720


@every_pool
def test_ph_creeps_up_and_the_owner_brings_it_down(pool: Pool, values: Values) -> None:
    season = values(pool, "ph", 5, 6, 7, 8, 9)
    by_day: dict[int, list[float]] = {}
    for at, value in season:
        by_day.setdefault(at.toordinal(), []).append(value)
    steps = [fmean(by_day[day + 1]) - fmean(by_day[day]) for day in by_day if day + 1 in by_day]
    rises, drops = [step for step in steps if step > 0], [step for step in steps if step < -0.12]
    assert len(rises) > 0.6 * len(steps)
    assert len(drops) >= 3
    assert max(rises) < 0.35


def test_the_solids_of_a_chlorine_pool_rise_in_summer_and_fall_in_winter(values: Values) -> None:
    april, september, march = (mean(values(FAMILY, "tds", month)) for month in (4, 9, 3))
    assert april < september > march


def test_salt_is_told_of_the_salt_pool_only_and_tds_of_the_others(year: Year) -> None:
    assert "tds" not in year[SALT.key][0].measurements
    assert [list(year[pool.key][0].measurements) for pool in (FAMILY, SALT)] == [
        ["temperature", "ph", "orp", "tds", "battery", "rssi"],
        ["temperature", "ph", "orp", "salt", "battery", "rssi"],
    ]
    assert 2300 < mean((one.at, one.measurements["salt"].value or 0) for one in year[SALT.key]) < 4500


@every_pool
def test_the_battery_runs_down_all_year_and_is_charged_in_winter(pool: Pool, year: Year) -> None:
    levels = [(reading.at, reading.measurements["battery"].value or 0) for reading in year[pool.key]]
    charges = [at for (_, before), (at, after) in pairwise(levels) if after - before > 30]
    assert [at.month in {1, 2} for at in charges] == [True]
    assert min(level for _, level in levels) >= 5


# --- as the device prints ---------------------------------------------------------------------------------------------


@every_pool
def test_raw_is_what_the_device_would_print(pool: Pool, year: Year) -> None:
    for reading in islice(year[pool.key], 400):
        for name, one in reading.measurements.items():
            decimals = {"temperature": 1, "ph": 2}.get(name, 0)
            assert one.raw == f"{one.value:.{decimals}f}".rstrip("0").rstrip(".") or (
                decimals == 0 and one.raw == f"{one.value:.0f}"
            )
            assert (one.origin, one.quantity, one.at.microsecond, one.at.tzinfo) == ("simulation", name, 0, UTC)


@every_pool
def test_readings_come_about_every_hour_and_never_at_the_same_second(pool: Pool, year: Year) -> None:
    gaps = [(after.at - before.at).total_seconds() for before, after in pairwise(year[pool.key])]
    assert min(gaps) > 0
    hourly = [gap for gap in gaps if 3600 <= gap <= 3720]
    assert len(hourly) > 0.9 * len(gaps)
    assert len(set(hourly)) > 30


def test_after_silence_it_measures_every_ten_minutes_for_an_hour(year: Year) -> None:
    instants = [reading.at for reading in year[FAMILY.key]]
    silences = [n for n, (before, after) in enumerate(pairwise(instants)) if after - before > timedelta(hours=20)]
    for n in silences:
        quick = [after - before for before, after in pairwise(instants[n + 1 : n + 7])]
        assert sum(gap < timedelta(minutes=21) for gap in quick) >= 4


# --- stretches --------------------------------------------------------------------------------------------------------


def invalid(reading: Reading) -> list[Measurement]:
    return [one for one in reading.measurements.values() if not one.valid]


@every_pool
def test_out_of_the_water_keeps_values_with_the_vendors_doubt_and_its_reason(pool: Pool, year: Year) -> None:
    dry = [reading for reading in year[pool.key] if invalid(reading)]
    assert dry
    for reading in dry:
        assert {one.quantity for one in invalid(reading)} == {"temperature", "ph", "orp", pool.solids}
        assert {one.reason for one in invalid(reading)} == {OUT_OF_WATER}
        assert {doubt.kind for one in invalid(reading) for doubt in one.doubts} == {"vendor"}
        assert all(one.value is not None for one in invalid(reading))


@every_pool
def test_any_thirty_days_have_an_invalid_stretch(pool: Pool, year: Year) -> None:
    dry = [reading.at for reading in year[pool.key] if invalid(reading)]
    edges = [SINCE, *dry, SINCE + YEAR]
    assert max(after - before for before, after in pairwise(edges)) < timedelta(days=30)


@every_pool
def test_a_silent_stretch_of_days_is_in_every_year(pool: Pool, year: Year) -> None:
    gaps = [after.at - before.at for before, after in pairwise(year[pool.key])]
    assert timedelta(hours=40) < max(gaps) < timedelta(days=6)


# --- another vendor's device


def test_a_device_tells_its_own_quantities_and_its_cloud_need_not_exclude_any(
    year: dict[int, list[Reading]], values: Values
) -> None:
    readings = year[LODGE.key]
    assert {tuple(reading.measurements) for reading in readings} == {LODGE.tells}
    assert all(one.valid for reading in readings for one in reading.measurements.values())
    conductivity = [value for _, value in values(LODGE, "conductivity")]
    assert 900 < sorted(conductivity)[len(conductivity) // 2] < 2500
    assert 5 < max(value for _, value in values(LODGE, "uv_index")) < 12
    assert {value for _, value in values(LODGE, "uv_index") if value < 0} == set()
    assert (
        0
        <= min(value for _, value in values(LODGE, "cloud_cover"))
        < max(value for _, value in values(LODGE, "cloud_cover"))
        <= 100
    )
    assert max(value for _, value in values(LODGE, "free_chlorine_estimate")) < 10
