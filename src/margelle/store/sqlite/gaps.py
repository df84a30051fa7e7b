"""Stretches without readings, and what became of them, in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from margelle.domain.gap import Gap
from margelle.store import rules
from margelle.store.sqlite.database import Database
from margelle.store.stretches import Stretches

_ROW: Final = "probe, quantity, since, until, state, at, why, every_s"
_WANTED: Final = (
    f"SELECT {_ROW} FROM gap WHERE (?1 IS NULL OR probe = ?1)"  # noqa: S608
    " AND (NOT ?2 OR state = 'open') ORDER BY since DESC, probe, quantity, until LIMIT ?3"
)
_ANY: Final = "SELECT 1 FROM gap WHERE probe = ? LIMIT 1"
_BEFORE: Final = f"SELECT {_ROW} FROM gap WHERE probe = ? AND quantity = ? AND since < ? ORDER BY since DESC"  # noqa: S608
_OVER: Final = "DELETE FROM gap WHERE probe = ? AND quantity = ? AND since = ? AND until = ?"


class GapTables(Stretches):
    """The part of the store that knows what is missing: table gap."""

    _db: Database

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        rows = self._db.read(_WANTED, (probe, open_only, -1 if limit is None else max(limit, 0)))
        return [_gap(row) for row in rows]

    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        for gap in (*past, *gaps):
            rules.check_gap(gap)
        with await self._db.writing():
            await self._record(past, gaps)

    async def _has_gaps(self, probe: str) -> bool:
        return bool(self._db.connection.execute(_ANY, (probe,)).fetchone())

    async def _overlapping(self, probe: str, quantity: str, since: datetime, until: datetime) -> list[Gap]:
        return [*self._back_to(since, self._db.connection.execute(_BEFORE, (probe, quantity, rules.micros(until))))]

    def _back_to(self, since: datetime, rows: Iterator[Any]) -> Iterator[Gap]:
        """Those of `rows`, latest first, that end after `since`: none overlaps another, so the first that does not is the end."""
        for row in rows:
            gap = _gap(row)
            if gap.until <= since:
                return
            yield gap

    async def _replace(self, old: Collection[Gap], new: Collection[Gap]) -> None:
        over = [_row(gap)[:4] for gap in old if gap not in new]
        rows = [_row(gap) for gap in new if gap not in old]
        self._db.connection.executemany(_OVER, over)
        self._db.connection.executemany("REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _gap(row: tuple[Any, ...]) -> Gap:
    probe, quantity, since_us, until_us, state, at_us, why, every_s = row
    return Gap(
        probe, quantity, rules.instant(since_us), rules.instant(until_us), state, rules.instant(at_us), why, every_s
    )


def _row(gap: Gap) -> tuple[Any, ...]:
    since_us, until_us, at_us = (rules.micros(at) for at in (gap.since, gap.until, gap.at))
    return gap.probe, gap.quantity, since_us, until_us, gap.state, at_us, gap.why, gap.every_s
