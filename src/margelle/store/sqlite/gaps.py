"""Stretches without readings, and what became of them, in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from margelle.ports import Gap
from margelle.store import rules
from margelle.store.sqlite.database import Database

_WANTED: Final = (
    "SELECT probe, quantity, since, until, state, at, why FROM gap WHERE (?1 IS NULL OR probe = ?1)"
    " AND (NOT ?2 OR state = 'open') ORDER BY since DESC, probe, quantity, until LIMIT ?3"
)

_OVER: Final = "DELETE FROM gap WHERE probe = ? AND quantity = ? AND since = ? AND until = ? AND state = 'open'"


class GapTables:
    """The part of the store that knows what is missing: table gap."""

    _db: Database

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        rows = self._db.read(_WANTED, (probe, open_only, -1 if limit is None else max(limit, 0)))
        return [
            Gap(of, quantity, rules.instant(since_us), rules.instant(until_us), state, rules.instant(at_us), why)
            for of, quantity, since_us, until_us, state, at_us, why in rows
        ]

    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        rows = [(*rules.gap_key(gap), gap.state, rules.micros(gap.at), gap.why) for gap in gaps]
        over = [rules.gap_key(gap) for gap in past]
        with self._db.writing() as connection:
            connection.executemany(_OVER, over)
            connection.executemany("REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
