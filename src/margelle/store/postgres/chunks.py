"""The chunks of one probe, as far as they have been read from PostgreSQL."""

# ruff: noqa: ARG002 - the chunks of one probe need not be told of which

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from margelle.store import chunk as codec
from margelle.store.chunk import Column
from margelle.store.fold import CAPACITY, Columns, span
from margelle.store.layout.tables import Place
from margelle.store.postgres.kept import Missing
from margelle.store.row import Row

if TYPE_CHECKING:
    from margelle.store.postgres.image import Image

_AT_ONCE: Final = 16
"""So many chunks are read together."""


class ImageChunks:
    """Table chunk. A chunk's number is its first instant."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._now: list[Place] | None = None
        self._near: list[Place] = []
        """The chunks that were last asked for: likely to be read one after the other."""
        self._own: dict[int, bytes] = {}
        """The points of the chunks that are new."""

    @property
    def _places(self) -> list[Place]:
        if self._now is None:
            if self._image.kept.places is None and self._image.kept.turn:
                raise Missing
            self._now = list(self._image.kept.places or ())
        return self._now

    def places(self, probe: int, since_us: int, until_us: int) -> list[Place]:
        begins = [place.since for place in self._places]
        first = max(bisect_left(begins, since_us + 1) - 1, 0)
        self._near = self._places[first : bisect_left(begins, until_us + 1)]
        return self._near

    def back(self, probe: int, until_us: int) -> Iterator[Place]:
        return (place for place in reversed(self._places) if place.until < until_us)

    def settled(self, probe: int) -> int | None:
        return next((place.until for place in reversed(self._places) if place.longest >= CAPACITY // 2), None)

    def read(self, place: Place) -> Columns:
        return self._decoded(self._points(place), None)

    def columns(self, probe: int, since_us: int, until_us: int, wanted: Collection[str] | None) -> Iterator[Columns]:
        return (self._decoded(self._points(place), wanted) for place in self._through(since_us, until_us))

    def series(
        self, probe: int, quantity: str, since_us: int, until_us: int, *, newest: bool = False
    ) -> Iterator[Column]:
        for place in self._through(since_us, until_us, newest=newest):
            if column := self._column(place, quantity):
                yield column

    def newest(self, probe: int, quantity: str, limit_us: int) -> Row | None:
        for place in reversed(self._places):
            if place.since <= limit_us:
                column = self._column(place, quantity)
                index = bisect_left(column.times, limit_us + 1) if column else 0
                if column and index:
                    return column.rows(index - 1, index)[0]
        return None

    def _through(self, since_us: int, until_us: int, *, newest: bool = False) -> Iterator[Place]:
        """The chunks with something with since <= at < until, and perhaps more around it: some of them are asked for together."""
        there = [place for place in self._places if place.until >= since_us and place.since < until_us]
        if newest:
            there.reverse()
        for n, place in enumerate(there):
            if n % _AT_ONCE == 0:
                self._demand(there[n : n + _AT_ONCE])
            yield place

    def replace(self, probe: int, old: Iterable[Place], new: Iterable[Columns]) -> None:
        changes = self._image.changes
        for place in old:
            self._places.remove(place)
            if self._own.pop(place.since, None) is None:
                changes.removed.append(place.since)
            else:
                changes.chunks = [one for one in changes.chunks if one[0] != place]
        for columns in new:
            place, points = self._encoded(columns)
            self._own[place.since] = points
            changes.chunks.append((place, points))
            self._places.append(place)
        self._places.sort(key=lambda place: place.since)

    def _encoded(self, columns: Columns) -> tuple[Place, bytes]:
        points = codec.encode(columns)
        if codec.decode(points) != columns:  # it never is; but what it replaces is about to be removed
            raise self._image.damaged("a chunk does not give back what was put into it")
        since, until = span(columns)
        counts = [len(column) for column in columns.values()]
        return Place(since, since, until, sum(counts), max(counts)), points

    def _demand(self, places: Iterable[Place]) -> None:
        known = self._image.kept.chunks
        if missing := [p.since for p in places if p.since not in self._own and p.since not in known]:
            raise Missing(chunks=missing)

    def _points(self, place: Place) -> bytes:
        if place.since not in self._own and place.since not in self._image.kept.chunks:
            self._demand([place, *(one for one in self._near if one.since > place.since)][:_AT_ONCE])
        return self._own.get(place.since) or self._image.kept.chunks[place.since]

    def _column(self, place: Place, quantity: str) -> Column | None:
        """One quantity of a chunk, which may be at hand. Its bytes tell it from all others: its first instant stays when it changes."""
        points = self._points(place)
        column = self._image.remembered.get((points, quantity))
        if column is None:
            column = self._decoded(points, {quantity}).get(quantity)
            if column is not None:
                self._image.remembered.keep((points, quantity), column)
        return column

    def _decoded(self, points: bytes, wanted: Collection[str] | None) -> Columns:
        try:
            return codec.decode(points, wanted)
        except codec.Damaged as error:
            raise self._image.damaged(error) from None
