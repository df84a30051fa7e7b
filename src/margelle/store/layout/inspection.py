"""Comparing what is kept of probes with what is kept beside it."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

from margelle.errors import StoreError
from margelle.ports import Inspected
from margelle.store import days, digest
from margelle.store.fold import Columns, span
from margelle.store.layout.answers import ALWAYS, Answers
from margelle.store.layout.tables import Head, Place, Tables
from margelle.store.row import Row


class Inspection:
    """Reads probe by probe through tables that stay as they are; counts `points`, adds up their `digest`, and notes `faults`."""

    def __init__(self, tables: Tables) -> None:
        self._tables, self._answers = tables, Answers(tables)
        self.points = self.digest = 0
        self.faults: list[str] = []

    def found(self, share: float) -> Inspected:
        """What was found so far."""
        return Inspected(self.points, digest.spelt(self.digest), tuple(self.faults), share)

    def expect(self, fits: bool, otherwise: str) -> None:
        """Note what does not fit."""
        if not fits:
            self.faults.append(otherwise)

    def probe(self, probe: str) -> None:
        """Read all that is kept of a probe."""
        head = self._tables.heads.get(probe)
        for quantity in self._tables.revisions.quantities(probe):
            try:
                self._quantity(probe, quantity, head)
            except StoreError as error:
                self.faults.append(f"{probe}: {quantity} cannot be read: {error}")
        if head is not None:
            waiting = self._tables.heads.count(head)
            self.expect(waiting == head.pieces, f"{probe}: {waiting} pieces wait, its head says {head.pieces}.")
            self._places(head)

    def _quantity(self, probe: str, quantity: str, head: Head | None) -> None:
        rows = self._answers.column(probe, quantity, *ALWAYS).rows()
        self.points += len(rows)
        self.digest += digest.of(probe, quantity, rows)
        self.expect(all(one[0] < other[0] for one, other in pairwise(rows)), f"{probe}: {quantity} is kept twice.")
        if head is not None:
            newest: Row | None = head.newest.get(quantity)
            self.expect(bool(rows) and newest == rows[-1], f"{probe}: the newest {quantity} is another one.")
            self._statistics_of(head, quantity)

    def _statistics_of(self, head: Head, quantity: str) -> None:
        for name in self._tables.rollup.zones(head.id):
            zone, until_us = ZoneInfo(name), self._tables.rollup.until(head.id, name)
            assert until_us is not None
            column = self._answers.column(head.probe, quantity, ALWAYS[0], until_us)
            true = days.statistics(column, zone, *ALWAYS)
            late = {
                days.day(one[0], zone) for one in self._answers.loose(head, head.probe, quantity, ALWAYS[0], until_us)
            }
            told = self._tables.rollup.all(head.id, name, quantity)
            fits = [one for one in true if one.day not in late] == [one for one in told if one.day not in late]
            self.expect(fits, f"{head.probe}: the statistics of {quantity} in {name} are not those of its points.")

    def _places(self, head: Head) -> None:
        places = [*self._tables.chunks.places(head.id, *ALWAYS)]
        apart = all(one.until < other.since for one, other in pairwise(places))
        self.expect(apart, f"{head.probe}: its chunks overlap.")
        for place in places:
            try:
                fits = _describes(place, self._tables.chunks.read(place))
            except StoreError as error:
                self.faults.append(f"{head.probe}: its chunk {place.id} cannot be read: {error}")
            else:
                self.expect(fits, f"{head.probe}: its chunk {place.id} has other points than it says.")


def _describes(place: Place, columns: Columns) -> bool:
    counts = [len(column) for column in columns.values()]
    return (place.since, place.until, place.count, place.longest) == (*span(columns), sum(counts), max(counts))
