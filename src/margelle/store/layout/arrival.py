"""What comes in one batch: appended where it is newer than all that is kept, compared where it may be kept already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from margelle.domain.measurement import Measurement
from margelle.ports import Added
from margelle.store import rules
from margelle.store.fold import Rows, sorted_rows
from margelle.store.layout.desk import Desk
from margelle.store.layout.folding import Folding
from margelle.store.layout.tables import Head, Tables
from margelle.store.row import Row, rows_of

MANY: Final = 512
"""So many points of a probe that come together are folded at once: they will not grow."""
WAITING: Final = 256
"""So many pieces of a probe are folded by who adds the next one, where nobody else did."""

_Given = list[tuple[str, Row]]


class Arrival:
    """Keeps one batch within the caller's transaction."""

    def __init__(self, tables: Tables, folding: Folding, now_us: int) -> None:
        self._tables, self._folding, self._now_us = tables, folding, now_us

    def keep(self, measurements: Sequence[Measurement], reviewed: Sequence[Measurement]) -> Added:
        """Keep measurements and other verdicts; what became of them. Raises BadInput."""
        new = corrected = 0
        for probe, given in rows_of(measurements).items():
            head = self._folding.head(probe)
            fresh = _in_order(head, given)
            one = self._append(head, fresh) if fresh is not None else self._compare(head, given)
            new, corrected = new + one.new, corrected + one.corrected
        for probe, points in _by_probe(reviewed).items():
            self._review(probe, points)
        return Added(new, len(measurements) - new - corrected, corrected)

    def _append(self, head: Head, rows: Rows) -> Added:
        """Keep rows of which nothing is kept yet."""
        for quantity, of_one in rows.items():
            if quantity not in head.newest:
                self._tables.revisions.open_series(head.probe, quantity, of_one[0][3])
        head.rise(rows)
        count = sum(map(len, rows.values()))
        if count >= MANY:
            self._folding.put(head, rows)
        else:
            self._tables.heads.append(head, rows)
        if head.pieces >= WAITING:
            self._folding.fold(head)
        else:
            self._tables.heads.save(head)
        return Added(new=count)

    def _compare(self, head: Head, given: _Given) -> Added:
        desk = self._desk(head, [row[0] for _, row in given])
        became = [desk.take(quantity, row, self._now_us) for quantity, row in given]
        self._put_back(head, desk)
        return Added(became.count("new"), 0, became.count("corrected"))

    def _review(self, probe: str, points: Sequence[Measurement]) -> None:
        head = self._tables.heads.get(probe) or (self._folding.head(probe) if self._tables.before.any(probe) else None)
        if head is not None:
            desk = self._desk(head, [rules.micros(point.at) for point in points])
            for point in points:
                desk.judge(point)
            self._put_back(head, desk)

    def _desk(self, head: Head, instants: Sequence[int]) -> Desk:
        desk = Desk(head, self._tables)
        desk.reach(min(instants), max(instants))
        return desk

    def _put_back(self, head: Head, desk: Desk) -> None:
        touched = desk.put_back()
        if touched:
            self._folding.renew(head, touched)
        if desk.new:
            self._append(head, sorted_rows({quantity: list(there.values()) for quantity, there in desk.new.items()}))
        elif desk.changed:
            self._tables.heads.save(head)


def _in_order(head: Head, given: _Given) -> dict[str, list[Row]] | None:
    """The rows by quantity where each is newer than all that is kept of its quantity and came before; else None."""
    newest = head.newest
    fresh: dict[str, list[Row]] = {}
    for quantity, row in given:
        there = fresh.get(quantity)
        if there is not None:
            if row[0] <= there[-1][0]:
                return None
            there.append(row)
        else:
            known = newest.get(quantity)
            if known is not None and row[0] <= known[0]:
                return None
            fresh[quantity] = [row]
    return fresh


def _by_probe(points: Iterable[Measurement]) -> Mapping[str, list[Measurement]]:
    found: dict[str, list[Measurement]] = {}
    for point in points:
        found.setdefault(point.probe, []).append(point)
    return found
