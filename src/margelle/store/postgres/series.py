"""Measurements in PostgreSQL: the port's methods, by the layout's rules over what is read of each probe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import partial
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from margelle.domain.measurement import Measurement, Revision
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.series import Columns, DaySlice, DayStatistics, Slice
from margelle.ports import Added, Mark
from margelle.store import rules
from margelle.store.layout.answers import Answers, Snapshot, bounds, shown
from margelle.store.layout.arrival import Arrival, by_probe
from margelle.store.layout.folding import Folding
from margelle.store.postgres import probes
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.database import TRIES, Database, retried
from margelle.store.postgres.failure import Undone
from margelle.store.postgres.gaps import Gaps
from margelle.store.postgres.image import Image
from margelle.store.postgres.kept import Kept, Missing
from margelle.store.postgres.news import Kind
from margelle.store.row import Row, measurement

REMEMBERED: Final = 20_000
"""So many heads are kept in memory (about 2 kB each)."""
SPAN_US: Final = 62 * 86_400 * 1_000_000
"""So much of a probe is read in one statement, though perhaps not all of it is wanted."""

_REVISIONS: Final = "SELECT replaced_at, point FROM revision WHERE probe = %s AND quantity = %s AND at = %s ORDER BY id"
_ROW: Final = msgspec.msgpack.Decoder(Row)
_T = TypeVar("_T")
_After = Callable[[Transaction, Mapping[str, _T]], Awaitable[None]]
"""What is done in the transaction once what was changed is written."""


class _Came(Struct):
    """What became of measurements of one probe, which had had its `turn` before."""

    new: int
    corrected: int
    turn: int


def _arrive(image: Image, given: Sequence[Measurement], reviewed: Sequence[Measurement], now_us: int) -> _Came:
    """Keep measurements and other verdicts of the image's probe."""
    arrival = Arrival(image, Folding(image), now_us)
    image.new, corrected = arrival.keep(given)
    arrival.review(reviewed)
    return _Came(image.new, corrected, image.kept.turn)


