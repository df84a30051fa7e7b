"""Sensors that tell the same for too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from margelle.domain.measurement import Measurement
from margelle.domain.verdict.table import RHYTHM, Stuck


def stuck(series: Sequence[Measurement], rule: Stuck) -> dict[datetime, str]:
    """The instants of `series` (one quantity's sound values, in order) at which its sensor is stuck, and why."""
    found: dict[datetime, str] = {}
    for start, end in _runs(series):
        run = series[start:end]
        if run[-1].at - run[0].at >= rule.lasting:
            reason = (
                f"the same value for {rule.lasting.total_seconds() / 3600:g} hours or more: the sensor may be stuck"
            )
            found |= {point.at: reason for point in run if _decimals(point.raw) >= rule.decimals}
    return found


def _runs(series: Sequence[Measurement]) -> Iterator[tuple[int, int]]:
    """Where equal values follow one another, each told soon after the one before."""
    start = 0
    for n in range(1, len(series)):
        if series[n].value != series[n - 1].value or series[n].at - series[n - 1].at > RHYTHM:
            if n - start > 1:
                yield start, n
            start = n
    if len(series) - start > 1:
        yield start, len(series)


def _decimals(raw: str) -> int:
    return len(raw.partition(".")[2])
