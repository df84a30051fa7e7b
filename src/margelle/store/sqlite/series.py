"""Measurements in SQLite, kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from apsw import Connection

from margelle.domain.measurement import Measurement
from margelle.ports import Added, Mark
from margelle.store import rules
from margelle.store.layout.arrival import Arrival
from margelle.store.sqlite.reader import SeriesReader
from margelle.store.stretches import Stretches


class SeriesTables(SeriesReader, Stretches):
    """The part of the store that keeps measurements."""

    _changes_by_points: int

    async def _changing(self) -> AbstractContextManager[None]:
        """Begin a transaction, as `Database.writing` does, in which what is known in memory is true, and forgotten where it is undone."""
        return self._change(await self._db.writing())

    @contextmanager
    def _change(self, transaction: AbstractContextManager[Connection]) -> Iterator[None]:
        try:
            with transaction:
                self._heads.look()
                yield
                self._heads.flush()
        except BaseException:
            self._heads.forget()
            self._chunks.forget()  # the numbers of chunks that were undone will be those of others
            raise

    async def marks(self, probes: Sequence[str]) -> dict[str, Mark]:
        self._heads.look()
        return {probe: self._mark(probe) for probe in probes}

    def _mark(self, probe: str) -> Mark:
        head = self._heads.get(probe)
        return head.turn if head is not None else -1

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: Mapping[str, Mark] | None = None,
    ) -> Added:
        now_us = rules.micros(now)
        with await self._changing():
            changes = self._db.connection.total_changes()
            others = frozenset(probe for probe, mark in (seen or {}).items() if self._mark(probe) != mark)
            arrival = Arrival(self._tables, self._folding, now_us)
            new, corrected = arrival.keep(measurements)
            if new:
                self._db.connection.execute("UPDATE tally SET points = points + ?", (new,))
            if new or corrected:
                await self._refill(measurements, now)
            arrival.review(reviewed)
            marks = {probe: self._mark(probe) for probe in seen or ()}
        self._changes_by_points += self._db.connection.total_changes() - changes
        return Added(new, len(measurements) - new - corrected, corrected, others, marks)
