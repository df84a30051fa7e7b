"""Measurements in SQLite, read: from heads, pieces, chunks and rollups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from operator import itemgetter
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from margelle.domain.measurement import Measurement, Revision
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.series import Columns, DayStatistics, midnight
from margelle.store import days, rules
from margelle.store.chunk import Column
from margelle.store.row import Row, measurement
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.folding import Folding
from margelle.store.sqlite.heads import Head
from margelle.store.sqlite.tables import Tables

_FAR: Final = 2**63 - 1
ALWAYS: Final = (-_FAR, _FAR)
MANY_DAYS: Final = 31
"""Where something waits to be folded of so many days, all of them are computed at once."""
_at = itemgetter(0)


class _Snapshot(Struct, frozen=True):
    """What `latest` answers while the store has `version` and the clock stands from `since_us` to before `until_us`."""

    version: int
    since_us: int
    until_us: int
    points: dict[str, Measurement]


class SeriesReader:
    """The part of the store that answers from measurements."""

    _db: Database

    def _furnish(self) -> None:
        """Make what reads and writes each kind of table."""
        tables = self._tables = Tables(self._db)
        self._heads, self._chunks, self._before = tables.heads, tables.chunks, tables.before
        self._revisions, self._rollup, self._folding = tables.revisions, tables.rollup, Folding(tables)
        self._snapshots: dict[str, _Snapshot] = {}

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Several reads that see the same."""
        with self._db.reading():
            self._heads.look()
            yield

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        limit_us, version = rules.micros(now + CLOCK_TOLERANCE), self._db.version()
        known = self._snapshots.get(probe)
        if known is None or known.version != version or not known.since_us <= limit_us < known.until_us:
            with self._looking():
                known = self._snapshots[probe] = self._look(probe, limit_us, version)
        return known.points.copy()

    def _look(self, probe: str, limit_us: int, version: int) -> _Snapshot:
        head = self._heads.get(probe)
        newest = head.newest if head else self._before.newest(probe)
        since_us, until_us, points = -_FAR, _FAR, {}
        for quantity, top in sorted(newest.items()):
            found: Row | None = top
            if top[0] > limit_us:
                ahead = self._column(probe, quantity, limit_us + 1, _FAR, 1)
                until_us, found = min(until_us, ahead.times[0]), self._newest(probe, quantity, limit_us)
            if found is not None:
                since_us = max(since_us, found[0])
                points[quantity] = measurement(probe, quantity, found)
        return _Snapshot(version, since_us, until_us, points)

    def _newest(self, probe: str, quantity: str, limit_us: int) -> Row | None:
        """The newest row that is not after `limit_us`."""
        head = self._heads.get(probe)
        loose = self._loose(head, probe, quantity, -_FAR, limit_us + 1)
        folded = self._chunks.newest(head.id, quantity, limit_us) if head else None
        return max(filter(None, (folded, loose[-1] if loose else None)), key=_at, default=None)

    async def history(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Measurement]:
        bounds = _bounds(since, until)
        with self._looking():
            column = self._column(probe, quantity, *bounds, limit, newest=descending)
        found = column.measurements(probe, quantity)
        return found[::-1] if descending else found

    async def columns(
        self, probe: str, quantity: str, since: datetime | None = None, until: datetime | None = None
    ) -> Columns:
        bounds = _bounds(since, until)
        with self._looking():
            column = self._column(probe, quantity, *bounds)
        return Columns(column.times, column.values, [doubts is not None for doubts in column.doubts])

    def _column(
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
        column = _with(joined, self._loose(head, probe, quantity, since_us, until_us))
        if len(column) <= most:
            return column
        return column.part(len(column) - most, len(column)) if newest else column.part(0, most)

    def _loose(self, head: Head | None, probe: str, quantity: str, since_us: int, until_us: int) -> list[Row]:
        """What is in no chunk."""
        waiting = self._heads.pieces(head).get(quantity, ()) if head else ()
        rows = [one for one in waiting if since_us <= one[0] < until_us]
        if head is None or head.before:
            rows = _merged(self._before.rows(probe, quantity, since_us, until_us, _FAR), rows)
        return rows

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        begin, end = map(rules.micros, rules.days(since, until, time_zone))
        zone = ZoneInfo(time_zone)
        with self._looking():
            head = self._heads.get(probe)
            known_us = self._rollup.until(head.id, time_zone) if head else None
            if head is None or known_us is None or known_us <= begin:
                return days.statistics(self._column(probe, quantity, begin, end), zone, begin, end)
            return self._statistics(head, quantity, (since, until), (begin, end, known_us), zone)

    def _statistics(
        self, head: Head, quantity: str, days_: tuple[date, date], span: tuple[int, int, int], zone: ZoneInfo
    ) -> list[DayStatistics]:
        """From the rollup as far as it is known, but for days of which something waits to be folded; the rest from the points."""
        begin, end, known_us = span
        known = self._rollup.read(head.id, zone.key, quantity, *days_)
        rest_us = min(known_us, end)
        late = {days.day(one[0], zone) for one in self._loose(head, head.probe, quantity, begin, rest_us)}
        if len(late) > MANY_DAYS:
            return days.statistics(self._column(head.probe, quantity, begin, end), zone, begin, end)
        found = [day for day in known if day.day not in late]
        for day in late:
            first, last = (rules.micros(midnight(date.fromordinal(day.toordinal() + n), zone)) for n in (0, 1))
            found += days.statistics(self._column(head.probe, quantity, first, last), zone, first, last)
        if late:
            found.sort(key=lambda day: day.day)
        return found + days.statistics(self._column(head.probe, quantity, rest_us, end), zone, rest_us, end)

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        return self._revisions.read(probe, quantity, rules.micros(at))

    async def quantities(self, probe: str) -> list[str]:
        return self._revisions.quantities(probe)

    async def count(self) -> int:
        return int(self._db.read("SELECT points FROM tally")[0][0])


def _bounds(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    return -_FAR if since is None else rules.micros(since), _FAR if until is None else rules.micros(until)


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
