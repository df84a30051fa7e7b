"""What keeps the tables small and right: folding, and reading everything to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Concatenate, Final, ParamSpec, TypeVar

from margelle.errors import StoreError
from margelle.ports import Earlier, Folded, Inspected, Repaired
from margelle.store.layout.comparison import REPAIR, RESTORE
from margelle.store.layout.inspection import Inspection
from margelle.store.layout.repair import made_anew
from margelle.store.layout.stretch import Stretch
from margelle.store.layout.tables import Tables
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.reader import SeriesReader
from margelle.store.sqlite.series import SeriesTables

PROBES: Final = 8
"""So many probes' pieces are folded in one transaction at most."""
ENOUGH: Final = 500
"""With so many points a transaction ends: after some milliseconds."""
_COUNT: Final = """
UPDATE tally SET points = ? + (SELECT coalesce(sum(count), 0) FROM chunk) + (SELECT count(*) FROM point)
"""
_FOLDED: Final = "SELECT (SELECT coalesce(sum(count), 0) FROM chunk), points FROM tally"
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Upkeep(SeriesTables):
    """The part of the store that folds and inspects."""

    async def fold(self, *, everything: bool = False) -> Folded:
        if not self._pending(everything) and self._before.next() is None:
            return Folded()
        with await self._changing():  # where another process was quicker, there is nothing left to do
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

    async def earlier(self) -> Earlier | None:
        if self._before.next() is None:
            return None
        ((folded, points),) = self._db.read(_FOLDED)
        return Earlier(folded, points)

    async def compact(self) -> None:
        await self._db.compact()

    async def check(self) -> None:
        """Read everything. Raises StoreError where the file is damaged or something does not fit."""
        async for found in self.inspect():
            if found.faults:
                raise self._db.damaged("; ".join(found.faults))

    async def inspect(self) -> AsyncIterator[Inspected]:
        self._db.check()
        own = _Look(
            Database(self._db.path, only_reads=self._db.is_fixed)
        )  # a connection that sees one state, while this one goes on
        try:
            async for found in own.steps():
                yield found
        finally:
            own.close()

    async def repair(self) -> AsyncIterator[Repaired]:
        probes, left = self._probes(), list[str]()
        for n, probe in enumerate(probes, 1):
            try:
                with await self._changing():
                    self._repair(probe)
            except StoreError as error:
                left.append(f"{probe} stays as it is: {error}")
            if n == len(probes) and not left:
                await self._count_again()
            yield Repaired(n - len(left), tuple(left), n / len(probes))

    def _repair(self, probe: str) -> None:
        try:
            head = self._heads.get(probe)
        except StoreError:  # that it cannot be read is what is to be repaired
            self._db.connection.execute("UPDATE head SET newest = x'80' WHERE probe = ?", (probe,))
            head = self._heads.get(probe)
        if head is not None:
            made_anew(self._tables, head)

    async def _count_again(self) -> None:
        """Let the tally say how many points there are."""
        with await self._changing():
            waiting = sum(len(rows) for points in self._heads.all_pieces() for rows in points.values())
            self._db.connection.execute(_COUNT, (waiting,))


class _Look(SeriesReader):
    """The whole file, as it all was at one moment."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._furnish()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    async def ask(
        self, question: Callable[Concatenate[Tables, str, _P], _T], probe: str, *args: _P.args, **more: _P.kwargs
    ) -> _T:
        """What `question` answers from the tables of a probe."""
        return question(self._tables, probe, *args, **more)

    async def stretch(self, probe: str, since_us: int) -> Stretch:
        """What is kept of a probe from an instant on."""
        return self._stretch(probe, since_us)

    async def steps(self) -> AsyncIterator[Inspected]:
        """What was found after each probe."""
        inspection = Inspection(self)
        with self._looking():
            probes = self._probes()
            for n, probe in enumerate(probes, 1):
                await inspection.probe(probe)
                if n < len(probes):
                    yield inspection.found(n / len(probes))
            tally = int(self._db.read("SELECT points FROM tally")[0][0])
            wrong = f"The tally says {tally} points. Where none is missing, {REPAIR}"
            inspection.expect(tally == inspection.points, wrong)
            revisions = int(self._db.read("SELECT count(*) FROM revision")[0][0])
            lost = (
                f"{revisions} corrections are kept, {inspection.revisions} of them with what they corrected. {RESTORE}"
            )
            inspection.expect(revisions == inspection.revisions, lost)
            yield inspection.found(1.0)
