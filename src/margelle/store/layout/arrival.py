"""What comes in one batch: appended where it is newer than all that is kept, compared where it may be kept already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from margelle.domain.measurement import Measurement
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


class Arrival:
    """Keeps one batch within the caller's transaction."""

    def __init__(self, tables: Tables, folding: Folding, now_us: int) -> None:
        self._tables, self._folding, self._now_us = tables, folding, now_us

    def keep(self, measurements: Sequence[Measurement]) -> tuple[int, int]:
        """Keep measurements; how many of them are new, and how many corrected what was there. Raises BadInput."""
        new = corrected = 0
        for probe, given in rows_of(measurements).items():
            head = self._folding.head(probe)
            tops = _tops_in_order(head.newest, given)
            if tops is not None:
                new += self._append(head, given, tops)
            else:
                became = self._compare(head, given)
                new, corrected = new + became.count("new"), corrected + became.count("corrected")
        return new, corrected

    def review(self, reviewed: Sequence[Measurement]) -> None:
        """Keep other verdicts on what is kept."""
        for probe, points in by_probe(reviewed).items():
            self._review(probe, points)

    def _append(self, head: Head, rows: Rows, tops: Mapping[str, Row]) -> int:
        """Keep rows of which nothing is kept yet, `tops` being the newest ones of their quantities; how many there are."""
        if not tops.keys() <= head.newest.keys():
            for quantity in tops.keys() - head.newest.keys():
                self._tables.revisions.open_series(head.probe, quantity, rows[quantity][0][3])
        head.newest.update(tops)
        head.turn += 1
        count = sum(map(len, rows.values()))
        if count >= MANY:
            self._folding.put(head, rows)
        else:
            self._tables.heads.append(head, rows)
        if head.pieces >= WAITING:
            self._folding.fold(head)
        else:
            self._tables.heads.save(head)
        return count

    def _compare(self, head: Head, given: Rows) -> list[str]:
        """Keep rows that may be kept already; what became of each."""
        desk = self._desk(head, [row[0] for rows in given.values() for row in rows])
        became = [desk.take(quantity, row, self._now_us) for quantity, rows in given.items() for row in rows]
        self._put_back(head, desk)
        return became

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
            rows = sorted_rows({quantity: list(there.values()) for quantity, there in desk.new.items()})
            self._append(head, rows, _tops(head.newest, rows))
        elif desk.changed:
            head.turn += 1
            self._tables.heads.save(head)


def _tops_in_order(newest: Mapping[str, Row], given: Rows) -> dict[str, Row] | None:
    """The last row of each quantity; None unless each row is newer than all that is kept of its quantity and all that came before it."""
    tops = {}
    for quantity, rows in given.items():
        known = newest.get(quantity)
        if known is not None and rows[0][0] <= known[0]:
            return None
        if len(rows) > 1 and any(one[0] >= other[0] for one, other in pairwise(rows)):
            return None
        tops[quantity] = rows[-1]
    return tops


def _tops(newest: Mapping[str, Row], rows: Rows) -> dict[str, Row]:
    """The last of the rows of each quantity that has no newer one."""
    return {
        quantity: of_one[-1]
        for quantity, of_one in rows.items()
        if quantity not in newest or of_one[-1][0] > newest[quantity][0]
    }


def by_probe(points: Iterable[Measurement]) -> dict[str, list[Measurement]]:
    """The points of each probe, in their order."""
    found: dict[str, list[Measurement]] = {}
    for point in points:
        found.setdefault(point.probe, []).append(point)
    return found
