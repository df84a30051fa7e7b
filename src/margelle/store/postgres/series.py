"""Measurements in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Measurement, Revision
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.series import DayStatistics, by_day
from margelle.ports import Added
from margelle.store import rules
from margelle.store.postgres import review
from margelle.store.postgres.arrival import Arrival
from margelle.store.postgres.database import Database, retried
from margelle.store.postgres.point import COLUMNS, ORIGIN, Kept, told
from margelle.store.postgres.words import Words

_FAR: Final = 2**63 - 1
_HEADS: Final = """
SELECT ahead.at, head.probe, head.quantity, head.at, head.value, head.origin, head.unit, head.raw, head.doubts FROM series
LEFT JOIN LATERAL (
    SELECT * FROM recent WHERE recent.probe = series.probe AND recent.quantity = series.quantity AND at <= %(limit)s ORDER BY at DESC LIMIT 1
) AS head ON true
LEFT JOIN LATERAL (
    SELECT min(at) AS at FROM recent WHERE recent.probe = series.probe AND recent.quantity = series.quantity AND at > %(limit)s
) AS ahead ON true
WHERE series.probe = %(probe)s
"""
_HISTORY: Final = f"""
SELECT {COLUMNS} FROM recent WHERE probe = %s AND quantity = %s AND at >= %s AND at < %s ORDER BY at LIMIT %s
"""
_REVISIONS: Final = f"SELECT replaced_at, {COLUMNS} FROM revision WHERE probe = %s AND quantity = %s AND at = %s ORDER BY id"
_QUANTITIES: Final = "SELECT quantity FROM series WHERE probe = %s"


class _Snapshot(Struct, frozen=True):
    """What `latest` answers while the store has `version` and the clock stands from `since_us` to before `until_us`."""

    version: int
    since_us: int
    until_us: int
    points: dict[str, Measurement]


class SeriesTables:
    """The part of the store that keeps measurements: tables word, series, recent and revision."""

    _db: Database
    _words: Words
    _snapshots: dict[str, _Snapshot]

    @retried
    async def add(
        self, measurements: Sequence[Measurement], now: datetime, reviewed: Sequence[Measurement] = ()
    ) -> Added:
        now_us = rules.micros(now)
        arrival = Arrival(measurements, self._words)
        await arrival.prepare()
        async with self._db.writing() as transaction:
            added = await arrival.keep(transaction, now_us) if measurements else Added()
            await review.keep(transaction, reviewed, self._words)
        return added

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        limit_us, version = rules.micros(now + CLOCK_TOLERANCE), await self._db.version()
        known = self._snapshots.get(probe)
        if known is None or known.version != version or not known.since_us <= limit_us < known.until_us:
            known = self._snapshots[probe] = await self._look(probe, limit_us, version)
        return known.points.copy()

    async def _look(self, probe: str, limit_us: int, version: int) -> _Snapshot:
        points: list[Measurement] = []
        since_us, until_us = -_FAR, _FAR
        numbers = await self._words.known([probe])
        rows = await self._db.read(_HEADS, {"probe": numbers.get(probe), "limit": limit_us})
        for ahead, *head in rows:
            until_us = min(until_us, ahead if ahead is not None else _FAR)
            if head[0] is not None:
                since_us = max(since_us, head[2])
                points += await self._told([tuple(head)])
        return _Snapshot(version, since_us, until_us, {p.quantity: p for p in sorted(points, key=lambda p: p.quantity)})

    async def history(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Measurement]:
        bounds = (-_FAR if since is None else rules.micros(since), _FAR if until is None else rules.micros(until))
        numbers = await self._words.known([probe, quantity])
        of_series = (numbers.get(probe), numbers.get(quantity))
        return await self._told(await self._db.read(_HISTORY, (*of_series, *bounds, None if limit is None else max(limit, 0))))

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        bounds = rules.days(since, until, time_zone)
        return by_day(await self.history(probe, quantity, *bounds), time_zone)

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        numbers = await self._words.known([probe, quantity])
        key = (numbers.get(probe), numbers.get(quantity), rules.micros(at))
        rows = await self._db.read(_REVISIONS, key)
        points = await self._told([tuple(row[1:]) for row in rows])
        return [Revision(point, rules.instant(row[0])) for point, row in zip(points, rows, strict=True)]

    async def quantities(self, probe: str) -> list[str]:
        numbers = await self._words.known([probe])
        found = [quantity for (quantity,) in await self._db.read(_QUANTITIES, (numbers.get(probe),))]
        texts = await self._words.texts(found)
        return sorted(texts[quantity] for quantity in found)

    async def count(self) -> int:
        return int((await self._db.read("SELECT coalesce(sum(points), 0)::int8 FROM series"))[0][0])

    async def _told(self, rows: Sequence[Kept]) -> list[Measurement]:
        texts = await self._words.texts({number for row in rows for number in (*row[:2], row[ORIGIN])})
        return [told(row, texts) for row in rows]
