"""One probe as far as it has been read from PostgreSQL: the tables of the layout in memory, on which the layout's rules work without waiting.

What they ask for and is not there yet is `Missing`: it is read, and they begin again. What they change is collected, and written afterwards.
"""

# ruff: noqa: ARG002 - the tables of one probe need not be told of which

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from margelle.errors import StoreError
from margelle.store.fold import sorted_rows
from margelle.store.layout.rollup import Rollup
from margelle.store.layout.tables import Head
from margelle.store.postgres.asking import Asking
from margelle.store.postgres.chunks import ImageChunks
from margelle.store.postgres.kept import PIECE, Changes, Kept, Missing, encode
from margelle.store.row import Row


class Image:
    """The probe `kept` of that database as it is and as it becomes."""

    def __init__(self, kept: Kept, asking: Asking) -> None:
        self.kept, self.name, self.remembered, self.days = kept, asking.name, asking.remembered, asking.days
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
        super().__init__(image.chunks, image.days)
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
