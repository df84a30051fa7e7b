"""Verdicts on a measurement: what speaks against it, judged without changing it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""No probe that we collect from is older."""

CLOCK_TOLERANCE: Final = timedelta(minutes=10)
"""How far ahead of our clock a probe's may be before its word is doubted."""


def is_past(at: datetime, now: datetime) -> bool:
    """Whether something can have been measured or done at `at`: since `EARLIEST`, and no later than now by a clock that may be ahead of ours."""
    return EARLIEST <= at <= now + CLOCK_TOLERANCE


_ANY: Final = (-float("inf"), float("inf"))


def judge(measurement: Measurement, now: datetime, catalogue: Catalogue = CATALOGUE) -> Measurement:
    """`measurement` with the doubts that its instant and its value raise at `now` added to those it came with.

    The value, the raw text and the vendor's own doubts stay as they are. A quantity that the catalogue does not know has no range.
    """
    if measurement.at > now + CLOCK_TOLERANCE and not any(doubt.kind == "future" for doubt in measurement.doubts):
        ahead = Doubt("future", f"its time is ahead of the clock ({now:%Y-%m-%d %H:%M} UTC)")
        measurement = replace(measurement, doubts=(*measurement.doubts, ahead))
    return alone(measurement, catalogue)


def judged(measurements: Iterable[Measurement], now: datetime, catalogue: Catalogue = CATALOGUE) -> list[Measurement]:
    """`judge` of each. Most have nothing against them, and are looked at quickly."""
    latest = now + CLOCK_TOLERANCE
    ranges: dict[str, tuple[float, float]] = {}
    found = []
    for one in measurements:
        if (known := ranges.get(one.quantity)) is None:
            quantity = catalogue.get(one.quantity)
            known = ranges[one.quantity] = (quantity.low, quantity.high) if quantity is not None else _ANY
        value = one.value
        good = value is not None and not one.doubts and known[0] <= value <= known[1] and EARLIEST <= one.at <= latest
        found.append(one if good else judge(one, now, catalogue))
    return found


def alone(measurement: Measurement, catalogue: Catalogue = CATALOGUE) -> Measurement:
    """`measurement` with the doubts that it came with, and those of its instant and value that need neither clock nor neighbours."""
    doubts = [*measurement.given]
    if measurement.at < EARLIEST:
        doubts.append(Doubt("past", f"its time is before {EARLIEST:%Y}"))
    quantity = catalogue.get(measurement.quantity)
    value = measurement.value
    if quantity is not None and value is not None and not quantity.low <= value <= quantity.high:
        doubts.append(Doubt("range", f"not between {quantity.low:g} and {quantity.high:g} {quantity.unit}"))
    return measurement if (*doubts,) == measurement.doubts else replace(measurement, doubts=(*doubts,))
