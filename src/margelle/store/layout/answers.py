"""What is kept of a probe, put together again from pieces, chunks and what is from before."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from operator import attrgetter, itemgetter
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.series import Columns, DaySlice, DayStatistics, Slice, midnight
from margelle.store import days, rules
from margelle.store.chunk import Column
from margelle.store.layout.tables import Head, Tables
from margelle.store.row import Row, measurement

_FAR: Final = 2**63 - 1
ALWAYS: Final = (-_FAR, _FAR)
_at = itemgetter(0)
_day = attrgetter("day")
MANY_DAYS: Final = 31
"""Where something waits to be folded of so many days, all of them are computed at once."""


class Snapshot(Struct, frozen=True):
    """What `latest` answers while the clock stands from `since_us` to before `until_us`, and the store has `version` or the probe's head is the one
    that was `told`: any other has other newest points."""

    version: int
    since_us: int
    until_us: int
    points: dict[str, Measurement]
    told: bytes | None

    def holds(self, limit_us: int, version: int, told: bytes | None = None) -> bool:
        """Whether it still answers; `told` is the head's newest points as they are kept now."""
        same = self.version == version if told is None or self.told is None else self.told == told
        return same and self.since_us <= limit_us < self.until_us


class Answers:
    """Reads through tables, all of them as they are at one moment."""

    def __init__(self, tables: Tables) -> None:
        self._heads, self._chunks, self._before, self._rollup = (
            tables.heads,
            tables.chunks,
            tables.before,
            tables.rollup,
        )

    def look(self, probe: str, limit_us: int, version: int, told: bytes | None) -> Snapshot:
        """The newest points that are not after `limit_us`, and how long that stays so; `told` are those of the head as they are kept."""
        head = self._heads.get(probe)
        newest = head.newest if head else self._before.newest(probe)
        since_us, until_us, points = -_FAR, _FAR, {}
        for quantity, top in sorted(newest.items()):
            found: Row | None = top
            if top[0] > limit_us:
                ahead = self.column(probe, quantity, limit_us + 1, _FAR, 1)
                until_us, found = min(until_us, ahead.times[0]), self._newest(probe, quantity, limit_us)
            if found is not None:
                since_us = max(since_us, found[0])
                points[quantity] = measurement(probe, quantity, found)
        alone = until_us == _FAR  # of a head with points from the future, more than the head was looked at
        return Snapshot(version, since_us, until_us, points, told if alone else None)

    def _newest(self, probe: str, quantity: str, limit_us: int) -> Row | None:
        """The newest row that is not after `limit_us`."""
        head = self._heads.get(probe)
        loose = self.loose(head, probe, quantity, -_FAR, limit_us + 1)
        folded = self._chunks.newest(head.id, quantity, limit_us) if head else None
        return max(filter(None, (folded, loose[-1] if loose else None)), key=_at, default=None)

    def column(
        self,
        probe: str,
        quantity: str,
        since_us: int,
        until_us: int,
        limit: int | None = None,
        *,
        newest: bool = False,
    ) -> Column:
        """The rows with since <= at < until, oldest first; at most `limit`, the oldest or the `newest` ones."""
        most = _FAR if limit is None else max(limit, 0)
        head = self._heads.get(probe)
        parts: list[Column] = []
        there = 0
        for whole in self._chunks.series(head.id, quantity, since_us, until_us, newest=newest) if head and most else ():
            parts.append(whole.part(*whole.bounds(since_us, until_us)))
            there += len(parts[-1])
            if there >= most:
                break
        joined = Column.joined(parts[::-1] if newest else parts)
        loose = self.loose(head, probe, quantity, since_us, until_us, most=_FAR if newest else most)
        column = _with(joined, loose)
        if len(column) <= most:
            return column
        return column.part(len(column) - most, len(column)) if newest else column.part(0, most)

    def slices(
        self,
        probe: str,
        quantity: str,
        since_us: int,
        until_us: int,
        limit: int | None = None,
        *,
        newest: bool = False,
    ) -> list[Slice]:
        """The rows of `column` without putting them together: those of each chunk, and what is in none. The oldest or the `newest` slice is first."""
        left = most = _FAR if limit is None else max(limit, 0)
        head = self._heads.get(probe)
        loose = self.loose(head, probe, quantity, since_us, until_us, most=_FAR if newest else most)
        found: list[Slice] = []
        if loose and newest:
            found.append(Slice(Column.of(loose), 0, len(loose)))
            left -= len(loose)
        for whole in self._chunks.series(head.id, quantity, since_us, until_us, newest=newest) if head and most else ():
            first, last = whole.bounds(since_us, until_us)
            if first >= last:
                continue
            if loose and whole.times[last - 1] > loose[0][0]:  # one is within the other
                column = self.column(probe, quantity, since_us, until_us, limit, newest=newest)
                return [Slice(column, 0, len(column))] if column.times else []
            if left <= 0:
                break
            found.append(Slice(whole, first, last, lasting=True))
            left -= last - first
        if loose and not newest:
            found.append(Slice(Column.of(loose), 0, len(loose)))
        return [*_cut(found, most, newest=newest)]

    def loose(
        self, head: Head | None, probe: str, quantity: str, since_us: int, until_us: int, *, most: int = _FAR
    ) -> list[Row]:
        """What is in no chunk: the oldest `most`, and perhaps more."""
        waiting = self._heads.pieces(head).get(quantity, ()) if head else ()
        rows = [one for one in waiting if since_us <= one[0] < until_us]
        if head is None or head.before:
            rows = _merged(self._before.rows(probe, quantity, since_us, until_us, most), rows)
        return rows

    def days(
        self, probe: str, quantity: str, days_: tuple[date, date], span: tuple[int, int], zone: ZoneInfo
    ) -> list[DaySlice]:
        """The statistics of the days with since <= day < until, which `span` is from begin to end."""
        head = self._heads.get(probe)
        known_us = self._rollup.until(head.id, zone.key) if head else None
        if head is None or known_us is None:
            return _whole(days.statistics(self.column(probe, quantity, *span), zone, *span))
        known = [*self._known(head, quantity, days_, (*span, known_us), zone)]
        late = {days.day(one[0], zone) for one in self.loose(head, probe, quantity, *span)}
        if len(late) > MANY_DAYS:
            first = min(late)
            rest = (rules.micros(midnight(first, zone)), span[1])
            anew = days.statistics(self.column(probe, quantity, *rest), zone, *rest)
            return [*_part(known, days_[0], first), *_whole(anew)]
        anew = [one for day in sorted(late) for one in self._day(probe, quantity, day, zone)]
        return [*_around(_part(known, *days_), sorted(late), anew)]

    def _known(
        self, head: Head, quantity: str, days_: tuple[date, date], span: tuple[int, int, int], zone: ZoneInfo
    ) -> Iterator[list[DayStatistics]]:
        """From the rollup as far as it is known, and from there on what chunks say: more than these days, but all of what is in chunks."""
        begin, end, known_us = span
        if begin < known_us:
            yield from self._rollup.parts(head.id, zone.key, quantity, *days_)
        if known_us < end:
            columns = [*self._chunks.series(head.id, quantity, max(known_us, begin), end)]
            yield self._rollup.grown(columns, zone.key, known_us)

    def _day(self, probe: str, quantity: str, day: date, zone: ZoneInfo) -> list[DayStatistics]:
        """One day, computed from its points; nothing where none is valid."""
        first, last = (rules.micros(midnight(date.fromordinal(day.toordinal() + n), zone)) for n in (0, 1))
        return days.statistics(self.column(probe, quantity, first, last), zone, first, last)


