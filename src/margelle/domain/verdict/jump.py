"""Spikes, told apart from steps by what comes after them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from statistics import fmean, median
from typing import Final

from margelle.domain.measurement import Measurement
from margelle.domain.verdict.table import EXCURSION, UNHEARD, Jump

SPIKE: Final = "it left the level of the readings before and after it, faster than water can change"
WAITS: Final = "it changed faster than water can, and no reading has confirmed it yet"

_AHEAD: Final = 16
"""So many breaks ahead a return is looked for: a series with more of them within hours is noise, not water."""


def jumps(series: Sequence[Measurement], rule: Jump) -> dict[datetime, str]:
    """The instants of `series` (one quantity's sound values, in order) that are spikes, and why.

    A spike leaves a level and is back at it within `EXCURSION`. A value that nothing has followed yet is doubted until something does, unless
    it is back at the level that a spike has left, which bears it out; a step that stays (a calibration, new water) is believed from its second reading on.
    """
    values = [point.value or 0.0 for point in series]
    hours = [point.at.timestamp() / 3600 for point in series]
    least, slope = rule.least, rule.per_hour
    if rule.relative:
        breaks = [n for n in range(1, len(values)) if _breaks(values, hours, n, rule)]
    else:  # the loop that every arrival runs
        breaks = [
            n
            for n in range(1, len(values))
            if abs(values[n] - values[n - 1]) > least + slope * (hours[n] - hours[n - 1])
        ]
    if not breaks:
        return {}
    found = _Series(values, hours, rule)
    spikes, back = dict[datetime, str](), set[int]()
    for place in range(len(breaks)):
        for n, returns in found.spike(breaks[place : place + _AHEAD]):
            spikes[series[n].at] = SPIKE
            back.add(returns)
    waiting = {series[n].at: WAITS for n in breaks if n not in back and found.last_word(n)}
    return waiting | spikes


def _breaks(values: Sequence[float], hours: Sequence[float], n: int, rule: Jump) -> bool:
    return abs(values[n] - values[n - 1]) > rule.most(values[n - 1], values[n], hours[n] - hours[n - 1])


class _Series:
    """A series with at least one break in it: a pair of neighbours that are further apart than the rule allows."""

    def __init__(self, values: Sequence[float], hours: Sequence[float], rule: Jump) -> None:
        self._values, self._hours, self._rule = values, hours, rule
        self._span = EXCURSION.total_seconds() / 3600
        self._unheard = UNHEARD.total_seconds() / 3600

    def last_word(self, n: int) -> bool:
        """Whether a value that broke with the one before it is followed by nothing for a long time."""
        hours = self._hours
        recent = hours[n] - hours[n - 1] <= self._span
        return recent and (n + 1 == len(hours) or hours[n + 1] - hours[n] > self._unheard)

    def spike(self, breaks: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The values between the first of `breaks` and the one after which the level is back, if one is near enough; each with that one."""
        first, hours = breaks[0], self._hours
        near = takewhile(lambda n: hours[n] - hours[first - 1] <= self._span, breaks[1:])
        back = next((n for n in near if self._returns(first, n)), None)
        if back is not None:
            for n in range(first, back):
                if not self._near(first - 1, n) and not self._near(back, n):
                    yield n, back

    def _returns(self, first: int, back: int) -> bool:
        """Whether the level before `first` is that at `back`, and the readings around have it rather than the one in between."""
        values = self._values
        before = values[first - 1]
        if not self._near(first - 1, back):
            return False
        usual = median(self._around(first - 1, back))
        return abs(usual - before) < abs(usual - fmean(values[first:back]))

    def _around(self, first: int, last: int) -> Sequence[float]:
        hours = self._hours
        since = bisect_left(hours, hours[first] - self._span)
        return self._values[since : bisect_right(hours, hours[last] + self._span)]

    def _near(self, one: int, other: int) -> bool:
        """Whether they are of one level, however long it is from the one to the other."""
        values = self._values
        return abs(values[other] - values[one]) <= self._rule.most(values[one], values[other], 0)
