"""A measurement as it is kept: a row of plain values, without its probe and quantity."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Final

import msgspec

from margelle.domain.measurement import Doubt, Measurement, spelt
from margelle.domain.unit import Unit
from margelle.store import rules
from margelle.store.rules import EPOCH

Row = tuple[int, float | None, str | None, str, str, str | None]
"""The instant in microseconds since 1970, the value, the raw text (None where it is the shortest decimal that spells the value), the raw
unit's UCUM code, the origin, and the doubts as JSON (None where there is none)."""

_UNITS: Final = {unit.value: unit for unit in Unit}
_HUGE: Final = 1e300


def row(point: Measurement) -> Row:
    """The row of a measurement. Raises BadInput where its value is no number or its instant not in UTC."""
    return rows_of([point])[point.probe][point.quantity][0]


def rows_of(points: Iterable[Measurement]) -> dict[str, dict[str, list[Row]]]:
    """The rows by probe and quantity, in the order given. Raises as `row` does.

    Every point that arrives goes through this loop, hence it looks again at what is the same as in the point before, and calls little.
    """
    found: dict[str, dict[str, list[Row]]] = {}
    probe, of_probe, at, at_us = "", found.setdefault("", {}), None, 0
    for point in points:
        if point.probe != probe:
            probe = point.probe
            of_probe = found.setdefault(probe, {})
        if point.at is not at:
            at, at_us = point.at, rules.micros(point.at)
        value, doubts = point.value, point.doubts
        raw: str | None = point.raw
        if value is not None:
            value = value + 0.0 if value.__class__ is float and -_HUGE < value < _HUGE else rules.number(point)
            if raw == spelt(value):
                raw = None
        kept = (at_us, value, raw, point.raw_unit._value_, point.origin, told(doubts) if doubts else None)
        of_one = of_probe.get(point.quantity)
        if of_one is None:
            of_probe[point.quantity] = [kept]
        else:
            of_one.append(kept)
    if not found[""]:
        del found[""]
    return found


def measurement(probe: str, quantity: str, kept: Row) -> Measurement:
    """The measurement that is kept as this row."""
    at_us, value, raw, unit, origin, doubts = kept
    return Measurement(
        probe,
        quantity,
        EPOCH + timedelta(0, 0, at_us),
        value,
        spelt(value) if raw is None else raw,
        _UNITS[unit],
        origin,
        doubts_of(doubts),
    )


def told(doubts: tuple[Doubt, ...]) -> str | None:
    """The doubts as JSON; None where there is none."""
    return msgspec.json.encode(doubts).decode() if doubts else None


@lru_cache(1024)
def doubts_of(text: str | None) -> tuple[Doubt, ...]:
    """The doubts that were `told`."""
    return msgspec.json.decode(text, type=tuple[Doubt, ...]) if text is not None else ()


def unit_of(code: str) -> Unit:
    """The unit with this UCUM code."""
    return _UNITS[code]
