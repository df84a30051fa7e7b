"""What one quantity says of another that was measured at the same instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from margelle.domain.measurement import Measurement
from margelle.domain.verdict.table import (
    BOTH,
    DRY,
    ELECTRODES,
    FREEZING,
    RATIOS,
    SALT_FREEZING,
    WET_TIMES,
    WETTED,
    Both,
    Dry,
    Ratio,
)

AIR: Final = "it hardly conducts: the probe seems to be out of the water"
TOGETHER: Final = "several quantities jump at once: the probe seems to be out of the water"

_TOGETHER: Final = 2
_at = attrgetter("at")

Series = Mapping[str, Sequence[Measurement]]
Found = Iterator[tuple[str, datetime, str]]
"""Which quantity is doubted, at which instant, and why."""


def dry(series: Series) -> Found:
    """What electrodes told while their conductivity cell measured air."""
    instants = {at for rule in DRY for at in _dry(series.get(rule.quantity, ()), rule)}
    yield from _all_of(series, instants, AIR)


def _dry(series: Sequence[Measurement], rule: Dry) -> Iterator[datetime]:
    low = [point.at for point in series if (point.value or 0.0) < rule.below]
    if not low:
        return
    wet = [point.at for point in series if (point.value or 0.0) >= rule.wet]
    for at in low:
        if bisect_right(wet, at + WETTED) - bisect_left(wet, at - WETTED) >= WET_TIMES:
            yield at


def together(series: Series, jumped: Mapping[str, Collection[datetime]]) -> Found:
    """What electrodes told while at least two of them jumped: the others are no better."""
    times = Counter(at for instants in jumped.values() for at in instants)
    yield from _all_of(series, {at for at, count in times.items() if count >= _TOGETHER}, TOGETHER)


def _all_of(series: Series, instants: Collection[datetime], reason: str) -> Found:
    if not instants:
        return
    for quantity in ELECTRODES & series.keys():
        yield from ((quantity, point.at, reason) for point in series[quantity] if point.at in instants)


def contradictions(series: Series) -> Found:
    """Quantities that cannot both be true; which of them is wrong nobody knows, so both are doubted."""
    for ratio in RATIOS:
        for over, under in _pairs(series, ratio.over, ratio.under):
            if not _agree(over.value or 0.0, under.value or 0.0, ratio):
                yield from _both(over, under)
    for rule in BOTH:
        for one, other in _pairs(series, rule.one, rule.other):
            if _excludes(one.value or 0.0, other.value or 0.0, rule):
                yield from _both(one, other)


def _agree(over: float, under: float, rule: Ratio) -> bool:
    return under < rule.least or rule.low * under <= over <= rule.high * under


def _excludes(one: float, other: float, rule: Both) -> bool:
    return one >= rule.least and (other < rule.bound if rule.below else other > rule.bound)


def _both(one: Measurement, other: Measurement) -> Found:
    for doubted, beside in ((one, other), (other, one)):
        yield (
            doubted.quantity,
            doubted.at,
            f"it contradicts {beside.quantity} {beside.raw[:20]} {beside.raw_unit.value}",
        )


def frozen(series: Series) -> Found:
    """Temperatures at which water with what it dissolves would be ice."""
    for quantity in ("salt", "tds", "conductivity"):  # no mg/L of salt has less than 1 µS/cm
        for point, solids in _pairs(series, "temperature", quantity):
            if (point.value or 0.0) < FREEZING - SALT_FREEZING * (solids.value or 0.0):
                yield "temperature", point.at, "the water would be frozen"


def _pairs(series: Series, one: str, other: str) -> Iterator[tuple[Measurement, Measurement]]:
    if not series.get(one) or not series.get(other):
        return
    beside = {point.at: point for point in series[other]}
    yield from ((point, beside[point.at]) for point in series[one] if point.at in beside)
