"""What keeps the tables small and right: folding, and reading everything to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from margelle.errors import StoreError
from margelle.ports import Folded, Inspected
from margelle.store import digest
from margelle.store.layout.folding import Folding
from margelle.store.layout.inspection import Inspection
from margelle.store.postgres import probes
from margelle.store.postgres.database import retried
from margelle.store.postgres.image import Image
from margelle.store.postgres.series import SeriesTables

PROBES: Final = 8
"""So many probes' pieces are folded in one transaction."""
_DUE: Final = "SELECT probe FROM head WHERE pieces >= 32 LIMIT %s"
_WAITING: Final = "SELECT probe FROM head WHERE pieces > 0 LIMIT %s"
_POINTS: Final = "SELECT coalesce(sum(points), 0)::int8 FROM head"
_FOLDED: Final = "SELECT coalesce(sum(count), 0)::int8 FROM chunk"
_PROBES: Final = "SELECT probe FROM head ORDER BY probe"
_MENTIONED: Final = (
    "SELECT DISTINCT probe FROM piece",
    "SELECT DISTINCT probe FROM chunk",
    "SELECT DISTINCT probe FROM revision",
    "SELECT DISTINCT probe FROM rolled",
)


class UpkeepTables(SeriesTables):
    """The part of the store that folds and inspects."""

    @retried
    async def fold(self, *, everything: bool = False) -> Folded:
        pending = await self._pending(everything)
        if not pending:
            return Folded()
        said = await self._hold(pending, _fold, news=False)
        return Folded(sum(said.values()), more=bool(await self._pending(everything)))

    async def _pending(self, everything: bool) -> list[str]:
        due = await self._db.read(_DUE, (PROBES,))
        if not due and everything:
            due = await self._db.read(_WAITING, (PROBES,))
        return [probe for (probe,) in due]

    async def loose(self) -> int:
        async with self._db.reading() as asking:
            points, folded = await asking.read(_POINTS), await asking.read(_FOLDED)
        return int(points[0][0]) - int(folded[0][0])

    async def compact(self) -> None:
        """PostgreSQL's own autovacuum does that."""

    async def check(self) -> None:
        """Read everything. Raises StoreError where something does not fit."""
        async for found in self.inspect():
            if found.faults:
                raise StoreError(
                    f"{self._db.name}: It is damaged: {'; '.join(found.faults)}", hint="Restore your latest backup."
                )

    async def inspect(self) -> AsyncIterator[Inspected]:
        points, total, faults = 0, 0, list[str]()
        async with self._db.reading() as asking:
            names = [probe for (probe,) in await asking.read(_PROBES)]
            mentioned = {probe for sql in _MENTIONED for (probe,) in await asking.read(sql)}
            faults += [f"{probe} has measurements and no head." for probe in sorted(mentioned - set(names))]
            for n, name in enumerate(names, 1):
                _, said = await probes.worked(asking, (await probes.heads(asking, [name])).values(), _look)
                points, total = points + said[name].points, total + said[name].digest
                faults += said[name].faults
                if n < len(names):
                    yield Inspected(points, digest.spelt(total), tuple(faults), n / len(names))
        yield Inspected(points, digest.spelt(total), tuple(faults), 1.0)


def _look(image: Image) -> Inspection:
    """What is found of the image's probe."""
    inspection, kept = Inspection(image), image.kept
    inspection.probe(kept.probe)
    wrong = f"{kept.probe}: its head says {kept.points} points, not {inspection.points}."
    inspection.expect(kept.points == inspection.points, wrong)
    return inspection


def _fold(image: Image) -> int:
    """Fold the pieces; how many points they had."""
    head = image.head
    return Folding(image).fold(head) if head and head.pieces else 0
