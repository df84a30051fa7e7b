"""Other verdicts on measurements that PostgreSQL keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from margelle.domain.measurement import Measurement
from margelle.store import rules
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.point import ORIGIN, columns, kept, told
from margelle.store.postgres.words import Words

_OLD: Final = """
SELECT probe, quantity, at, value, origin, unit, raw, doubts
FROM recent JOIN unnest(%s::int4[], %s::int4[], %s::int8[]) AS reviewed (probe, quantity, at) USING (probe, quantity, at)
ORDER BY probe, quantity, at FOR UPDATE OF recent
"""
_JUDGE: Final = """
UPDATE recent SET doubts = reviewed.doubts
FROM unnest(%s::int4[], %s::int4[], %s::int8[], %s::text[]) AS reviewed (probe, quantity, at, doubts)
WHERE recent.probe = reviewed.probe AND recent.quantity = reviewed.quantity AND recent.at = reviewed.at
"""


async def keep(transaction: Transaction, reviewed: Sequence[Measurement], words: Words) -> None:
    """Replace the verdicts on what is kept by those of `reviewed`, unless it has been corrected meanwhile."""
    if not reviewed:
        return
    numbers = await words.known({name for point in reviewed for name in (point.probe, point.quantity)}, transaction)
    keyed = [((numbers.get(p.probe), numbers.get(p.quantity), rules.micros(p.at)), p) for p in reviewed]
    old = await transaction.read(_OLD, [list(column) for column in zip(*{key for key, _ in keyed}, strict=True)])
    texts = await words.texts({number for row in old for number in (*row[:2], row[ORIGIN])}, transaction)
    known = {row[:3]: told(row, texts) for row in old}
    judged = {}
    for key, point in keyed:
        other = rules.judged(known[key], point) if key in known else None
        if other is not None:
            known[key] = judged[key] = other
    if judged:
        rows = columns([kept(point, words.seen) for point in judged.values()])
        await transaction.run(_JUDGE, [*rows[:3], rows[-1]])
