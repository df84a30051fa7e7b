"""One probe as far as it has been read from PostgreSQL: the tables of the layout in memory, on which the layout's rules work without waiting.

What they ask for and is not there yet is `Missing`: it is read, and they begin again. What they change is collected, and written afterwards.
"""

# ruff: noqa: ARG002 - the tables of one probe need not be told of which

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct, field

from margelle.errors import StoreError
from margelle.store import chunk as codec
from margelle.store.chunk import Column
from margelle.store.fold import CAPACITY, Columns, sorted_rows, span
from margelle.store.layout.rollup import Rollup
from margelle.store.layout.tables import Head, Place
from margelle.store.row import Row

NEWEST: Final = msgspec.msgpack.Decoder(dict[str, Row])
PIECE: Final = msgspec.msgpack.Decoder(dict[str, list[Row]])
encode: Final = msgspec.msgpack.Encoder().encode
_AT_ONCE: Final = 16
"""So many chunks are read together."""


class Missing(Exception):
    """Something of the probe has to be read first: its pieces and the places of its chunks, the points of `chunks` (by first instant), or `years`."""

    def __init__(self, *, chunks: Sequence[int] = (), years: tuple[str, int, int] | None = None) -> None:
        super().__init__(chunks, years)
        self.chunks, self.years = chunks, years


class Kept(Struct):
    """What was read of a probe: its head, and once they were asked for, the rest."""

    probe: str
    turn: int = 0
    pieces: int = 0
    points: int = 0
    newest: dict[str, Row] = field(default_factory=dict)
    told: bytes | None = None
    """`newest` as it is kept."""
    waiting: list[bytes] | None = None
    places: list[Place] | None = None
    chunks: dict[int, bytes] = field(default_factory=dict)
    rolled: dict[str, int] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    years: dict[tuple[str, int], bytes] = field(default_factory=dict)
    asked: set[tuple[str, int, int]] = field(default_factory=set)
    """Which years are among them, by zone: from the first to the last."""


