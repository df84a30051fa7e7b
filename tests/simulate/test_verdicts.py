"""A year of all simulated water: what is true is not doubted, and what is wrong is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Final

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.site import SiteKind
from margelle.domain.unit import Unit
from margelle.domain.verdict import review
from margelle.simulate.pool import POOLS, Pool
from margelle.simulate.station import STATIONS, Station
from margelle.simulate.water import Water

SINCE: Final = datetime(2025, 1, 10, tzinfo=UTC)
UNTIL: Final = datetime(2026, 1, 10, tzinfo=UTC)
EVERY_POOL: Final = [pool for owned in POOLS for pool in owned]
EVERY_STATION: Final = [station for owned in STATIONS for station in owned]
TAGS: Final = {"NIVEAU": "level", "DEBIT": "flow", "PH": "ph", "CONDUCTIVITE": "conductivity", "REDOX": "orp"}
SPIKES: Final = {"temperature": 12.0, "ph": 1.9, "orp": -350.0, "tds": 2000.0, "salt": 9000.0, "conductivity": 4000.0}


def name(one: Pool | Station) -> str:
    return one.name


def year(pool: Pool) -> list[Measurement]:
    return list(Water("verdicts", pool).measurements(SINCE, UNTIL))


def reported(station: Station) -> Iterator[Measurement]:
    for ordinal in range(SINCE.toordinal(), UNTIL.toordinal()):
        for at, tag, text in station.day("verdicts", date.fromordinal(ordinal)):
            quantity = TAGS.get(tag, f"baxo.{tag}")
            yield Measurement(station.key, quantity, at, float(text), text, Unit.RATIO, "baxo/realtimes")


@pytest.mark.parametrize("pool", EVERY_POOL, ids=name)
def test_a_year_of_a_pool_has_no_false_alarm_and_every_dry_reading_is_found(pool: Pool) -> None:
    truth = [point for point in year(pool) if point.value is not None]
    cell = "conductivity" if pool.tells else pool.solids
    dry = {point.at for point in truth if point.quantity == cell and (point.value or 0) < 120}
    assert len(dry) > 50
    told = [replace(point, doubts=()) for point in truth]  # as if the cloud had not excluded them
    doubted = {(one.quantity, one.at) for one in review(told, pool.kind) if one.doubts}
    electrodes = {"temperature", "ph", "orp", cell, "free_chlorine_estimate"}
    assert doubted == {(one.quantity, one.at) for one in told if one.at in dry and one.quantity in electrodes}


@pytest.mark.parametrize("station", EVERY_STATION, ids=name)
@pytest.mark.parametrize("kind", ["plant", "tank"])
def test_a_year_of_a_plant_has_no_false_alarm(station: Station, kind: SiteKind) -> None:
    points = list(reported(station))
    assert review(points, kind) == points


@pytest.mark.parametrize("pool", EVERY_POOL, ids=name)
def test_what_is_put_into_a_year_is_found(pool: Pool) -> None:
    """Forty spikes of one to five readings and ten stuck sensors, in each quantity that is judged for them."""
    points = [point for point in year(pool) if not point.doubts]
    dice, wrong = Random(pool.key), set[tuple[str, datetime]]()
    water = {quantity: [one for one in points if one.quantity == quantity] for quantity in pool.told}
    for quantity, by in SPIKES.items():
        series = water.get(quantity, [])
        for place in range(60, len(series) - 60, max(1, len(series) // 40)):
            start = place + dice.randrange(40)
            piece = series[start - 30 : start + 30]
            if _heard(piece) and not _air(water, piece):
                length = dice.randint(1, 5)
                wrong |= _spiked(series, start, length, by * dice.uniform(0.95, 1.3))
    spiked = {(one.quantity, one.at) for one in review([p for s in water.values() for p in s], pool.kind) if one.doubts}
    assert len(wrong) > 200
    assert wrong <= spiked


def _heard(piece: list[Measurement]) -> bool:
    """Whether there is no silence in it, after which anything may have happened."""
    return all(later.at - one.at < timedelta(hours=3) for one, later in pairwise(piece))


def _air(water: dict[str, list[Measurement]], piece: list[Measurement]) -> bool:
    cell = next(water[quantity] for quantity in ("conductivity", "salt", "tds") if quantity in water)
    return any((one.value or 0) < 120 for one in cell if piece[0].at <= one.at <= piece[-1].at)


def _spiked(series: list[Measurement], start: int, length: int, by: float) -> set[tuple[str, datetime]]:
    for n in range(start, start + length):
        value = round((series[n].value or 0) + by, 2)
        series[n] = replace(series[n], value=value, raw=f"{value:g}")
    return {(one.quantity, one.at) for one in series[start : start + length]}


@pytest.mark.parametrize("pool", EVERY_POOL, ids=name)
def test_a_sensor_that_is_stuck_for_two_days_is_found(pool: Pool) -> None:
    points = [point for point in year(pool) if not point.doubts]
    for quantity, value in {"temperature": 23.4, "ph": 7.43, "orp": 651.0}.items():
        series = [one for one in points if one.quantity == quantity]
        wrong = set[datetime]()
        for start in range(500, len(series) - 100, 900):
            piece = series[start : start + 48]
            if _heard(piece):
                series[start : start + 48] = [replace(one, value=value, raw=f"{value:g}") for one in piece]
                wrong |= {one.at for one in piece}
        found = {one.at for one in review(series, pool.kind) if one.doubts and one.doubts[0].kind == "stuck"}
        assert len(wrong) > 200
        assert wrong <= found
