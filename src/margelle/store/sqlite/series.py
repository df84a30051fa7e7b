"""Measurements in SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import apsw
import msgspec
from msgspec import Struct

from margelle.domain.measurement import Doubt, Measurement, Revision, same
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.series import DayStatistics, by_day
from margelle.domain.unit import Unit
from margelle.ports import Added
from margelle.store import rules
from margelle.store.rules import EPOCH
from margelle.store.sqlite.database import Database
from margelle.store.stretches import Stretches

_FAR: Final = 2**63 - 1
_INSERT: Final = "INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ROW: Final = "at, value, raw, unit, origin, doubts"
_HEADS: Final = """
WITH head AS MATERIALIZED (
    SELECT id, probe, quantity, unit,
        (SELECT max(at) FROM point WHERE series = id AND at <= ?2) AS newest,
        (SELECT min(at) FROM point WHERE series = id AND at > ?2) AS ahead
    FROM series WHERE probe = ?1
)
SELECT head.id, quantity, head.unit, ahead, point.at, value, raw, point.unit, origin, doubts
FROM head LEFT JOIN point ON series = head.id AND at = newest ORDER BY quantity
"""

_Row = tuple[int, float | None, str | None, str | None, int, str | None]


class _Series(Struct, frozen=True):
    id: int
    probe: str
    quantity: str
    unit: Unit


class _Snapshot(Struct, frozen=True):
    """What `latest` answers while the store has `version` and the clock stands from `since_us` to before `until_us`."""

    version: int
    since_us: int
    until_us: int
    points: dict[str, Measurement]


class SeriesTables(Stretches):
    """The part of the store that keeps measurements: tables series, point, revision, origin and tally."""

    _db: Database

    def _forget(self) -> None:
        """Forget what is only known in memory."""
        self._series: dict[tuple[str, str], _Series] = {}
        self._origin_ids: dict[str, int] = {}
        self._origins: dict[int, str] = {}
        self._snapshots: dict[str, _Snapshot] = {}

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: int | None = None,
    ) -> Added:
        now_us = rules.micros(now)
        try:
            with self._db.writing() as connection:
                alone = seen is not None and self._db.version(now=True) == seen
                rows = [self._row(connection, point) for point in measurements]
                before = connection.total_changes()
                connection.executemany(_INSERT, sorted(rows, key=itemgetter(0, 1)))
                new = connection.total_changes() - before
                if new:
                    connection.execute("UPDATE tally SET points = points + ?", (new,))
                again = zip(rows, measurements, strict=True) if new < len(rows) else ()
                corrected = sum(self._correct(connection, row, now_us) for row in again)
                if new or corrected:
                    await self._refill(measurements, now)
                for point in reviewed:
                    self._judge(connection, point)
        except BaseException:
            self._forget()  # the ids of series and origins that were undone
            raise
        return Added(new=new, same=len(rows) - new - corrected, corrected=corrected, alone=alone)

    def _row(self, connection: apsw.Connection, point: Measurement) -> tuple[Any, ...]:
        series = self._series.get((point.probe, point.quantity)) or self._open(connection, point)
        origin = self._origin_ids.get(point.origin) or self._intern(connection, point.origin)
        value = rules.number(point)
        return (
            series.id,
            rules.micros(point.at),
            value,
            None if value is not None and point.raw == _spelt(value) else point.raw,
            None if point.raw_unit == series.unit else point.raw_unit.value,
            origin,
            _told(point.doubts),
        )

    def _open(self, connection: apsw.Connection, point: Measurement) -> _Series:
        new = (point.probe, point.quantity, point.raw_unit.value)
        connection.execute("INSERT INTO series (probe, quantity, unit) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", new)
        series = self._find(point.probe, point.quantity)
        assert series is not None
        return series

    def _find(self, probe: str, quantity: str) -> _Series | None:
        series = self._series.get((probe, quantity))
        if series is None:
            for found, unit in self._db.read(
                "SELECT id, unit FROM series WHERE probe = ? AND quantity = ?", (probe, quantity)
            ):
                series = self._series[probe, quantity] = _Series(found, probe, quantity, Unit(unit))
        return series

    def _intern(self, connection: apsw.Connection, name: str) -> int:
        connection.execute("INSERT INTO origin (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        found: int = connection.execute("SELECT id FROM origin WHERE name = ?", (name,)).get
        self._origin_ids[name] = found
        return found

    def _origin(self, origin: int) -> str:
        if origin not in self._origins:
            self._origins.update(self._db.read("SELECT id, name FROM origin"))
        return self._origins[origin]

    def _correct(self, connection: apsw.Connection, given: tuple[tuple[Any, ...], Measurement], now_us: int) -> bool:
        """Replace what is kept by the row given, unless it says the same."""
        row, point = given
        series = self._series[point.probe, point.quantity]
        old: _Row = connection.execute(f"SELECT {_ROW} FROM point WHERE series = ? AND at = ?", row[:2]).get  # noqa: S608
        if (*old[1:4], old[5]) == (*row[2:5], row[6]) or same(self._measurement(series, old), point):
            if row[5] != old[4] and rules.nearer(self._origin(old[4]), point.origin):
                connection.execute("UPDATE point SET origin = ? WHERE series = ? AND at = ?", (row[5], *row[:2]))
            return False
        connection.execute(
            "INSERT INTO revision SELECT NULL, ?, * FROM point WHERE series = ? AND at = ?", (now_us, *row[:2])
        )
        connection.execute("REPLACE INTO point VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return True

    def _judge(self, connection: apsw.Connection, point: Measurement) -> None:
        """Replace the verdicts on what is kept, unless it has been corrected meanwhile."""
        series, at_us = self._find(point.probe, point.quantity), rules.micros(point.at)
        sql = f"SELECT {_ROW} FROM point WHERE series = ? AND at = ?"  # noqa: S608
        old: _Row | None = connection.execute(sql, (series.id, at_us)).fetchone() if series else None
        judged = rules.judged(self._measurement(series, old), point) if series and old else None
        if series and judged:
            connection.execute(
                "UPDATE point SET doubts = ? WHERE series = ? AND at = ?", (_told(judged.doubts), series.id, at_us)
            )

    def _measurement(self, series: _Series, row: _Row) -> Measurement:
        return self._measurements(series, [row])[0]

    def _measurements(self, series: _Series, rows: Iterable[_Row]) -> list[Measurement]:
        """The rows as measurements: the loop that a month of history runs 720 times, hence nothing is called twice in it."""
        probe, quantity, series_unit, origins = series.probe, series.quantity, series.unit, self._origins
        return [
            Measurement(
                probe,
                quantity,
                EPOCH + timedelta(0, 0, at_us),
                value,
                _spelt(value) if raw is None else raw,
                series_unit if unit is None else Unit(unit),
                origins.get(origin) or self._origin(origin),
                () if doubts is None else _doubts(doubts),
            )
            for at_us, value, raw, unit, origin, doubts in rows
        ]

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        limit_us, version = rules.micros(now + CLOCK_TOLERANCE), self._db.version()
        known = self._snapshots.get(probe)
        if known is None or known.version != version or not known.since_us <= limit_us < known.until_us:
            known = self._snapshots[probe] = self._look(probe, limit_us, version)
        return known.points.copy()

    def _look(self, probe: str, limit_us: int, version: int) -> _Snapshot:
        points: dict[str, Measurement] = {}
        since_us, until_us = -_FAR, _FAR
        for series, quantity, unit, ahead, *row in self._db.read(_HEADS, (probe, limit_us)):
            until_us = min(until_us, ahead if ahead is not None else _FAR)
            if row[0] is not None:
                since_us = max(since_us, row[0])
                points[quantity] = self._measurement(_Series(series, probe, quantity, Unit(unit)), tuple(row))
        return _Snapshot(version, since_us, until_us, points)

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
        bounds = (-_FAR if since is None else rules.micros(since), _FAR if until is None else rules.micros(until))
        series = self._find(probe, quantity)
        if series is None:
            return []
        sql = f"SELECT {_ROW} FROM point WHERE series = ? AND at >= ? AND at < ? ORDER BY at {'DESC' if descending else 'ASC'} LIMIT ?"  # noqa: S608
        rows = self._db.read(sql, (series.id, *bounds, _FAR if limit is None else max(limit, 0)))
        return self._measurements(series, rows)

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        bounds = rules.days(since, until, time_zone)
        return by_day(await self.history(probe, quantity, *bounds), time_zone)

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        series = self._find(probe, quantity)
        if series is None:
            return []
        sql = f"SELECT replaced_at, {_ROW} FROM revision WHERE series = ? AND at = ? ORDER BY id"  # noqa: S608
        rows = self._db.read(sql, (series.id, rules.micros(at)))
        return [
            Revision(self._measurement(series, tuple(row)), rules.instant(replaced_at)) for replaced_at, *row in rows
        ]

    async def quantities(self, probe: str) -> list[str]:
        return [
            row[0] for row in self._db.read("SELECT quantity FROM series WHERE probe = ? ORDER BY quantity", (probe,))
        ]

    async def count(self) -> int:
        return int(self._db.read("SELECT points FROM tally")[0][0])


def _spelt(value: float | None) -> str:
    """The shortest decimal that spells `value`: 7.2, 25."""
    return repr(value).removesuffix(".0")


def _told(doubts: tuple[Doubt, ...]) -> str | None:
    return msgspec.json.encode(doubts).decode() if doubts else None


@lru_cache(1024)
def _doubts(text: str) -> tuple[Doubt, ...]:
    return msgspec.json.decode(text, type=tuple[Doubt, ...])