class Changes(Struct):
    """What is to be written: pieces and chunks that go and that come, by first instant; revisions; statistics by zone, and by zone and year."""

    cleared: bool = False
    pieces: list[bytes] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    chunks: list[tuple[Place, bytes]] = field(default_factory=list)
    revisions: list[tuple[str, int, int, bytes]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    rolled: dict[str, int] = field(default_factory=dict)
    years: dict[tuple[str, int], bytes] = field(default_factory=dict)


class Image:
    """The probe `kept` as it is and as it becomes. `name` is the database's, for messages."""

    def __init__(self, kept: Kept, name: str) -> None:
        self.kept, self.name = kept, name
        self.changes = Changes()
        self.saved = False
        self.new = 0
        newest = dict(kept.newest)
        self.head = Head(0, kept.probe, kept.pieces, before=False, newest=newest) if kept.turn else None
        self.heads, self.chunks, self.before = ImageHeads(self), ImageChunks(self), NothingBefore()
        self.revisions, self.rollup = ImageRevisions(self), ImageRollup(self)

    def damaged(self, error: object) -> StoreError:
        """The error for what we have written ourselves and cannot read."""
        return StoreError(
            f"{self.name}: It is damaged: {self.kept.probe}: {error}.", hint="Restore your latest backup."
        )


class ImageHeads:
    """Tables head and piece."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def get(self, probe: str) -> Head | None:
        return self._image.head

    def make(self, probe: str, newest: dict[str, Row], *, before: bool) -> Head:
        self._image.head = Head(0, probe, 0, before=before, newest=newest)
        return self._image.head

    def save(self, head: Head) -> None:
        self._image.saved = True

    def append(self, head: Head, rows: Mapping[str, Sequence[Row]]) -> None:
        self._image.changes.pieces.append(encode(rows))
        head.pieces += 1

    def clear(self, head: Head) -> None:
        self._image.changes.cleared = True
        self._image.changes.pieces.clear()
        head.pieces = 0

    def pieces(self, head: Head) -> dict[str, list[Row]]:
        changes, old = self._image.changes, self._image.kept.waiting
        if old is None and not changes.cleared:
            if self._image.kept.pieces:
                raise Missing
            old = []
        found: dict[str, list[Row]] = {}
        for points in (*(() if changes.cleared else old or ()), *changes.pieces):
            try:
                rows = PIECE.decode(points)
            except msgspec.MsgspecError as error:
                raise self._image.damaged(error) from None
            for quantity, of_one in rows.items():
                found.setdefault(quantity, []).extend(of_one)
        return sorted_rows(found)

    def count(self, head: Head) -> int:
        return len(self._image.kept.waiting or ())


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
            if self._image.kept.places is None:
                if self._image.kept.turn:
                    raise Missing
                return []
            self._now = list(self._image.kept.places)
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
        return self._decoded(place, None)

    def columns(self, probe: int, since_us: int, until_us: int, wanted: Collection[str] | None) -> Iterator[Columns]:
        return self._columns(since_us, until_us, wanted)

    def _columns(
        self, since_us: int, until_us: int, wanted: Collection[str] | None, *, newest: bool = False
    ) -> Iterator[Columns]:
        there = [place for place in self._places if place.until >= since_us and place.since < until_us]
        if newest:
            there.reverse()
        for n, place in enumerate(there):
            if n % _AT_ONCE == 0:
                self._demand(there[n : n + _AT_ONCE])
            yield self._decoded(place, wanted)

    def series(
        self, probe: int, quantity: str, since_us: int, until_us: int, *, newest: bool = False
    ) -> Iterator[Column]:
        for columns in self._columns(since_us, until_us, {quantity}, newest=newest):
            if column := columns.get(quantity):
                yield column

    def newest(self, probe: int, quantity: str, limit_us: int) -> Row | None:
        for place in reversed(self._places):
            if place.since <= limit_us:
                column = self._decoded(place, {quantity}).get(quantity)
                index = bisect_left(column.times, limit_us + 1) if column else 0
                if column and index:
                    return column.rows(index - 1, index)[0]
        return None

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

    def _decoded(self, place: Place, wanted: Collection[str] | None) -> Columns:
        if place.since not in self._own and place.since not in self._image.kept.chunks:
            self._demand([place, *(one for one in self._near if one.since > place.since)][:_AT_ONCE])
        points = self._own.get(place.since) or self._image.kept.chunks[place.since]
        try:
            return codec.decode(points, wanted)
        except codec.Damaged as error:
            raise self._image.damaged(error) from None


class ImageRevisions:
    """Table revision."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def open_series(self, probe: str, quantity: str, unit: str) -> None:
        """The head tells which quantities there are."""

    def quantities(self, probe: str) -> list[str]:
        return sorted(self._image.head.newest) if self._image.head else []

    def origin(self, name: str) -> int:
        raise NotImplementedError

    def keep(self, probe: str, quantity: str, old: Row, now_us: int) -> None:
        self._image.changes.revisions.append((quantity, old[0], now_us, encode(old)))


class ImageRollup(Rollup):
    """Tables rolled and year."""

    def __init__(self, image: Image) -> None:
        super().__init__(image.chunks)
        self._image = image

    def until(self, probe: int, zone: str) -> int | None:
        changes = self._image.changes
        return changes.rolled.get(zone, None if zone in changes.dropped else self._image.kept.rolled.get(zone))

    def keep_until(self, probe: int, zone: str, until_us: int) -> None:
        self._image.changes.rolled[zone] = until_us

    def zones(self, probe: int) -> list[str]:
        return [*self._image.kept.rolled]

    def site_zones(self, name: str) -> list[object]:
        return [*self._image.kept.zones]

    def years(self, probe: int, zone: str, first: int, last: int) -> list[bytes]:
        kept, changes = self._image.kept, self._image.changes
        known = zone in kept.rolled and zone not in changes.dropped
        if known and (zone, first, last) not in kept.asked:
            raise Missing(years=(zone, first, last))
        years = (kept.years if known else {}) | changes.years
        return [told for (of, year), told in sorted(years.items()) if of == zone and first <= year <= last]

    def keep_year(self, probe: int, zone: str, year: int, told: bytes) -> None:
        self._image.changes.years[zone, year] = told

    def drop(self, probe: int, zone: str) -> None:
        changes = self._image.changes
        changes.dropped.append(zone)
        changes.rolled.pop(zone, None)
        changes.years = {key: told for key, told in changes.years.items() if key[0] != zone}

    def damaged(self, error: object) -> StoreError:
        return self._image.damaged(error)


class NothingBefore:
    """There never was another layout in PostgreSQL."""

    def any(self, probe: str) -> bool:
        return False

    def newest(self, probe: str) -> dict[str, Row]:
        return {}

    def rows(self, probe: str, quantity: str, since_us: int, until_us: int, limit: int) -> list[Row]:
        return []

    def put(self, probe: str, quantity: str, row: Row, origin: int) -> None:
        raise NotImplementedError

    def stretch(self, probe: str, quantities: Sequence[str], most: int) -> dict[str, list[Row]]:
        return {}

    def remove(self, probe: str, until_us: int) -> None:
        raise NotImplementedError
