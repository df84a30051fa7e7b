"""Measurements in SQLite, kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from margelle.domain.measurement import Measurement
from margelle.ports import Added, Mark
from margelle.store import rules
from margelle.store.layout.arrival import Arrival
from margelle.store.sqlite.reader import SeriesReader
from margelle.store.stretches import Stretches


class SeriesTables(SeriesReader, Stretches):
    """The part of the store that keeps measurements."""

    _times_kept: dict[str, int]
    _changes_by_points: int

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A transaction in which what is known in memory is true, and forgotten where it is undone."""
        try:
            with self._db.writing():
                self._heads.look()
                yield
                self._heads.flush()
        except BaseException:
            self._heads.forget()
            self._chunks.forget()  # the numbers of chunks that were undone will be those of others
            raise

    async def marks(self, probes: Sequence[str]) -> dict[str, Mark]:
        others = self._db.others()
        return {probe: (others, self._times_kept.get(probe, 0)) for probe in probes}

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: int | None = None,
    ) -> Added:
        now_us = rules.micros(now)
        with self._changing():
            changes = self._db.connection.total_changes()
            alone = seen is not None and self._db.version(now=True) == seen
            arrival = Arrival(self._tables, self._folding, now_us)
            new, corrected = arrival.keep(measurements)
            if new:
                self._db.connection.execute("UPDATE tally SET points = points + ?", (new,))
            if new or corrected:
                await self._refill(measurements, now)
            arrival.review(reviewed)
        self._changes_by_points += self._db.connection.total_changes() - changes
        for probe in {one.probe for part in (measurements, reviewed) for one in part}:
            self._times_kept[probe] = self._times_kept.get(probe, 0) + 1
        return Added(new, len(measurements) - new - corrected, corrected, alone)
