"""Pieces become part of chunks, and so does what is from before there were chunks: each step one short transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from margelle.store.fold import CAPACITY, Columns, Rows, joined, merged, parted, split
from margelle.store.sqlite.heads import Head
from margelle.store.sqlite.tables import Tables

STRETCH: Final = 1000
"""So many points from before there were chunks are folded in one transaction."""
_FAR: Final = 2**63 - 1


class Folding:
    """What moves points to where they stay. Its methods are called within a transaction."""

    def __init__(self, tables: Tables) -> None:
        self._heads, self._chunks, self._before = tables.heads, tables.chunks, tables.before
        self._rollup, self._revisions = tables.rollup, tables.revisions

    def head(self, probe: str) -> Head:
        """The head of a probe, made where there is none."""
        head = self._heads.get(probe)
        if head is None:
            newest = self._before.newest(probe)
            head = self._heads.make(probe, newest, before=bool(newest))
        return head

    def fold(self, head: Head) -> int:
        """Fold the pieces of a probe; how many points they had."""
        rows = self._heads.pieces(head)
        self._heads.clear(head)
        self._heads.save(head)
        self.put(head, rows)
        return sum(map(len, rows.values()))

    def fold_before(self, head: Head) -> int:
        """Fold the oldest stretch of what is from before; how many points it had."""
        quantities = self._revisions.quantities(head.probe)
        rows = self._before.stretch(head.probe, quantities, max(STRETCH // len(quantities), 1))
        self.put(head, rows)
        self._before.remove(head.probe, max(of_one[-1][0] for of_one in rows.values()))
        if not self._before.any(head.probe):
            head.before = False
            self._heads.save(head)
        return sum(map(len, rows.values()))

    def put(self, head: Head, rows: Rows) -> None:
        """Put rows, in order of time, into chunks that do not have them yet."""
        self._put(head, rows)
        self.renew(head, (row[0] for of_one in rows.values() for row in of_one))

    def renew(self, head: Head, touched: Iterable[int]) -> None:
        """Keep the statistics of the days of these instants right."""
        self._rollup.renew(head.id, head.probe, touched)

    def _put(self, head: Head, rows: Rows) -> None:
        since_us = min((of_one[0][0] for of_one in rows.values() if of_one), default=_FAR)
        places = self._chunks.places(head.id, since_us, _FAR)
        if not places or places[-1].until < since_us:
            self._append(head, merged({}, rows), since_us)
            return
        for index, part in parted(rows, [place.since for place in places]).items():
            columns = merged(self._chunks.read(places[index]), part)
            new = split(columns, CAPACITY, last=index + 1 == len(places))
            self._chunks.replace(head.id, [places[index]], new)

    def _append(self, head: Head, columns: Columns, since_us: int) -> None:
        """Put columns after all chunks, together with those before them that are not larger: so each point is encoded few times, and few chunks are small."""
        count, old = sum(map(len, columns.values())), []
        for place in self._chunks.back(head.id, since_us):
            if place.count > count or place.longest >= CAPACITY:
                break
            old.append(place)
            count += place.count
        for place in old:
            columns = joined(self._chunks.read(place), columns)
        self._chunks.replace(head.id, old, split(columns, CAPACITY, last=True))