class SeriesTables:
    """The part of the store that keeps measurements: tables head, piece, chunk, revision, rolled and year."""

    _db: Database
    _heads: dict[str, Kept]
    _folds: dict[str, int]
    """How often this process has folded a probe: a turn of its head that changes nothing of what is kept."""
    _snapshots: dict[str, Snapshot]

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: Mapping[str, Mark] | None = None,
    ) -> Added:
        now_us = rules.micros(now)
        given, other = by_probe(measurements), by_probe(reviewed)
        names = [*dict.fromkeys((*given, *other))]

        def work(image: Image) -> _Came:
            probe = image.kept.probe
            return _arrive(image, given.get(probe, ()), other.get(probe, ()), now_us)

        async def after(transaction: Transaction, said: Mapping[str, _Came]) -> None:
            came = [point for probe, one in said.items() if one.new or one.corrected for point in given[probe]]
            if came:
                await Gaps(transaction).refill(came, now)

        with self._db.told():
            said = await self._changed(names, work, after) if names else {}
        new, corrected = sum(one.new for one in said.values()), sum(one.corrected for one in said.values())
        others = frozenset(
            probe
            for probe, mark in (seen or {}).items()
            if probe in said and self._mark(probe, said[probe].turn) != mark
        )
        marks = {probe: self._mark(probe, self._turn(probe, said)) for probe in seen or ()}
        return Added(new, len(measurements) - new - corrected, corrected, others, marks)

    async def marks(self, ids: Sequence[str]) -> dict[str, Mark]:
        turns = await probes.turns(self._db, ids)
        for probe, turn in turns.items():
            if (known := self._heads.get(probe)) is not None and known.turn < turn:
                del self._heads[probe]  # another hub was there
        return {probe: self._mark(probe, turn) for probe, turn in turns.items()}

    def _turn(self, probe: str, said: Mapping[str, _Came]) -> int:
        """The turn of a probe once its measurements were kept: what was written is remembered."""
        known = self._heads.get(probe)
        return known.turn if known is not None else said[probe].turn if probe in said else 0

    def _mark(self, probe: str, turn: int) -> Mark:
        return turn - self._folds.get(probe, 0)

    async def _changed(self, names: Sequence[str], work: Callable[[Image], _T], after: _After[_T]) -> Mapping[str, _T]:
        """What `work` says of each probe once it is kept. Where another connection was quicker it begins again, in the end holding the probes."""
        for _ in range(TRIES - 1):
            try:
                return await self._try(names, work, after)
            except Undone:
                self._forget(names)
        return await self._changed_locked(names, work, after)

    @retried
    async def _changed_locked(
        self,
        names: Sequence[str],
        work: Callable[[Image], _T],
        after: _After[_T] | None = None,
        *,
        news: Kind | None = "points",
    ) -> Mapping[str, _T]:
        """As `_changed`, while nobody else can change these probes: for what takes long, or was not quick enough. What is no `news` changes nothing of what is kept."""
        self._forget(names)
        async with self._db.writing(news=news) as transaction:
            kept = await probes.locked_heads(transaction, names)
            images, said = await probes.worked(transaction, kept.values(), work)
            now = await probes.write(transaction, [image for image in images if image.saved])
            if after is not None:
                await after(transaction, said)
        self._remember(now)
        if not news:
            self._folds.update({probe: self._folds.get(probe, 0) + 1 for probe in now})
        return said

    async def _try(self, names: Sequence[str], work: Callable[[Image], _T], after: _After[_T]) -> Mapping[str, _T]:
        """As `_changed`, from the heads that are known, with nothing held but for the writing."""
        kept = {name: self._heads[name] for name in names if name in self._heads}
        if unknown := [name for name in names if name not in kept]:
            kept |= await probes.heads(self._db, unknown)
        images, said = await probes.worked(self._db, (_fresh(one) for one in kept.values()), work)
        if changed := [image for image in images if image.saved]:
            async with self._db.writing(news="points") as transaction:
                now = await probes.write(transaction, changed)
                await after(transaction, said)
            self._remember(now)
        return said

    def _forget(self, names: Sequence[str]) -> None:
        for name in names:
            self._heads.pop(name, None)

    def _remember(self, now: Mapping[str, Kept]) -> None:
        if len(self._heads) + len(now) > REMEMBERED:
            self._heads.clear()
            self._folds.clear()
        self._heads.update(now)

    # --- reading

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        known = self._snapshots.get(probe)
        if known is not None and known.holds(rules.micros(now + CLOCK_TOLERANCE), await self._db.version()):
            return known.points.copy()
        return dict((await self.latest_of((probe,), now))[probe])

    async def latest_of(self, ids: Collection[str], now: datetime) -> dict[str, Mapping[str, Measurement]]:
        limit_us, version = rules.micros(now + CLOCK_TOLERANCE), await self._db.version()
        found: dict[str, Mapping[str, Measurement]] = {}
        for probe, head in (await probes.heads(self._db, ids)).items():
            known = self._snapshots.get(probe)
            if known is None or not known.holds(limit_us, version, head.told):
                ask = partial(Answers.look, probe=probe, limit_us=limit_us, version=version, told=head.told)
                known = self._snapshots[probe] = await self._answer(probe, ask, head)
            found[probe] = known.points
        return found

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
        since_us, until_us = bounds(since, until)
        if limit is None:
            column = (await probes.span(self._db, probe, since_us, until_us)).column(
                probe, quantity, since_us, until_us
            )
        else:
            wanted = (probe, quantity, since_us, until_us, limit)
            column = await self._answer(probe, lambda answers: answers.column(*wanted, newest=descending))
        found = column.measurements(probe, quantity)
        return found[::-1] if descending else found

    async def columns_of(
        self, series: Collection[tuple[str, str]], since: datetime, until: datetime
    ) -> dict[tuple[str, str], Columns]:
        since_us, until_us = bounds(since, until)
        answers = await probes.spans(self._db, {probe for probe, _ in series}, since_us, until_us)
        return {one: shown(answers[one[0]].column(*one, since_us, until_us)) for one in series}

    async def columns(
        self, probe: str, quantity: str, since: datetime | None = None, until: datetime | None = None
    ) -> Columns:
        since_us, until_us = bounds(since, until)
        answers = await probes.span(self._db, probe, since_us, until_us)
        return shown(answers.column(probe, quantity, since_us, until_us))

    async def slices(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Slice]:
        since_us, until_us = bounds(since, until)
        wanted = (probe, quantity, since_us, until_us, limit)
        if until_us - since_us <= SPAN_US:
            answers = await probes.span(self._db, probe, since_us, until_us)
            return answers.slices(*wanted, newest=descending)
        return await self._answer(probe, lambda answers: answers.slices(*wanted, newest=descending))

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        return [day for part in await self.days(probe, quantity, since, until, time_zone) for day in part.told()]

    async def days(self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC") -> list[DaySlice]:
        begin, end = map(rules.micros, rules.days(since, until, time_zone))

        def ask(answers: Answers) -> list[DaySlice]:
            return answers.days(probe, quantity, (since, until), (begin, end), ZoneInfo(time_zone))

        kept = await probes.days(self._db, probe, time_zone, (since.year, until.year), (begin, end))
        return await self._answer(probe, ask, kept)

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        rows = await self._db.read(_REVISIONS, (probe, quantity, rules.micros(at)))
        return [
            Revision(measurement(probe, quantity, _ROW.decode(point)), rules.instant(replaced_us))
            for replaced_us, point in rows
        ]

    async def quantities(self, probe: str) -> list[str]:
        return sorted((await probes.heads(self._db, [probe]))[probe].newest)

    async def count(self) -> int:
        return int((await self._db.read("SELECT coalesce(sum(points), 0)::int8 FROM head"))[0][0])

    async def _answer(self, probe: str, question: Callable[[Answers], _T], read: Kept | None = None) -> _T:
        """What the rules say of a probe, of which all is as it was at one moment: from what was `read` at one, or else read now."""
        with suppress(Missing):
            if read is not None:
                return question(Answers(Image(read, self._db)))
        async with self._db.reading() as asking:
            kept = await probes.heads(asking, [probe])
            _, said = await probes.worked(asking, kept.values(), lambda image: question(Answers(image)))
        return said[probe]


def _fresh(kept: Kept) -> Kept:
    """The head alone."""
    return Kept(kept.probe, kept.turn, kept.pieces, kept.points, kept.newest)
