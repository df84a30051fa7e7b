"""What is known of probes of which nothing is doubted: how each of their series ends. As long as what arrives goes on quietly from there, nothing has to be read to judge it.

It is exactly as true as the store's marks say: whenever anybody else has kept anything of a probe, it is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.verdict.calm import END_RULES, RHYTHM_US, EndRule, Span, Told, agree, apart
from margelle.ports import Mark, Store

MOST: Final = 20_000
"""So many probes are remembered, with about 2 kB for each."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US_PER_HOUR: Final = 3.6e9

End = tuple[int, float, int]
"""How a series ends: its last instant and value, and since when it has had that value without a gap."""
NEVER: Final[End] = (-1, 0.0, -1)
"""No series ends so."""


class Known(Struct, gc=False):
    """A probe that is calm up to now: how its judged series end, and the newest instant of all its series."""

    mark: Mark
    ends: dict[str, End]
    newest_us: int


class Look(Struct, frozen=True):
    """What is known of the probes of some points: which are `going` on quietly, with what will then be known of them, and the marks of all."""

    going: Mapping[str, Known] = {}
    marks: Mapping[str, Mark] = {}

    @property
    def all_go_on(self) -> bool:
        """Whether each of them does."""
        return len(self.going) == len(self.marks) > 0


class Quiet:
    """Remembers quiet probes of one store, within one process."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._micros: dict[datetime, int] = {}

    async def look(self, store: Store, points: Mapping[str, Sequence[Measurement]]) -> Look:
        """Which of these probes go on quietly with these points."""
        marks = await store.marks([*points])
        going = {}
        for probe, mark in marks.items():
            known = self._known.get(probe)
            if known is not None and known.mark == mark and (then := self._goes_on(known, points[probe])) is not None:
                going[probe] = then
        return Look(going, marks)

    def micros(self, at: datetime) -> int:
        """The instant in microseconds since 1970."""
        known = self._micros.get(at)
        if known is None:
            if len(self._micros) > MOST:
                self._micros.clear()
            since = at - _EPOCH
            known = self._micros[at] = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return known

    def _goes_on(self, known: Known, points: Sequence[Measurement]) -> Known | None:
        """What is known of the probe with `points`, where they are all newer than what is kept, in order, and no rule has anything against them; else None."""
        ends, newest_us, at, at_us = known.ends.copy(), known.newest_us, None, 0
        before: dict[str, int] = {}
        spans: dict[str, Span] = {}
        for point in points:
            if point.at is not at:
                at, at_us = point.at, self.micros(point.at)
                if at_us <= known.newest_us:
                    return None
                newest_us = max(newest_us, at_us)
            quantity, value = point.quantity, point.value
            if at_us <= before.get(quantity, 0):
                return None
            before[quantity] = at_us
            if value is None or point.doubts or (rule := END_RULES.get(quantity)) is None:
                continue
            end = ends[quantity] = _next(ends.get(quantity), rule, at_us, value)
            if end is NEVER:
                return None
            span = spans.get(quantity)
            if span is None:
                spans[quantity] = value, value
            elif not span[0] <= value <= span[1]:
                spans[quantity] = min(span[0], value), max(span[1], value)
        return Known(known.mark, ends, newest_us) if apart(spans) or agree(self._series(points)) else None

    def _series(self, points: Sequence[Measurement]) -> dict[str, Told]:
        """The sound values of each judged quantity."""
        series: dict[str, Told] = {}
        for point in points:
            if point.value is not None and not point.doubts and point.quantity in END_RULES:
                times, values = series.setdefault(point.quantity, ([], []))
                times.append(self.micros(point.at))
                values.append(point.value)
        return series

    def remember(self, probe: str, known: Known, mark: Mark) -> None:
        """This is known of a probe, and true at this mark."""
        if len(self._known) >= MOST and probe not in self._known:
            self._known.clear()
        known.mark = mark
        self._known[probe] = known


def _next(end: End | None, rule: EndRule, at_us: int, value: float) -> End:
    """How a series ends with one more value; NEVER where a rule may have something against that."""
    if value < rule.below:
        return NEVER
    if end is None:
        return at_us, value, at_us
    before_us, before, since_us = end
    if value == before and at_us - before_us <= RHYTHM_US:
        return (at_us, value, since_us) if at_us - since_us < rule.lasting_us else NEVER
    change = value - before if value > before else before - value
    if change > rule.least:
        most = (rule.least + rule.per_hour * ((at_us - before_us) / _US_PER_HOUR)) * rule.surely
        if change >= (most * max(abs(value), abs(before)) if rule.relative else most):
            return NEVER
    elif rule.relative and change >= rule.least * max(abs(value), abs(before)) * rule.surely:
        return NEVER
    return at_us, value, at_us


def ended(series: Mapping[str, Told]) -> dict[str, End]:
    """How each of these series ends."""
    return {quantity: _end(times, values) for quantity, (times, values) in series.items()}


def _end(times: Sequence[int], values: Sequence[float]) -> End:
    n = len(values) - 1
    while n and values[n - 1] == values[-1] and times[n] - times[n - 1] <= RHYTHM_US:
        n -= 1
    return times[-1], values[-1], times[n]
