"""Measurements in SQLite, read: from heads, pieces, chunks and rollups."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo

from margelle.domain.measurement import Measurement, Revision
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.series import Columns, DaySlice, DayStatistics, Slice
from margelle.store import rules
from margelle.store.layout import stretch as stretches
from margelle.store.layout.answers import Answers, Snapshot, bounds, shown
from margelle.store.layout.folding import Folding
from margelle.store.layout.stretch import Stretch
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.tables import Tables


class SeriesReader:
    """The part of the store that answers from measurements."""

    _db: Database

    def _furnish(self) -> None:
        """Make what reads and writes each kind of table."""
        tables = self._tables = Tables(self._db)
        self._heads, self._chunks, self._before = tables.heads, tables.chunks, tables.before
        self._revisions, self._folding, self._answers = tables.revisions, Folding(tables), Answers(tables)
        self._snapshots: dict[str, Snapshot] = {}

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Several reads that see the same."""
        with self._db.reading():
            self._heads.look()
            yield

    def _stretch(self, probe: str, since_us: int) -> Stretch:
        rows, until_us = stretches.read(self._tables, probe, since_us)
        return Stretch(rows, self._revisions.past(probe, since_us, until_us), until_us)

    def _probes(self) -> list[str]:
        """The probes that have measured anything, in order."""
        return [row[0] for row in self._db.read("SELECT DISTINCT probe FROM series ORDER BY probe")]

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        known = self._snapshots.get(probe)
        if known is not None and known.holds(rules.micros(now + CLOCK_TOLERANCE), self._db.version()):
            return known.points.copy()
        return dict((await self.latest_of((probe,), now))[probe])

    async def latest_of(self, ids: Collection[str], now: datetime) -> dict[str, Mapping[str, Measurement]]:
        limit_us, version = rules.micros(now + CLOCK_TOLERANCE), self._db.version()
        found: dict[str, Mapping[str, Measurement]] = {}
        with self._looking():
            told = self._heads.told(ids)
            for probe in ids:
                known = self._snapshots.get(probe)
                if known is None or not known.holds(limit_us, version, told.get(probe)):
                    known = self._answers.look(probe, limit_us, version, told.get(probe))
                    self._snapshots[probe] = known
                found[probe] = known.points
        return found

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
        span = bounds(since, until)
        with self._looking():
            column = self._answers.column(probe, quantity, *span, limit, newest=descending)
        found = column.measurements(probe, quantity)
        return found[::-1] if descending else found

    async def columns_of(
        self, series: Collection[tuple[str, str]], since: datetime, until: datetime
    ) -> dict[tuple[str, str], Columns]:
        span = bounds(since, until)
        with self._looking():
            return {one: shown(self._answers.column(*one, *span)) for one in series}

    async def columns(
        self, probe: str, quantity: str, since: datetime | None = None, until: datetime | None = None
    ) -> Columns:
        span = bounds(since, until)
        with self._looking():
            return shown(self._answers.column(probe, quantity, *span))

    async def slices(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Slice]:
        span = bounds(since, until)
        with self._looking():
            return self._answers.slices(probe, quantity, *span, limit, newest=descending)

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        return [day for part in await self.days(probe, quantity, since, until, time_zone) for day in part.told()]

    async def days(self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC") -> list[DaySlice]:
        begin, end = map(rules.micros, rules.days(since, until, time_zone))
        with self._looking():
            return self._answers.days(probe, quantity, (since, until), (begin, end), ZoneInfo(time_zone))

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        return self._revisions.read(probe, quantity, rules.micros(at))

    async def quantities(self, probe: str) -> list[str]:
        return self._revisions.quantities(probe)

    async def count(self) -> int:
        return int(self._db.read("SELECT points FROM tally")[0][0])
