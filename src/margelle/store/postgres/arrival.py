"""How measurements arrive in PostgreSQL: many at once, by COPY, under the same rules as one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from margelle.domain.measurement import Measurement
from margelle.ports import Added
from margelle.store import rules
from margelle.store.postgres.asking import Row, Transaction
from margelle.store.postgres.point import COLUMNS, ORIGIN, SENT, TYPES, Kept, columns, kept, told
from margelle.store.postgres.words import Words

COPIED: Final = 200
"""From so many measurements on, they are copied to the server first."""
Key = tuple[int, int, int]
"""The numbers of probe and quantity, and the instant in microseconds since 1970."""
_TABLE: Final = "CREATE TEMPORARY TABLE IF NOT EXISTS arrived (LIKE recent) ON COMMIT DELETE ROWS"
_COPY: Final = f"COPY arrived ({COLUMNS}) FROM STDIN (FORMAT binary)"
_INSERT: Final = f"""
INSERT INTO recent ({COLUMNS}) SELECT {COLUMNS} FROM {{arrived}} ORDER BY probe, quantity, at
ON CONFLICT (probe, quantity, at) DO NOTHING RETURNING probe, quantity
"""
_OTHERS: Final = """
SELECT probe, quantity, at, recent.value, recent.origin, recent.unit, recent.raw, recent.doubts
FROM recent JOIN {arrived} USING (probe, quantity, at)
WHERE (recent.value, recent.origin, recent.unit, recent.raw, recent.doubts)
    IS DISTINCT FROM (arrived.value, arrived.origin, arrived.unit, arrived.raw, arrived.doubts)
ORDER BY probe, quantity, at FOR UPDATE OF recent
"""
_COUNT: Final = """
INSERT INTO series (probe, quantity, points)
SELECT probe, quantity, points FROM unnest(%s::int4[], %s::int4[], %s::int8[]) AS new (probe, quantity, points) ORDER BY probe, quantity
ON CONFLICT (probe, quantity) DO UPDATE SET points = series.points + excluded.points
"""
_REPLACE: Final = f"""
UPDATE recent SET value = arrived.value, origin = arrived.origin, unit = arrived.unit, raw = arrived.raw, doubts = arrived.doubts
FROM {SENT} WHERE recent.probe = arrived.probe AND recent.quantity = arrived.quantity AND recent.at = arrived.at
"""
_REVISE: Final = f"INSERT INTO revision (replaced_at, {COLUMNS}) SELECT %s, {COLUMNS} FROM {SENT}"


class Arrival:
    """Measurements given to the store, by key in the order in which they came."""

    def __init__(self, measurements: Sequence[Measurement], words: Words) -> None:
        self._measurements = measurements
        self._words = words
        self._given: dict[Key, list[Measurement]] = {}

    async def prepare(self) -> None:
        """Find out the numbers of all names, before the transaction. Raises BadInput."""
        points = self._measurements
        names = {name for point in points for name in (point.probe, point.quantity, point.origin)}
        numbers = await self._words.numbers(names)
        for point in points:
            key = numbers[point.probe], numbers[point.quantity], rules.micros(point.at)
            self._given.setdefault(key, []).append(point)
        self._rows = [kept(points[0], numbers) for points in self._given.values()]

    async def keep(self, transaction: Transaction, now_us: int) -> Added:
        """Keep them, and say what became of them."""
        source, args = await self._sent(transaction)
        new = await transaction.change(_INSERT.format(arrived=source), args)
        await _count(transaction, new)
        again = len(new) < len(self._measurements)
        others = await transaction.read(_OTHERS.format(arrived=source), args) if again else []
        corrected = await self._settle(transaction, others, now_us)
        return Added(new=len(new), same=len(self._measurements) - len(new) - corrected, corrected=corrected)

    async def _sent(self, transaction: Transaction) -> tuple[str, list[Any]]:
        """What the first measurement of each key is called in a statement, and its arguments."""
        if len(self._rows) < COPIED:
            return SENT, columns(self._rows)
        await transaction.run(_TABLE)
        await transaction.copy(_COPY, TYPES, self._rows)
        return "arrived", []

    async def _settle(self, transaction: Transaction, others: Sequence[Row], now_us: int) -> int:
        """Correct what differs from what was given, and what was given more than once; how many corrections that were."""
        texts = await self._words.texts((number for row in others for number in (*row[:2], row[ORIGIN])), transaction)
        known = {row[:3]: told(row, texts) for row in others}
        past: list[Measurement] = []
        present: list[Measurement] = []
        for key, points in self._given.items():
            if key in known or len(points) > 1:
                old = known.get(key, points[0])  # what is not among the others says the same, or has just been kept
                settled, before = rules.settled(old, points)
                past += before
                present += [settled] * (settled != old)
        numbers = self._words.seen
        if past:
            await transaction.run(_REVISE, (now_us, *columns([kept(point, numbers) for point in past])))
        if present:
            await transaction.run(_REPLACE, columns([kept(point, numbers) for point in present]))
        return len(past)


async def _count(transaction: Transaction, new: Sequence[Row]) -> None:
    """Count the new points of each series."""
    if new:
        counted = Counter(new)
        probes, quantities = zip(*counted, strict=True)
        await transaction.run(_COUNT, (list(probes), list(quantities), list(counted.values())))
