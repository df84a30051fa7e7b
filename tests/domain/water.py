"""Made-up water: hour by hour, as a probe in a pool tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import sin
from random import Random
from typing import Final

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.unit import Unit

START: Final = datetime(2026, 6, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
PROBE: Final = "ondilo:234/ico"
UNITS: Final = {
    "temperature": Unit.CELSIUS,
    "ph": Unit.PH,
    "orp": Unit.MILLIVOLT,
    "tds": Unit.MG_PER_L,
    "salt": Unit.MG_PER_L,
    "conductivity": Unit.MICROSIEMENS_PER_CM,
    "free_chlorine_estimate": Unit.MG_PER_L,
    "battery": Unit.PERCENT,
}


def told(quantity: str, value: float | None, hour: float = 0, *doubts: Doubt, raw: str | None = None) -> Measurement:
    """A measurement of so many hours after `START`."""
    at = START + timedelta(seconds=round(hour * 3600))
    return Measurement(
        PROBE, quantity, at, value, f"{value:g}" if raw is None else raw, UNITS[quantity], "test", doubts
    )


def series(quantity: str, values: Sequence[float], since: float = 0) -> list[Measurement]:
    """Values of one hour after the other."""
    return [told(quantity, value, since + n) for n, value in enumerate(values)]


def pool(hours: int, seed: int = 1) -> dict[str, list[Measurement]]:
    """A pool in summer, by quantity."""
    dice = Random(seed)
    values: Mapping[str, list[float]] = {
        "temperature": [round(25 + 1.5 * sin(n / 4) + dice.gauss(0, 0.03), 1) for n in range(hours)],
        "ph": [round(7.3 + 0.05 * sin(n / 4) + dice.gauss(0, 0.015), 2) for n in range(hours)],
        "orp": [round(690 + 25 * sin(n / 4) + dice.gauss(0, 3)) for n in range(hours)],
        "tds": [round(900 + dice.gauss(0, 4)) for n in range(hours)],
    }
    return {quantity: series(quantity, of_one) for quantity, of_one in values.items()}


def flat(water: Mapping[str, Sequence[Measurement]]) -> list[Measurement]:
    """All of it, instant by instant."""
    return sorted(
        (point for points in water.values() for point in points), key=lambda point: (point.at, point.quantity)
    )
