"""Stretches without readings, and what became of them, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from margelle.ports import Gap
from margelle.store import rules
from margelle.store.postgres.database import Database, retried

_WANTED: Final = """
SELECT probe, quantity, since, until, state, at, why FROM gap
WHERE (%(probe)s::text IS NULL OR probe = %(probe)s) AND (NOT %(open_only)s OR state = 'open')
ORDER BY since DESC, probe, quantity, until LIMIT %(limit)s
"""
_OVER: Final = "DELETE FROM gap WHERE probe = %s AND quantity = %s AND since = %s AND until = %s AND state = 'open'"
_PUT: Final = """
INSERT INTO gap VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (probe, quantity, since, until) DO UPDATE SET state = excluded.state, at = excluded.at, why = excluded.why
"""


class GapTables:
    """The part of the store that knows what is missing: table gap."""

    _db: Database

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        most = None if limit is None else max(limit, 0)
        rows = await self._db.read(_WANTED, {"probe": probe, "open_only": open_only, "limit": most})
        return [
            Gap(of, quantity, rules.instant(since_us), rules.instant(until_us), state, rules.instant(at_us), why)
            for of, quantity, since_us, until_us, state, at_us, why in rows
        ]

    @retried
    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        rows = [(*rules.gap_key(gap), gap.state, rules.micros(gap.at), gap.why) for gap in gaps]
        over = [rules.gap_key(gap) for gap in past]
        async with self._db.writing() as transaction:
            await transaction.run_each(_OVER, sorted(over))
            await transaction.run_each(_PUT, rows)
