"""Where points that a probe may have already are compared with what is kept of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from margelle.domain.measurement import Measurement, same
from margelle.store import rules
from margelle.store.fold import Columns, sorted_rows
from margelle.store.layout.tables import Head, Place, Tables
from margelle.store.row import Row, measurement, told

_ONE: Final = 1


class Desk:
    """One probe's points, taken out as far as they are needed; what was changed is put back by `put_back`, in the same transaction."""

    def __init__(self, head: Head, tables: Tables) -> None:
        self._head, self._heads, self._chunks = head, tables.heads, tables.chunks
        self._before, self._revisions = tables.before, tables.revisions
        self._waiting = {
            quantity: {row[0]: row for row in rows} for quantity, rows in tables.heads.pieces(head).items()
        }
        self._places: list[Place] = []
        self._open: dict[int, Columns] = {}
        self._changed: dict[int, list[int]] = {}
        self._rearranged = False
        self.changed = False
        """Whether anything that is kept was replaced."""
        self.new: dict[str, dict[int, Row]] = {}
        """What is not kept yet, by quantity and instant."""

    def reach(self, since_us: int, until_us: int) -> None:
        """Make chunks accessible that may have something with since <= at <= until. Called first."""
        self._places = self._chunks.places(self._head.id, since_us, until_us)

    def take(self, quantity: str, row: Row, now_us: int) -> str:
        """What becomes of a row that arrives: "new", "same", or "corrected"."""
        old = self._find(quantity, row[0])
        if old is None:
            self.new.setdefault(quantity, {})[row[0]] = row
            return "new"
        if self._says_nothing_new(quantity, old, row):
            if rules.nearer(old[4], row[4]):
                self._replace(quantity, (*old[:4], row[4], old[5]))
            return "same"
        self._revisions.keep(self._head.probe, quantity, old, now_us)
        self._replace(quantity, row)
        return "corrected"

    def judge(self, point: Measurement) -> None:
        """Replace the verdicts on what is kept, unless it has been corrected meanwhile."""
        old = self._find(point.quantity, rules.micros(point.at))
        judged = rules.judged(measurement(point.probe, point.quantity, old), point) if old else None
        if old and judged:
            self._replace(point.quantity, (*old[:5], told(judged.doubts)))

    def put_back(self) -> list[int]:
        """Keep what was changed, and take off the desk what is new; the instants of chunks' points that were changed. The head is to be saved."""
        if self._rearranged:
            rows = {quantity: list(there.values()) for quantity, there in self._waiting.items()}
            self._heads.clear(self._head)
            self._heads.append(self._head, sorted_rows(rows))
        for place in self._places:
            if place.id in self._changed:
                self._chunks.replace(self._head.id, [place], [self._open[place.id]])
        return [at_us for instants in self._changed.values() for at_us in instants]

    def _says_nothing_new(self, quantity: str, old: Row, row: Row) -> bool:
        if old[1:4] == row[1:4] and old[5] == row[5]:
            return True
        probe = self._head.probe
        return same(measurement(probe, quantity, old), measurement(probe, quantity, row))

    def _find(self, quantity: str, at_us: int) -> Row | None:
        for there in (self.new, self._waiting):
            if (row := there.get(quantity, {}).get(at_us)) is not None:
                return row
        place = self._place(at_us)
        if place is not None and (index := self._index(place, quantity, at_us)) is not None:
            return self._open[place.id][quantity].rows(index, index + 1)[0]
        rows = self._before.rows(self._head.probe, quantity, at_us, at_us + 1, _ONE) if self._head.before else []
        return rows[0] if rows else None

    def _replace(self, quantity: str, row: Row) -> None:
        """Put a row in the place of the one of the same instant."""
        at_us, newest = row[0], self._head.newest
        self.changed = True
        if newest.get(quantity, row)[0] == at_us and quantity in newest:
            newest[quantity] = row
        for there in (self.new, self._waiting):
            if at_us in there.get(quantity, {}):
                there[quantity][at_us] = row
                self._rearranged |= there is self._waiting
                return
        place = self._place(at_us)
        index = self._index(place, quantity, at_us) if place is not None else None
        if place is not None and index is not None:
            self._open[place.id][quantity].put(index, row)
            self._changed.setdefault(place.id, []).append(at_us)
        else:
            self._before.put(self._head.probe, quantity, row, self._revisions.origin(row[4]))

    def _place(self, at_us: int) -> Place | None:
        n = bisect_right(self._places, at_us, key=lambda place: place.since) - 1
        return self._places[n] if n >= 0 and at_us <= self._places[n].until else None

    def _index(self, place: Place, quantity: str, at_us: int) -> int | None:
        if place.id not in self._open:
            self._open[place.id] = self._chunks.read(place)
        column = self._open[place.id].get(quantity)
        index = bisect_left(column.times, at_us) if column else 0
        return index if column and index < len(column) and column.times[index] == at_us else None
