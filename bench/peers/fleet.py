"""The water that all are given: many probes hour by hour, and years of single ones. Made up, the same in every run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Final, NamedTuple

from bench.water import DECIMALS, LEVEL, QUANTITIES

SINCE: Final = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
"""A year that is over: VictoriaMetrics tells nothing that is more than two days ahead of its clock."""
HOURS: Final = 714
"""Of each probe of the fleet: a month of most."""

HOURLY, MINUTELY, EXACT = "own:hourly/probe", "own:minutely/probe", "own:exact/probe"
YEAR_S: Final = 365 * 86_400
_DOUBTFUL: Final = 0.005


class Told(NamedTuple):
    """What one probe told at one instant (seconds since 1970), by quantity; something speaks against the `doubtful` ones."""

    probe: str
    at_s: int
    values: dict[str, float]
    doubtful: tuple[str, ...] = ()


def name(number: int) -> str:
    """Of a probe of the fleet."""
    return f"own:{number}/probe"


def hour_by_hour(probes: int, first: int, last: int) -> Iterator[Told]:
    """Hours `first` to before `last` of so many probes, as they arrive: at a second of its own, with noise of 5 % and a few doubts."""
    for hour in range(first, last):
        dice = Random(hour)
        for number in range(probes):
            yield _noisy(name(number), hour, dice)


def hourly(days: int) -> Iterator[Told]:
    """A year of one probe, or less."""
    dice = Random(HOURLY)
    for hour in range(days * 24):
        yield _noisy(HOURLY, hour, dice)


def minutely(days: int) -> Iterator[Told]:
    """A year of pH by the minute, or less; it wanders."""
    dice, value = Random(MINUTELY), 7.2
    for minute in range(days * 24 * 60):
        value = round(min(max(value + dice.gauss(0, 0.01), 6.8), 7.8), 2)
        doubtful = ("ph",) if dice.random() < _DOUBTFUL else ()
        yield Told(MINUTELY, SINCE + 60 * minute + 1 + dice.randrange(50), {"ph": value}, doubtful)


def smooth(probes: int) -> Iterator[Told]:
    """The fleet's month once more, on the hour and without noise: what is easiest to compress."""
    for hour in range(HOURS):
        wave = 1 + 0.05 * math.sin(hour * math.tau / 24)
        for number in range(probes):
            values = {one: round(LEVEL[one] * wave, DECIMALS.get(one, 0)) for one in QUANTITIES}
            yield Told(f"own:smooth-{number}/probe", SINCE + hour * 3600, values)


def exact(count: int) -> Iterator[Told]:
    """Values with all the digits that a float has, such as come out of a conversion of units."""
    dice = Random(EXACT)
    for n in range(count):
        yield Told(EXACT, SINCE + 60 * n, {"temperature": dice.uniform(0, 40)})


def batches(told: Iterable[Told], points: int) -> Iterator[list[Told]]:
    """The same, so many points at once or hardly fewer."""
    batch: list[Told] = []
    size = 0
    for one in told:
        if size + len(one.values) > points:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one.values)
    if batch:
        yield batch


def value_by_value(batch: Iterable[Told]) -> list[Told]:
    """The same points, each told by itself."""
    return [
        Told(probe, at_s, {name: value}, (name,) if name in doubtful else ())
        for probe, at_s, values, doubtful in batch
        for name, value in values.items()
    ]


def count(batch: Iterable[Told]) -> int:
    """How many points there are."""
    return sum(len(one.values) for one in batch)


def _noisy(probe: str, hour: int, dice: Random) -> Told:
    values = {one: round(LEVEL[one] * dice.uniform(0.95, 1.05), DECIMALS.get(one, 0)) for one in QUANTITIES}
    doubtful = tuple(one for one in QUANTITIES if dice.random() < _DOUBTFUL) if hour < HOURS - 2 else ()
    return Told(probe, SINCE + hour * 3600 + 1 + dice.randrange(90), values, doubtful)
