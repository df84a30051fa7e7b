"""The closed set of units, by UCUM code, and exact conversions between units of one dimension."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final


class Unit(StrEnum):
    """A unit; its value is its UCUM code (https://ucum.org/ucum). Curly braces mark a dimensionless count."""

    CELSIUS = "Cel"
    FAHRENHEIT = "[degF]"
    KELVIN = "K"
    PH = "[pH]"
    MILLIVOLT = "mV"
    VOLT = "V"
    MICROSIEMENS_PER_CM = "uS/cm"
    MILLISIEMENS_PER_CM = "mS/cm"
    SIEMENS_PER_M = "S/m"
    MG_PER_L = "mg/L"
    G_PER_L = "g/L"
    PPM = "[ppm]"
    PERCENT = "%"
    RATIO = "1"
    UV_INDEX = "{UVI}"
    METRE = "m"
    CENTIMETRE = "cm"
    MILLIMETRE = "mm"
    CUBIC_METRE = "m3"
    LITRE = "L"
    CUBIC_METRE_PER_HOUR = "m3/h"
    LITRE_PER_SECOND = "L/s"
    LITRE_PER_MINUTE = "L/min"
    BAR = "bar"
    HECTOPASCAL = "hPa"
    NTU = "{NTU}"
    STATE = "{state}"


# unit -> (dimension, factor, offset): base = value * factor + offset, in exact arithmetic.
# 1 ppm of a solute in water is counted as 1 mg/L (density 1 kg/L), the convention of the pool trade.
_BASE: Final[dict[Unit, tuple[str, Fraction, Fraction]]] = {
    Unit.CELSIUS: ("temperature", Fraction(1), Fraction(0)),
    Unit.FAHRENHEIT: ("temperature", Fraction(5, 9), Fraction(-160, 9)),
    Unit.KELVIN: ("temperature", Fraction(1), Fraction(-27315, 100)),
    Unit.PH: ("ph", Fraction(1), Fraction(0)),
    Unit.MILLIVOLT: ("voltage", Fraction(1), Fraction(0)),
    Unit.VOLT: ("voltage", Fraction(1000), Fraction(0)),
    Unit.MICROSIEMENS_PER_CM: ("conductivity", Fraction(1), Fraction(0)),
    Unit.MILLISIEMENS_PER_CM: ("conductivity", Fraction(1000), Fraction(0)),
    Unit.SIEMENS_PER_M: ("conductivity", Fraction(10_000), Fraction(0)),
    Unit.MG_PER_L: ("mass concentration", Fraction(1), Fraction(0)),
    Unit.G_PER_L: ("mass concentration", Fraction(1000), Fraction(0)),
    Unit.PPM: ("mass concentration", Fraction(1), Fraction(0)),
    Unit.PERCENT: ("ratio", Fraction(1), Fraction(0)),
    Unit.RATIO: ("ratio", Fraction(100), Fraction(0)),
    Unit.UV_INDEX: ("uv index", Fraction(1), Fraction(0)),
    Unit.METRE: ("length", Fraction(1), Fraction(0)),
    Unit.CENTIMETRE: ("length", Fraction(1, 100), Fraction(0)),
    Unit.MILLIMETRE: ("length", Fraction(1, 1000), Fraction(0)),
    Unit.CUBIC_METRE: ("volume", Fraction(1), Fraction(0)),
    Unit.LITRE: ("volume", Fraction(1, 1000), Fraction(0)),
    Unit.CUBIC_METRE_PER_HOUR: ("flow", Fraction(1), Fraction(0)),
    Unit.LITRE_PER_SECOND: ("flow", Fraction(36, 10), Fraction(0)),
    Unit.LITRE_PER_MINUTE: ("flow", Fraction(6, 100), Fraction(0)),
    Unit.BAR: ("pressure", Fraction(1), Fraction(0)),
    Unit.HECTOPASCAL: ("pressure", Fraction(1, 1000), Fraction(0)),
    Unit.NTU: ("turbidity", Fraction(1), Fraction(0)),
    Unit.STATE: ("state", Fraction(1), Fraction(0)),
}


# Where a unit is not written as its UCUM code.
_SYMBOLS: Final[dict[Unit, str]] = {
    Unit.CELSIUS: "°C",
    Unit.FAHRENHEIT: "°F",
    Unit.PH: "",
    Unit.MICROSIEMENS_PER_CM: "µS/cm",
    Unit.PPM: "ppm",
    Unit.RATIO: "",
    Unit.UV_INDEX: "",
    Unit.CUBIC_METRE: "m³",
    Unit.CUBIC_METRE_PER_HOUR: "m³/h",
    Unit.NTU: "NTU",
    Unit.STATE: "",
}


def convert(value: float, source: Unit, target: Unit) -> float:
    """A finite `value` in `source` as a number in `target`, rounded once, at the end, to the nearest float.

    Raises ValueError where the two units measure different things.
    """
    return value if source is target else _converted(value, source, target)


@lru_cache(4096)  # instruments have few digits: the same numbers come again and again
def _converted(value: float, source: Unit, target: Unit) -> float:
    from_dimension, from_factor, from_offset = _BASE[source]
    to_dimension, to_factor, to_offset = _BASE[target]
    if from_dimension != to_dimension:
        raise ValueError(f"{source} ({from_dimension}) does not convert to {target} ({to_dimension})")
    exact = Fraction(Decimal(repr(value)))
    return float((exact * from_factor + from_offset - to_offset) / to_factor)


def alike(unit: Unit) -> tuple[Unit, ...]:
    """The units in which the same can be said, `unit` first."""
    return unit, *(other for other in Unit if other is not unit and _BASE[other][0] == _BASE[unit][0])


def symbol(unit: Unit | str) -> str:
    """How people write a unit; empty for those that they do not write."""
    return _SYMBOLS.get(unit, str(unit)) if isinstance(unit, Unit) else unit


_ALSO: Final[dict[str, Unit]] = {
    "c": Unit.CELSIUS,
    "degc": Unit.CELSIUS,
    "f": Unit.FAHRENHEIT,
    "degf": Unit.FAHRENHEIT,
    "ph": Unit.PH,
    "ppm": Unit.PPM,
    "us/cm": Unit.MICROSIEMENS_PER_CM,
    "ntu": Unit.NTU,
}
"""Spellings that devices and spreadsheets use, besides the code and the symbol."""


def unit_named(text: str) -> Unit:
    """The unit that `text` means: its UCUM code, its symbol, or a usual spelling, in any case where that is not ambiguous.

    Raises ValueError.
    """
    text = text.strip().replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
    if text in _UNITS:
        return _UNITS[text]
    plain = text.casefold().replace("\N{DEGREE SIGN}", "").replace("\N{GREEK SMALL LETTER MU}", "u")
    found = _ALSO.get(plain) or _LOWER.get(plain)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no unit that margelle knows")
    return found


_UNITS: Final = {unit.value: unit for unit in Unit} | {_SYMBOLS[unit]: unit for unit in _SYMBOLS if _SYMBOLS[unit]}
_LOWER: Final = {unit.value.casefold(): unit for unit in Unit}
