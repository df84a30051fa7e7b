"""What keeps the tables small and right: folding, and reading everything to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from margelle.errors import StoreError
from margelle.ports import Folded, Inspected
from margelle.store import digest
from margelle.store.postgres import probes
from margelle.store.postgres.failure import Undone
from margelle.store.postgres.image import Image
from margelle.store.postgres.series import Scene, SeriesTables
from margelle.store.sqlite.heads import Head
from margelle.store.sqlite.upkeep import Inspection

PROBES: Final = 16
"""So many probes' pieces are folded in one transaction."""
_DUE: Final = "SELECT probe FROM head WHERE pieces >= 32 LIMIT %s"
_WAITING: Final = "SELECT probe FROM head WHERE pieces > 0 LIMIT %s"
_PROBES: Final = "SELECT probe FROM head ORDER BY probe"
_LONELY: Final = """
SELECT DISTINCT probe FROM (
    SELECT probe FROM piece UNION ALL SELECT probe FROM chunk UNION ALL SELECT probe FROM revision UNION ALL SELECT probe FROM rolled
) AS kept WHERE NOT EXISTS (SELECT 1 FROM head WHERE head.probe = kept.probe)
"""


class UpkeepTables(SeriesTables):
    """The part of the store that folds and inspects."""

    async def fold(self, *, everything: bool = False) -> Folded:
        pending = await self._pending(everything)
        if not pending:
            return Folded()
        self._forget(pending)
        try:
            said = await self._try(pending, _fold, news=False)
        except Undone:  # another hub folds the same, or keeps something of it
            return Folded(more=True)
        return Folded(sum(said.values()), more=bool(await self._pending(everything)))

    async def _pending(self, everything: bool) -> list[str]:
        due = await self._db.read(_DUE, (PROBES,))
        if not due and everything:
            due = await self._db.read(_WAITING, (PROBES,))
        return [probe for (probe,) in due]

    async def check(self) -> None:
        """Read everything. Raises StoreError where something does not fit."""
        async for found in self.inspect():
            if found.faults:
                raise StoreError(f"{self._db.name}: It is damaged: {'; '.join(found.faults)}", hint="Restore your latest backup.")

    async def inspect(self) -> AsyncIterator[Inspected]:
        points, total, faults = 0, 0, list[str]()
        async with self._db.reading() as asking:
            names = [probe for (probe,) in await asking.read(_PROBES)]
            faults += [f"{probe} has measurements and no head." for (probe,) in await asking.read(_LONELY)]
            for n, name in enumerate(names, 1):
                kept = await probes.heads(asking, [name])
                _, said = await probes.worked(asking, kept.values(), lambda image: Look(image).found())
                points, total, faults = points + said[name][0], total + said[name][1], faults + said[name][2]
                if n < len(names):
                    yield Inspected(points, digest.spelt(total), tuple(faults), n / len(names))
        yield Inspected(points, digest.spelt(total), tuple(faults), 1.0)


class Look(Scene, Inspection):
    """Compares what is kept of one probe with what is kept beside it."""

    def __init__(self, image: Image) -> None:
        super().__init__(image)
        self._points = self._digest = 0
        self._faults: list[str] = []

    def found(self) -> tuple[int, int, list[str]]:
        """How many points there are, their digest, and what does not fit."""
        kept = self._image.kept
        self._probe(kept.probe)
        self._expect(kept.points == self._points, f"{kept.probe}: its head says {kept.points} points, not {self._points}.")
        return self._points, self._digest, self._faults

    def _waiting(self, head: Head) -> int:
        return len(self._image.kept.waiting or ())

    def _rolled(self, head: Head) -> list[tuple[str, int]]:
        return [*self._image.kept.rolled.items()]


def _fold(image: Image) -> int:
    return Scene(image).fold()
