"""What keeps the tables small and right: folding, and reading everything to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

from margelle.ports import Folded, Inspected
from margelle.store.layout.inspection import Inspection
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.reader import SeriesReader
from margelle.store.sqlite.series import SeriesTables

PROBES: Final = 8
"""So many probes' pieces are folded in one transaction at most."""
ENOUGH: Final = 500
"""With so many points a transaction ends: after some milliseconds."""


class Upkeep(SeriesTables):
    """The part of the store that folds and inspects."""

    async def fold(self, *, everything: bool = False) -> Folded:
        if not self._pending(everything) and self._before.next() is None:
            return Folded()
        with self._changing():  # where another process was quicker, there is nothing left to do
            pending, old = self._pending(everything), self._before.next()
            if pending:
                points = self._fold(pending)
            else:
                points = self._folding.fold_before(self._folding.head(old)) if old is not None else 0
        return Folded(points, more=bool(self._pending(everything)) or self._before.next() is not None)

    def _fold(self, pending: Iterable[str]) -> int:
        points = 0
        for probe in pending:
            points += self._folding.fold(self._folding.head(probe))
            if points >= ENOUGH:
                break
        return points

    def _pending(self, everything: bool) -> list[str]:
        return self._heads.due(PROBES) or (self._heads.waiting(PROBES) if everything else [])

    async def loose(self) -> int:
        sql = "SELECT points - (SELECT coalesce(sum(count), 0) FROM chunk) FROM tally"
        return int(self._db.read(sql)[0][0])

    async def compact(self) -> None:
        self._db.compact()

    async def check(self) -> None:
        """Read everything. Raises StoreError where the file is damaged or something does not fit."""
        async for found in self.inspect():
            if found.faults:
                raise self._db.damaged("; ".join(found.faults))

    async def inspect(self) -> AsyncIterator[Inspected]:
        self._db.check()
        own = _Look(Database(self._db.path))  # a connection that sees one state, while this one goes on
        try:
            for found in own.steps():
                yield found
        finally:
            own.close()


class _Look(SeriesReader):
    """The whole file, as it all was at one moment."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._furnish()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def steps(self) -> Iterator[Inspected]:
        """What was found after each probe."""
        inspection = Inspection(self._tables)
        with self._looking():
            probes = [row[0] for row in self._db.read("SELECT DISTINCT probe FROM series ORDER BY probe")]
            for n, probe in enumerate(probes, 1):
                inspection.probe(probe)
                if n < len(probes):
                    yield inspection.found(n / len(probes))
            tally = int(self._db.read("SELECT points FROM tally")[0][0])
            inspection.expect(tally == inspection.points, f"The tally says {tally} points.")
            yield inspection.found(1.0)