def shown(column: Column) -> Columns:
    """A column as the port tells it."""
    return Columns(column.times, column.values, [doubts is not None for doubts in column.doubts])


def _whole(found: list[DayStatistics]) -> list[DaySlice]:
    return [DaySlice(found, 0, len(found))] if found else []


def _part(known: Iterable[list[DayStatistics]], since: date, until: date) -> list[DaySlice]:
    """Of lasting days those with since <= day < until."""
    found = (
        DaySlice(of, bisect_left(of, since, key=_day), bisect_left(of, until, key=_day), lasting=True) for of in known
    )
    return [part for part in found if len(part) > 0]


def _around(known: Iterable[DaySlice], late: Sequence[date], anew: Sequence[DayStatistics]) -> Iterator[DaySlice]:
    """The known days but for the late ones, with those computed `anew` in their place."""
    rest = deque(anew)
    for part in known:
        first, days_ = part.first, part.days
        for day in late:
            at = bisect_left(days_, day, first, part.last, key=_day)
            if first < at:
                before = [rest.popleft() for _ in range(bisect_left(rest, days_[first].day, key=_day))]
                yield from _whole(before)
                yield DaySlice(days_, first, at, part.lasting)
            first = at + (at < part.last and days_[at].day == day)
        if first < part.last:
            yield from _whole([rest.popleft() for _ in range(bisect_left(rest, days_[first].day, key=_day))])
            yield DaySlice(days_, first, part.last, part.lasting)
    yield from _whole([*rest])


def bounds(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The same in microseconds; far away where there is none. Raises BadInput."""
    return -_FAR if since is None else rules.micros(since), _FAR if until is None else rules.micros(until)


def _cut(slices: Iterable[Slice], most: int, *, newest: bool) -> Iterator[Slice]:
    """The first ones of them, with at most so many rows together."""
    for one in slices:
        some = one.cut(most, newest=newest)
        most -= len(some)
        if len(some):
            yield some


def _with(column: Column, loose: list[Row]) -> Column:
    """The rows of both, in order of time."""
    if not loose:
        return column
    if column.times and loose[0][0] < column.times[-1]:
        return Column.of(_merged(column.rows(), loose))
    return Column.joined([column, Column.of(loose)])


def _merged(one: list[Row], other: list[Row]) -> list[Row]:
    """The rows of both, in order of time."""
    if not one or not other or one[-1][0] < other[0][0]:
        return one + other
    return sorted(one + other, key=_at)
