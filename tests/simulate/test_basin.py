"""The water of a basin, hour by hour."""

from __future__ import annotations

import pytest

from margelle.simulate.basin import State, Work, active_share, orp, stepped, vapour_kpa
from margelle.simulate.pool import FAMILY, SALT, SPA, Pool
from margelle.simulate.weather import Hour

MILD = Hour(air=18, sun=0, cloud=0.5, rain_mm=0)
IDLE = Work()
WATER = State(temperature=24, ph=7.5, oxidant=2.0, solids=900)


def after(hours: int, pool: Pool = FAMILY, hour: Hour = MILD, work: Work = IDLE, state: State = WATER) -> State:
    for _ in range(hours):
        state = stepped(pool, state, hour, work)
    return state


@pytest.mark.parametrize(
    ("ph", "temperature", "percent"),
    [(6.9, 10, 86.1), (7.2, 20, 70.7), (7.5, 25, 52.1), (7.7, 30, 38.5), (8.0, 35, 22.5)],
)
def test_the_active_share_of_chlorine_is_the_published_one(ph: float, temperature: float, percent: float) -> None:
    assert active_share(ph, temperature) * 100 == pytest.approx(percent, abs=0.06)


@pytest.mark.parametrize(("temperature", "kpa"), [(0, 0.6113), (20, 2.339), (37, 6.281)])
def test_vapour_pressure_is_that_of_steam_tables(temperature: float, kpa: float) -> None:
    assert vapour_kpa(temperature) == pytest.approx(kpa, rel=0.004)


def test_sun_warms_and_the_night_cools() -> None:
    noon = Hour(air=26, sun=850, cloud=0.1, rain_mm=0)
    assert 0.15 < after(1, hour=noon).temperature - WATER.temperature < 0.5
    assert after(1).temperature < WATER.temperature


def test_a_winter_cover_keeps_warmth_in() -> None:
    assert after(12, work=Work(covered=True)).temperature > after(12).temperature


def test_rain_dilutes_and_cools() -> None:
    rain = Hour(air=14, sun=0, cloud=0.9, rain_mm=8)
    dry = Hour(air=14, sun=0, cloud=0.9, rain_mm=0)
    assert after(4, hour=rain).solids < after(4, hour=dry).solids * (1 - 0.015)
    assert after(4, SALT, rain).solids < after(4, SALT, dry).solids
    assert after(4, hour=rain).temperature < after(4, hour=dry).temperature
    assert after(4, hour=rain).ph < after(4, hour=dry).ph


def test_a_closed_spa_lets_no_rain_in() -> None:
    rain, dry = (Hour(14, 0, 0.9, mm) for mm in (8, 0))
    assert after(4, SPA, rain, Work(covered=True)) == after(4, SPA, dry, Work(covered=True))


def test_evaporation_concentrates() -> None:
    assert after(48, hour=Hour(30, 400, 0.2, 0)).solids > WATER.solids


def test_ph_rises_by_itself_and_faster_while_the_pump_runs() -> None:
    still, stirred = after(24).ph, after(24, work=Work(pump=True)).ph
    assert WATER.ph < still < stirred < WATER.ph + 0.1


def test_acid_lowers_ph_and_with_it_orp_rises() -> None:
    dosed, plain = after(3, work=Work(acid=0.1)), after(3)
    assert dosed.ph == pytest.approx(plain.ph - 0.3, abs=0.01)
    assert orp(FAMILY, dosed) > orp(FAMILY, plain) + 5


def test_sun_and_bathers_use_chlorine_up_and_stabiliser_protects_it() -> None:
    noon = Hour(air=26, sun=850, cloud=0.1, rain_mm=0)
    bare = Pool(**{name: getattr(FAMILY, name) for name in FAMILY.__struct_fields__} | {"habits": SPA.habits})
    assert after(4, hour=noon).oxidant < after(4).oxidant
    assert after(4, work=Work(bathers=6)).oxidant < after(4).oxidant
    assert after(4, bare, noon).oxidant < 0.5 * after(4, hour=noon).oxidant


def test_orp_follows_the_oxidant_by_its_slope() -> None:
    for pool in (FAMILY, SALT, SPA):
        weak, strong = WATER._replace(oxidant=0.3), WATER._replace(oxidant=3.0)
        assert 70 < orp(pool, strong) - orp(pool, weak) < 110


def test_the_thermostat_heats_to_its_mark_and_no_further() -> None:
    work = Work(covered=True, thermostat=37)
    assert 36.4 < after(60, SPA, work=work).temperature < 37.8
    assert after(60, SPA, work=work, state=WATER._replace(temperature=39.5)).temperature < 39.5
