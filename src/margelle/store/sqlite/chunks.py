"""The chunks of each probe in SQLite: read by span, and replaced."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from margelle.store import chunk as codec
from margelle.store.chunk import Column
from margelle.store.fold import CAPACITY, Columns, span
from margelle.store.layout.tables import Place
from margelle.store.remembered import REMEMBERED, Remembered
from margelle.store.row import Row
from margelle.store.sqlite.database import Database

_FROM: Final = """
SELECT id, since, until, count, longest FROM chunk WHERE probe = ?1
AND since >= coalesce((SELECT max(since) FROM chunk WHERE probe = ?1 AND since <= ?2), ?2) AND since <= ?3 ORDER BY since
"""
_POINTS: Final = _FROM.replace("id, since, until, count, longest", "id, points").replace(
    "ORDER BY since", "AND until >= ?2 ORDER BY since"
)
_NUMBERS: Final = _POINTS.replace("id, points", "id")
_NUMBERS_BACK: Final = f"{_NUMBERS.rstrip()} DESC"
_READ: Final = "SELECT points FROM chunk WHERE id = ?"
_INSERT: Final = "INSERT INTO chunk (probe, since, until, count, longest, points) VALUES (?, ?, ?, ?, ?, ?)"
_BACK: Final = "SELECT points FROM chunk WHERE probe = ? AND since <= ? ORDER BY since DESC"


class Chunks:
    """Table chunk."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._remembered: Remembered[Column] = Remembered(REMEMBERED)

    def forget(self) -> None:
        """Forget the columns that are at hand."""
        self._remembered.forget()

    def places(self, probe: int, since_us: int, until_us: int) -> list[Place]:
        """The chunks of a probe from the last one that begins by `since_us` to the last one that begins by `until_us`."""
        return [Place(*row) for row in self._db.read(_FROM, (probe, since_us, until_us))]

    def back(self, probe: int, until_us: int) -> Iterator[Place]:
        """The chunks of a probe that end before `until_us`, the latest first."""
        sql = "SELECT id, since, until, count, longest FROM chunk WHERE probe = ? AND since < ? ORDER BY since DESC"
        for row in self._db.stream(sql, (probe, until_us)):
            if row[2] < until_us:
                yield Place(*row)

    def settled(self, probe: int) -> int | None:
        """Until when chunks are large enough to stay as they are; None where none is."""
        sql = "SELECT until FROM chunk WHERE probe = ? AND longest >= ? ORDER BY since DESC LIMIT 1"
        rows = self._db.read(sql, (probe, CAPACITY // 2))
        return rows[0][0] if rows else None

    def read(self, place: Place) -> Columns:
        """All columns of a chunk."""
        ((points,),) = self._db.read(_READ, (place.id,))
        return self._decoded(points, None)

    def columns(self, probe: int, since_us: int, until_us: int, wanted: Collection[str] | None) -> Iterator[Columns]:
        """The wanted columns of the chunks, in order of time, that have something with since <= at < until, and perhaps more around it."""
        for _, points in self._db.stream(_POINTS, (probe, since_us, until_us - 1)):
            yield self._decoded(points, wanted)

    def series(
        self, probe: int, quantity: str, since_us: int, until_us: int, *, newest: bool = False
    ) -> Iterator[Column]:
        """One quantity of these chunks, the oldest or the `newest` first, without those that have nothing of it. Nobody may change what is returned."""
        for (number,) in self._db.stream(_NUMBERS_BACK if newest else _NUMBERS, (probe, since_us, until_us - 1)):
            column = self._remembered.get((number, quantity))
            if column is None:
                ((points,),) = self._db.read(_READ, (number,))
                column = self._decoded(points, {quantity}).get(quantity)
                if column is None:
                    continue
                self._remembered.keep((number, quantity), column)  # a chunk never changes under its number
            yield column

    def newest(self, probe: int, quantity: str, limit_us: int) -> Row | None:
        """The newest row of a quantity that is not after `limit_us`."""
        for (points,) in self._db.stream(_BACK, (probe, limit_us)):
            column = self._decoded(points, {quantity}).get(quantity)
            index = bisect_left(column.times, limit_us + 1) if column else 0
            if column and index:
                return column.rows(index - 1, index)[0]
        return None

    def replace(self, probe: int, old: Iterable[Place], new: Iterable[Columns]) -> None:
        """Put chunks, which are proved to hold what they are given, in the place of old ones."""
        self._db.connection.executemany("DELETE FROM chunk WHERE id = ?", [(place.id,) for place in old])
        for columns in new:
            points = codec.encode(columns)
            if codec.decode(points) != columns:  # it never is; but what it replaces is about to be removed
                raise self._db.damaged("a chunk does not give back what was put into it")
            counts = [len(column) for column in columns.values()]
            self._db.connection.execute(_INSERT, (probe, *span(columns), sum(counts), max(counts), points))

    def _decoded(self, points: bytes, wanted: Collection[str] | None) -> Columns:
        try:
            return codec.decode(points, wanted)
        except codec.Damaged as error:
            raise self._db.damaged(error) from None
