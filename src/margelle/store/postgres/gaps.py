"""Stretches without readings, and what became of them, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from margelle.domain.gap import Gap
from margelle.domain.measurement import Measurement
from margelle.store import rules
from margelle.store.layout.answers import bounds
from margelle.store.postgres import probes
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.database import Database, retried
from margelle.store.stretches import Stretches

_WANTED: Final = """
SELECT probe, quantity, since, until, state, at, why, every_s FROM gap
WHERE (%(probe)s::text IS NULL OR probe = %(probe)s) AND (NOT %(open_only)s OR state = 'open')
ORDER BY since DESC, probe, quantity, until LIMIT %(limit)s
"""
_WITH: Final = "SELECT DISTINCT probe FROM gap WHERE probe = ANY(%s)"
_OVERLAPPING: Final = """
SELECT probe, quantity, since, until, state, at, why, every_s FROM gap
WHERE probe = %s AND quantity = %s AND since < %s AND until > %s ORDER BY since DESC
"""
_OVER: Final = "DELETE FROM gap WHERE probe = %s AND quantity = %s AND since = %s AND until = %s"
_PUT: Final = """
INSERT INTO gap VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (probe, quantity, since, until)
DO UPDATE SET state = excluded.state, at = excluded.at, why = excluded.why, every_s = excluded.every_s
"""


class GapTables:
    """The part of the store that knows what is missing: table gap."""

    _db: Database

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        most = None if limit is None else max(limit, 0)
        rows = await self._db.read(_WANTED, {"probe": probe, "open_only": open_only, "limit": most})
        return [_gap(row) for row in rows]

    @retried
    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        for gap in (*past, *gaps):
            rules.check_gap(gap)
        names = sorted({gap.probe for gap in (*past, *gaps)})
        async with self._db.writing() as transaction:
            await probes.locked_heads(transaction, names)
            await Gaps(transaction)._record(past, gaps)


class Gaps(Stretches):
    """What is missing, within a transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._with: set[str] | None = None

    async def refill(self, points: Collection[Measurement], now: datetime) -> None:
        """Points came: the gaps into which they fall are not what they were."""
        found = await self._transaction.read(_WITH, (sorted({point.probe for point in points}),))
        self._with = {probe for (probe,) in found}
        if self._with:
            await self._refill([point for point in points if point.probe in self._with], now)

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
        column = (await probes.span(self._transaction, probe, *span)).column(probe, quantity, *span, limit)
        found = column.measurements(probe, quantity)
        return found[::-1] if descending else found

    async def _has_gaps(self, probe: str) -> bool:
        return self._with is not None and probe in self._with

    async def _overlapping(self, probe: str, quantity: str, since: datetime, until: datetime) -> list[Gap]:
        between = (probe, quantity, rules.micros(until), rules.micros(since))
        return [_gap(row) for row in await self._transaction.read(_OVERLAPPING, between)]

    async def _replace(self, old: Collection[Gap], new: Collection[Gap]) -> None:
        await self._transaction.run_each(_OVER, _rows(gap for gap in old if gap not in new))
        await self._transaction.run_each(_PUT, [_row(gap) for gap in new if gap not in old])


def _gap(row: Sequence[Any]) -> Gap:
    probe, quantity, since_us, until_us, state, at_us, why, every_s = row
    return Gap(
        probe, quantity, rules.instant(since_us), rules.instant(until_us), state, rules.instant(at_us), why, every_s
    )


def _row(gap: Gap) -> tuple[Any, ...]:
    since_us, until_us, at_us = (rules.micros(at) for at in (gap.since, gap.until, gap.at))
    return gap.probe, gap.quantity, since_us, until_us, gap.state, at_us, gap.why, gap.every_s


def _rows(gaps: Iterable[Gap]) -> list[tuple[Any, ...]]:
    return [_row(gap)[:4] for gap in gaps]
