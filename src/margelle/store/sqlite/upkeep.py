"""What keeps the tables small and right: folding, and reading everything to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from margelle.errors import StoreError
from margelle.ports import Folded, Inspected
from margelle.store import days, digest
from margelle.store.fold import Columns, span
from margelle.store.row import Row
from margelle.store.sqlite.chunks import Place
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.heads import Head
from margelle.store.sqlite.reader import ALWAYS, SeriesReader
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
        own = Inspection(Database(self._db.path))  # a connection that sees one state, while this one goes on
        try:
            for found in own.steps():
                yield found
        finally:
            own.close()


class Inspection(SeriesReader):
    """Compares what is kept with what is kept beside it, probe by probe, as it all was at one moment."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._furnish()
        self._points = self._digest = 0
        self._faults: list[str] = []

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def steps(self) -> Iterator[Inspected]:
        """What was found after each probe."""
        with self._looking():
            probes = [row[0] for row in self._db.read("SELECT DISTINCT probe FROM series ORDER BY probe")]
            for n, probe in enumerate(probes, 1):
                self._probe(probe)
                if n < len(probes):
                    yield self._found(n / len(probes))
            tally = int(self._db.read("SELECT points FROM tally")[0][0])
            self._expect(tally == self._points, f"The tally says {tally} points.")
            yield self._found(1.0)

    def _found(self, share: float) -> Inspected:
        return Inspected(self._points, digest.spelt(self._digest), tuple(self._faults), share)

    def _expect(self, fits: bool, otherwise: str) -> None:
        if not fits:
            self._faults.append(otherwise)

    def _probe(self, probe: str) -> None:
        head = self._heads.get(probe)
        for quantity in self._revisions.quantities(probe):
            try:
                self._quantity(probe, quantity, head)
            except StoreError as error:
                self._faults.append(f"{probe}: {quantity} cannot be read: {error}")
        if head is not None:
            waiting = self._db.read("SELECT count(*) FROM piece WHERE probe = ?", (head.id,))[0][0]
            self._expect(waiting == head.pieces, f"{probe}: {waiting} pieces wait, its head says {head.pieces}.")
            self._places(head)

    def _quantity(self, probe: str, quantity: str, head: Head | None) -> None:
        rows = self._column(probe, quantity, *ALWAYS).rows()
        self._points += len(rows)
        self._digest += digest.of(probe, quantity, rows)
        self._expect(all(one[0] < other[0] for one, other in pairwise(rows)), f"{probe}: {quantity} is kept twice.")
        if head is not None:
            newest: Row | None = head.newest.get(quantity)
            self._expect(bool(rows) and newest == rows[-1], f"{probe}: the newest {quantity} is another one.")
            self._statistics_of(head, quantity)

    def _statistics_of(self, head: Head, quantity: str) -> None:
        for name, until_us in self._db.read("SELECT zone, until FROM rolled WHERE probe = ?", (head.id,)):
            zone = ZoneInfo(name)
            column = self._column(head.probe, quantity, ALWAYS[0], until_us)
            true = days.statistics(column, zone, *ALWAYS)
            late = {days.day(one[0], zone) for one in self._loose(head, head.probe, quantity, ALWAYS[0], until_us)}
            told = self._rollup.all(head.id, name, quantity)
            fits = [one for one in true if one.day not in late] == [one for one in told if one.day not in late]
            self._expect(fits, f"{head.probe}: the statistics of {quantity} in {name} are not those of its points.")

    def _places(self, head: Head) -> None:
        places = [*self._chunks.places(head.id, *ALWAYS)]
        apart = all(one.until < other.since for one, other in pairwise(places))
        self._expect(apart, f"{head.probe}: its chunks overlap.")
        for place in places:
            try:
                fits = _describes(place, self._chunks.read(place))
            except StoreError as error:
                self._faults.append(f"{head.probe}: its chunk {place.id} cannot be read: {error}")
            else:
                self._expect(fits, f"{head.probe}: its chunk {place.id} has other points than it says.")


def _describes(place: Place, columns: Columns) -> bool:
    counts = [len(column) for column in columns.values()]
    return (place.since, place.until, place.count, place.longest) == (*span(columns), sum(counts), max(counts))
