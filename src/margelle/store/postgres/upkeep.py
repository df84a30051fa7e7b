"""What keeps the tables small and right: folding, and reading everything to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from margelle.errors import StoreError
from margelle.ports import Earlier, Folded, Inspected, Repaired
from margelle.store.layout.comparison import REPAIR, RESTORE
from margelle.store.layout.folding import Folding
from margelle.store.layout.inspection import Inspection
from margelle.store.layout.repair import made_anew
from margelle.store.postgres import probes
from margelle.store.postgres.asking import Asking, Transaction
from margelle.store.postgres.database import retried
from margelle.store.postgres.image import Image
from margelle.store.postgres.kept import NEWEST
from margelle.store.postgres.looking import Look
from margelle.store.postgres.series import SeriesTables

PROBES: Final = 8
"""So many probes' pieces are folded in one transaction."""
_DUE: Final = "SELECT probe FROM head WHERE pieces >= 32 LIMIT %s"
_WAITING: Final = "SELECT probe FROM head WHERE pieces > 0 LIMIT %s"
_POINTS: Final = "SELECT coalesce(sum(points), 0)::int8 FROM head"
_FOLDED: Final = "SELECT coalesce(sum(count), 0)::int8 FROM chunk"
_PROBES: Final = "SELECT probe FROM head ORDER BY probe"
_TOLD: Final = "SELECT points FROM head WHERE probe = %s"
_REVISIONS: Final = "SELECT count(*) FROM revision"
_CHUNKS: Final = "SELECT since, points FROM chunk WHERE probe = %s"
_MAKE_HEAD: Final = """
INSERT INTO head (probe, turn, pieces, points, newest) VALUES (%s, 1, 0, 0, '\\x80') ON CONFLICT (probe) DO NOTHING
"""
_NEWEST: Final = "UPDATE head SET turn = turn WHERE probe = %s RETURNING newest"
_EMPTY_HEAD: Final = "UPDATE head SET newest = '\\x80' WHERE probe = %s"
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
        said = await self._changed_locked(pending, _fold, news=None)
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

    async def earlier(self) -> Earlier | None:
        return None  # no earlier version kept anything here

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
        async with self._db.reading() as asking:
            inspection, names = Inspection(Look(asking)), await _names(asking)
            for probe in sorted(await _mentioned(asking) - set(names)):
                inspection.faults.append(f"{probe} has measurements and no head. {REPAIR}")
            for n, name in enumerate(names, 1):
                points, (told,) = await inspection.probe(name), await asking.read(_TOLD, (name,))
                wrong = f"{name}: its head says {told[0]} points, not {points}. Where none is missing, {REPAIR}"
                inspection.expect(told[0] == points, wrong)
                if n < len(names):
                    yield inspection.found(n / len(names))
            ((revisions,),) = await asking.read(_REVISIONS)
        lost = f"{revisions} corrections are kept, {inspection.revisions} of them with what they corrected. {RESTORE}"
        inspection.expect(revisions == inspection.revisions, lost)
        yield inspection.found(1.0)

    async def repair(self) -> AsyncIterator[Repaired]:
        names, left = sorted({*await _names(self._db), *await _mentioned(self._db)}), list[str]()
        for n, probe in enumerate(names, 1):
            try:
                await self._repair(probe)
            except StoreError as error:
                left.append(f"{probe} stays as it is: {error}")
            yield Repaired(n - len(left), tuple(left), n / len(names))

    @retried
    async def _repair(self, probe: str) -> None:
        self._forget([probe])
        async with self._db.writing() as transaction:
            await probes.lock_new(transaction, [probe])
            await _make_readable(transaction, probe)
            kept = await probes.locked_heads(transaction, [probe])
            await probes.fill(transaction, kept)
            kept[probe].chunks |= dict(await transaction.read(_CHUNKS, (probe,)))
            images, _ = await probes.worked(transaction, kept.values(), _made_anew)
            await probes.write(transaction, images)


async def _make_readable(transaction: Transaction, probe: str) -> None:
    """See to it that the probe has a head, and one that can be read: what is not so is what is to be repaired."""
    await transaction.run(_MAKE_HEAD, (probe,))
    ((newest,),) = await transaction.read(_NEWEST, (probe,))
    try:
        NEWEST.decode(newest)
    except msgspec.MsgspecError:
        await transaction.run(_EMPTY_HEAD, (probe,))


async def _names(asking: Asking) -> list[str]:
    """The probes that have a head."""
    return [probe for (probe,) in await asking.read(_PROBES)]


async def _mentioned(asking: Asking) -> set[str]:
    """The probes of which anything is kept."""
    return {probe for sql in _MENTIONED for (probe,) in await asking.read(sql)}


def _made_anew(image: Image) -> None:
    assert image.head is not None
    image.new = made_anew(image, image.head) - image.kept.points


def _fold(image: Image) -> int:
    """Fold the pieces; how many points they had."""
    head = image.head
    return Folding(image).fold(head) if head and head.pieces else 0
