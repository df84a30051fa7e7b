"""Stretches without readings, and what became of them, in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from margelle.ports import Gap
from margelle.store import rules
from margelle.store.sqlite.database import Database

_WANTED: Final = (
    "SELECT probe, quantity, since, until, state, at, why FROM gap WHERE (?1 IS NULL OR probe = ?1)"
    " AND (NOT ?2 OR state = 'open') ORDER BY since DESC, probe, quantity, until LIMIT ?3"
)


class GapTables:
    """The part of the store that knows what is missing: table gap."""

    _db: Database

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        rows = self._db.read(_WANTED, (probe, open_only, -1 if limit is None else max(limit, 0)))
        return [
            Gap(of, quantity, rules.instant(since_us), rules.instant(until_us), state, rules.instant(at_us), why)
            for of, quantity, since_us, until_us, state, at_us, why in rows
        ]

    async def put_gaps(self, probes: Collection[str], gaps: Sequence[Gap]) -> None:
        rows = [
            (
                gap.probe,
                gap.quantity,
                rules.micros(gap.since),
                rules.micros(gap.until),
                gap.state,
                rules.micros(gap.at),
                gap.why,
            )
            for gap in gaps
        ]
        with self._db.writing() as connection:
            connection.executemany("DELETE FROM gap WHERE probe = ? AND state = 'open'", [(probe,) for probe in probes])
            connection.executemany("REPLACE INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
