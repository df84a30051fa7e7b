"""A point is judged beside its neighbours; nothing but doubts ever changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue, Quantity
from margelle.domain.unit import Unit
from margelle.domain.verdict import JUDGED, REACH, review, stamp
from margelle.domain.verdict.table import JUMPS, STUCK
from tests.domain.water import HOUR, flat, pool, series, told

CALM = {
    "temperature": 25.0,
    "ph": 7.30,
    "orp": 690.0,
    "tds": 900.0,
    "salt": 4200.0,
    "conductivity": 1800.0,
}


def kinds(points: list[Measurement], kind: str = "pool") -> dict[tuple[str, float], str]:
    """The verdicts on them, by quantity and hour."""
    first = min(point.at for point in points)
    judged = review(points, kind)  # type: ignore[arg-type]
    return {(one.quantity, (one.at - first) / HOUR): one.doubts[-1].kind for one in judged if one.doubts}


def rippled(quantity: str, hours: int) -> list[float]:
    """A calm series that is never the same twice in a row."""
    return [CALM[quantity] * (1 + 0.002 * (n % 3)) for n in range(hours)]


def test_sound_water_is_returned_as_it_came() -> None:
    points = flat(pool(240))
    assert all(new is old for old, new in zip(points, review(points, "pool"), strict=True))


# --- jumps


@pytest.mark.parametrize("rule", JUMPS, ids=lambda rule: rule.quantity)
@pytest.mark.parametrize("length", [1, 3, 6])
def test_a_spike_is_doubted_and_its_neighbours_are_not(rule: object, length: int) -> None:
    quantity = rule.quantity  # type: ignore[attr-defined]
    values = rippled(quantity, 60)
    away = {"temperature": 18.0, "ph": 3.0, "orp": -500.0}.get(quantity, CALM[quantity] * 4)
    values[30 : 30 + length] = [CALM[quantity] + away + n / 100 for n in range(length)]
    assert kinds(series(quantity, values)) == {(quantity, 30.0 + n): "jump" for n in range(length)}


@pytest.mark.parametrize(("quantity", "level"), [("ph", 8.6), ("orp", 320.0), ("tds", 2400.0), ("temperature", 14.0)])
def test_a_step_that_stays_is_believed(quantity: str, level: float) -> None:
    values = rippled(quantity, 30) + [level + 0.01 * (n % 2) for n in range(30)]
    assert kinds(series(quantity, values)) == {}


def test_a_value_that_jumps_is_doubted_until_the_next_one_bears_it_out() -> None:
    values = [*rippled("ph", 30), 9.4, 9.38]
    assert kinds(series("ph", values[:-1])) == {("ph", 30.0): "jump"}
    assert kinds(series("ph", values)) == {}


@pytest.mark.parametrize("values", [[7.4, 9.1, 7.4], [7.4, 9.1, 9.0, 7.4], [7.4, 5.1, 7.5]])
def test_what_is_back_at_the_level_before_a_slip_needs_nothing_to_bear_it_out(values: list[float]) -> None:
    assert kinds(series("ph", values)) == {("ph", float(n)): "jump" for n in range(1, len(values) - 1)}
    assert kinds(series("ph", [7.4, 9.1, 5.0]))[("ph", 2.0)] == "jump", "that is another level"


def test_after_a_long_silence_anything_may_have_happened() -> None:
    assert kinds([*series("ph", rippled("ph", 30)), told("ph", 9.4, 42)]) == {}


def test_what_stayed_between_two_spikes_is_no_spike() -> None:
    values = rippled("ph", 60)
    values[30] = values[32] = 11.0
    assert kinds(series("ph", values)) == {("ph", 30.0): "jump", ("ph", 32.0): "jump"}


def test_an_ordinary_dose_or_an_afternoon_in_the_spa_is_believed() -> None:
    dosed = [*rippled("ph", 24), 7.05, 6.9, 6.95, 7.0, 7.1, 7.2, *rippled("ph", 24)]
    bathed = [*rippled("orp", 24), 510.0, 520.0, 640.0, *rippled("orp", 24)]
    assert kinds(series("ph", dosed) + series("orp", bathed), "spa") == {}


def test_a_plant_may_change_its_water_as_it_likes() -> None:
    values = rippled("ph", 60)
    values[30] = 3.1
    assert kinds(series("ph", values), "plant") == {}


def test_a_point_that_is_doubted_by_itself_is_no_witness() -> None:
    points = series("ph", rippled("ph", 60))
    points[30] = told("ph", 11.5, 30, Doubt("vendor", "The probe is out of the water"))
    assert review(points, "pool") == points


# --- stuck


@pytest.mark.parametrize("rule", STUCK, ids=lambda rule: rule.quantity)
def test_a_sensor_that_tells_the_same_for_too_long_is_stuck(rule: object) -> None:
    quantity, hours = rule.quantity, int(rule.lasting / HOUR)  # type: ignore[attr-defined]
    same = {"ph": 7.34, "temperature": 25.3}.get(quantity, 777.0)
    values = [*rippled(quantity, 20), *[same] * (hours + 1), *rippled(quantity, 20)]
    assert kinds(series(quantity, values)) == {(quantity, 20.0 + n): "stuck" for n in range(hours + 1)}
    assert kinds(series(quantity, [*rippled(quantity, 20), *[same] * hours, *rippled(quantity, 20)])) == {}


def test_what_is_constant_or_coarse_by_nature_is_not_stuck() -> None:
    coarse = series("ph", [7.3] * 100) + series("battery", [87] * 100) + series("free_chlorine_estimate", [0] * 100)
    assert kinds(coarse + series("salt", [4000] * 100)) == {}


def test_equal_values_with_silences_between_them_are_not_stuck() -> None:
    assert kinds([told("orp", 655, 4 * n) for n in range(30)]) == {}


# --- out of the water


def test_a_probe_that_measures_air_doubts_all_its_electrodes_for_as_long_as_it_is_dry() -> None:
    water = pool(120)
    for hour in range(50, 80):
        water["tds"][hour] = told("tds", 12 + hour % 5, hour)
        water["orp"][hour] = told("orp", 270 + hour % 7, hour)
    found = kinds(flat(water) + series("battery", [90] * 120))
    assert found == {(q, float(h)): "exposed" for q in ("temperature", "ph", "orp", "tds") for h in range(50, 80)}


def test_quantities_that_jump_together_are_doubted_together() -> None:
    water = pool(60)
    del water["tds"]
    water["ph"][30], water["orp"][30] = told("ph", 10.5, 30), told("orp", 120, 30)
    assert kinds(flat(water)) == {("ph", 30.0): "jump", ("orp", 30.0): "jump", ("temperature", 30.0): "exposed"}


def test_water_that_has_never_conducted_is_poor_and_not_air() -> None:
    assert kinds(series("conductivity", [20 + n % 4 for n in range(100)])) == {}
    assert kinds(series("conductivity", [*rippled("conductivity", 50), *[20 + n % 4 for n in range(50)]]), "tank") == {}


# --- cross-checks


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (("tds", 900.0), ("conductivity", 1800.0), False),
        (("tds", 900.0), ("conductivity", 9000.0), True),
        (("tds", 9000.0), ("conductivity", 1800.0), True),
        (("salt", 0.0), ("conductivity", 1800.0), False),
        (("salt", 4500.0), ("conductivity", 1800.0), True),
        (("salt", 4500.0), ("tds", 1200.0), True),
        (("free_chlorine_estimate", 2.0), ("orp", 120.0), True),
        (("free_chlorine_estimate", 2.0), ("orp", 690.0), False),
        (("ph", 9.6), ("orp", 900.0), True),
        (("ph", 7.2), ("orp", 900.0), False),
    ],
)
def test_quantities_that_contradict_each_other_are_both_doubted(
    one: tuple[str, float], other: tuple[str, float], contradict: bool
) -> None:
    found = kinds([told(*one), told(*other)])
    assert found == ({(one[0], 0.0): "cross", (other[0], 0.0): "cross"} if contradict else {})


def test_water_colder_than_ice_is_doubted_and_sea_water_may_be_colder() -> None:
    assert kinds([told("temperature", -2.0), told("tds", 800)]) == {("temperature", 0.0): "cross"}
    assert kinds([told("temperature", -2.0), told("salt", 35_000)]) == {}
    assert kinds([told("temperature", -2.0)]) == {}


# --- what always holds


def test_the_value_the_raw_text_and_what_came_with_it_stay() -> None:
    values = rippled("ph", 60)
    values[30] = 11.0
    points = series("ph", values)
    points[40] = told("ph", 7.3, 40, Doubt("vendor", "x"), Doubt("jump", "an older rule"), raw="7,30")
    judged = review(points, "pool")
    assert [replace(one, doubts=()) for one in judged] == [replace(one, doubts=()) for one in points]
    assert judged[40].doubts == (Doubt("vendor", "x"),)
    assert review(judged, "pool") == judged


def test_what_a_rule_said_before_is_withdrawn_when_it_says_so_no_more() -> None:
    old = told("ph", 7.3, 0, Doubt("range", "not between 2 and 5"), Doubt("stuck", "x"))
    assert review([old])[0].doubts == ()


def test_rules_that_change_have_another_stamp() -> None:
    ozone = Quantity("plant.ozone", Unit.MG_PER_L, 0, 5, "Ozone.")
    wide = replace(ozone, high=6)
    assert len({stamp(CATALOGUE), stamp(Catalogue([ozone])), stamp(Catalogue([wide]))}) == 3
    assert stamp(Catalogue([ozone])) == stamp(Catalogue([ozone]))


def test_every_rule_is_of_a_quantity_that_is_judged() -> None:
    assert {rule.quantity for rule in (*JUMPS, *STUCK)} <= JUDGED <= {quantity.name for quantity in CATALOGUE}


ROUGH = st.lists(
    st.tuples(
        st.sampled_from(["ph", "tds", "orp"]),
        st.integers(0, 800),
        st.sampled_from([0, 1, 1, 1, 1, 2, 3]),
    ),
    max_size=150,
    unique_by=lambda one: one[:2],
)
LEVELS = {"ph": (7.31, 7.34, 9.8, 3.3), "tds": (10.0, 900.0, 905.0, 2500.0), "orp": (690.0, 655.0, 250.0, 120.0)}


@given(ROUGH, st.integers(0, 800), st.integers(0, 100))
def test_a_verdict_depends_on_nothing_beyond_its_reach(
    rough: list[tuple[str, int, int]], since: int, length: int
) -> None:
    points = [told(quantity, LEVELS[quantity][level], hour / 2) for quantity, hour, level in rough]
    start = told("ph", 7, since / 2).at
    end = start + timedelta(hours=length)
    whole = {(one.quantity, one.at): one for one in review(points, "pool")}
    part = review([one for one in points if start - REACH <= one.at <= end + REACH], "pool")
    for one in part:
        if start <= one.at <= end:
            assert one == whole[one.quantity, one.at]


@given(ROUGH, st.randoms())
def test_the_order_in_which_points_are_given_changes_no_verdict(
    rough: list[tuple[str, int, int]], dice: object
) -> None:
    points = [told(quantity, LEVELS[quantity][level], hour / 2) for quantity, hour, level in rough]
    mixed = [*points]
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert {(one.quantity, one.at): one for one in review(points)} == {
        (one.quantity, one.at): one for one in review(mixed)
    }
