"""Made-up water with some trouble in it, or none."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from tests.domain.water import flat, pool, told


def shaken(dice: Random, hours: int) -> list[Measurement]:
    """A pool, hour by hour, in which now and then something is wrong, hour after hour in order."""
    water = pool(hours)
    for _ in range(dice.choice((0, 0, 1, 2, 3))):
        quantity = dice.choice([name for name in water if name != "battery"])
        begin, length = dice.randrange(hours), dice.choice((1, 1, 2, 5, 30, 50))
        before = water[quantity][begin].value or 0.0
        value = dice.choice((before, before * 1.01, before * 1.6, before * 0.3, 5.0, 0.0, -2.0, 1e6))
        for hour in range(begin, min(begin + length, hours)):
            water[quantity][hour] = told(quantity, round(value, 2), hour)
    for _ in range(dice.choice((0, 3, 20))):
        quantity, hour = dice.choice([*water]), dice.randrange(hours)
        water[quantity][hour] = replace(water[quantity][hour], doubts=(Doubt("vendor", "out of water"),))
    return sorted(flat(water), key=lambda point: point.at)
