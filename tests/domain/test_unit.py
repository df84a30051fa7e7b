"""Units: exact conversions, and none between different things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.unit import _BASE, Unit, convert

PAIRS = [(a, b) for a in Unit for b in Unit if _BASE[a][0] == _BASE[b][0]]


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (212.0, Unit.FAHRENHEIT, Unit.CELSIUS, 100.0),
        (32.0, Unit.FAHRENHEIT, Unit.CELSIUS, 0.0),
        (-40.0, Unit.CELSIUS, Unit.FAHRENHEIT, -40.0),
        (0.0, Unit.KELVIN, Unit.CELSIUS, -273.15),
        (3.2, Unit.G_PER_L, Unit.MG_PER_L, 3200.0),
        (1.413, Unit.MILLISIEMENS_PER_CM, Unit.MICROSIEMENS_PER_CM, 1413.0),
        (0.1413, Unit.SIEMENS_PER_M, Unit.MICROSIEMENS_PER_CM, 1413.0),
        (0.65, Unit.VOLT, Unit.MILLIVOLT, 650.0),
        (0.42, Unit.RATIO, Unit.PERCENT, 42.0),
        (10.0, Unit.LITRE_PER_SECOND, Unit.CUBIC_METRE_PER_HOUR, 36.0),
        (1013.25, Unit.HECTOPASCAL, Unit.BAR, 1.01325),
    ],
)
def test_a_conversion_is_the_textbook_one(value: float, source: Unit, target: Unit, expected: float) -> None:
    assert convert(value, source, target) == expected


@given(st.sampled_from(PAIRS), st.floats(-1e6, 1e6, allow_nan=False))
def test_there_and_back_is_the_same_value_to_the_last_digits(pair: tuple[Unit, Unit], value: float) -> None:
    there = convert(value, *pair)
    assert convert(there, pair[1], pair[0]) == pytest.approx(value, rel=1e-12, abs=1e-9)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_same_unit_changes_nothing(value: float) -> None:
    assert convert(value, Unit.MILLIVOLT, Unit.MILLIVOLT) == value


def test_units_of_different_things_do_not_convert() -> None:
    with pytest.raises(ValueError, match=r"mV \(voltage\) does not convert to \[pH\]"):
        convert(7.0, Unit.MILLIVOLT, Unit.PH)
