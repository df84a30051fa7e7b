"""Measurements made up for the bench: cheap, irregular in time and value, with a few doubts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE

QUANTITIES = ("temperature", "ph", "orp", "salt", "tds", "battery", "rssi")
DECIMALS = {"temperature": 1, "ph": 2}
LEVEL = {"temperature": 26.0, "ph": 7.3, "orp": 680.0, "salt": 4200.0, "tds": 4000.0, "battery": 80.0, "rssi": 60.0}


def hours(probe: str, since: datetime, count: int, *, origin: str = "ondilo/measures") -> Iterator[Measurement]:
    """`count` hourly measurements of each of seven quantities by one probe."""
    random = Random(probe)
    for hour in range(count):
        at = since + timedelta(hours=hour, seconds=random.randrange(90))
        for quantity in QUANTITIES:
            value = round(LEVEL[quantity] * random.uniform(0.95, 1.05), DECIMALS.get(quantity, 0))
            doubts = (Doubt("vendor", "out of water"),) if random.random() < 0.005 else ()
            raw = repr(value) if quantity in DECIMALS else repr(int(value))
            yield Measurement(probe, quantity, at, value, raw, CATALOGUE[quantity].unit, origin, doubts)
