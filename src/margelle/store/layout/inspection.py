"""Comparing what is kept of probes with what is kept beside it: stretch by stretch, so that no history is too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

from margelle.errors import StoreError
from margelle.ports import Inspected
from margelle.store import digest
from margelle.store.layout import comparison
from margelle.store.layout.comparison import REPAIR, RESTORE
from margelle.store.layout.stretch import BEGIN_US, Stretch
from margelle.store.layout.tables import Head, Tables
from margelle.store.row import Row

_GROUP: Final = 16
"""So many chunks are looked at together."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Look(Protocol):
    """The whole store as it was at one moment, for who reads all of it."""

    async def ask(
        self, question: Callable[Concatenate[Tables, str, _P], _T], probe: str, *args: _P.args, **more: _P.kwargs
    ) -> _T:
        """What `question` answers from the tables of a probe."""

    async def stretch(self, probe: str, since_us: int) -> Stretch:
        """What is kept of a probe from an instant on, until where the next stretch begins."""


class Inspection:
    """Reads probe by probe; counts points and revisions, adds up their digests, and notes `faults`."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.points = self.digest = self.revisions = self.revisions_digest = 0
        self.faults: list[str] = []

    def found(self, share: float) -> Inspected:
        """What was found so far."""
        told, past = digest.spelt(self.digest), digest.spelt(self.revisions_digest)
        return Inspected(self.points, told, self.revisions, past, tuple(self.faults), share)

    def expect(self, fits: bool, otherwise: str) -> None:
        """Note what does not fit."""
        if not fits:
            self.faults.append(otherwise)

    async def probe(self, probe: str) -> int:
        """Read all that is kept of a probe; how many points it has."""
        before = self.points
        for part in (self._points, self._places, self._statistics):
            try:
                await part(probe)
            except (StoreError, OverflowError) as error:  # what is damaged may be an instant
                self.faults.append(f"{probe}: {part.__doc__} can be read: {error}")
        return self.points - before

    async def _points(self, probe: str) -> None:
        """not every point"""
        newest: dict[str, Row] = {}
        since_us: int | None = BEGIN_US
        while since_us is not None:
            stretch = await self._look.stretch(probe, since_us)
            for quantity, rows in stretch.rows.items():
                self._rows(probe, quantity, rows, newest.get(quantity))
                newest[quantity] = rows[-1]
            self._past(probe, stretch)
            since_us = stretch.until_us
        head, waiting = await self._look.ask(comparison.head, probe)
        if head is not None:
            self._head(head, newest, waiting)

    def _rows(self, probe: str, quantity: str, rows: Sequence[Row], before: Row | None) -> None:
        self.points += len(rows)
        self.digest += digest.of(probe, quantity, rows)
        there = [before, *rows] if before is not None else rows
        once = all(one[0] < other[0] for one, other in pairwise(there))
        self.expect(once, f"{probe}: {quantity} is kept twice. {RESTORE}")

    def _past(self, probe: str, stretch: Stretch) -> None:
        self.revisions += len(stretch.past)
        self.revisions_digest += digest.of_past(probe, stretch.past)
        instants = (
            {quantity: {row[0] for row in rows} for quantity, rows in stretch.rows.items()} if stretch.past else {}
        )
        lost = {quantity for quantity, _, row in stretch.past if row[0] not in instants.get(quantity, ())}
        for quantity in sorted(lost):
            self.faults.append(f"{probe}: a {quantity} that was corrected is not there any more. {RESTORE}")

    def _head(self, head: Head, newest: dict[str, Row], waiting: int) -> None:
        for quantity in sorted({*newest, *head.newest}):
            fits = newest.get(quantity) == head.newest.get(quantity)
            self.expect(fits, f"{head.probe}: the newest {quantity} is another one. {REPAIR}")
        wrong = f"{head.probe}: {waiting} pieces wait, its head says {head.pieces}. {REPAIR}"
        self.expect(waiting == head.pieces, wrong)

    async def _places(self, probe: str) -> None:
        """not every chunk"""
        places = await self._look.ask(comparison.places, probe)
        apart = all(one.until < other.since for one, other in pairwise(places))
        self.expect(apart, f"{probe}: its chunks overlap. {RESTORE}")
        for n in range(0, len(places), _GROUP):
            group = places[n : n + _GROUP]
            wrong = await self._look.ask(comparison.misplaced, probe, group[0].since, group[-1].since)
            self.faults += [f"{probe}: {told}" for told in wrong]

    async def _statistics(self, probe: str) -> None:
        """not all statistics of days"""
        wrong: set[tuple[str, str]] = set()
        for zone, until_us in await self._look.ask(comparison.zones, probe):
            for part in await self._look.ask(comparison.parts, probe, zone, until_us):
                other = await self._look.ask(comparison.other_days, probe, zone, until_us, part)
                wrong |= {(quantity, zone) for quantity in other}
        for quantity, zone in sorted(wrong):
            told = f"{probe}: the statistics of {quantity} in {zone} are not those of its points. {REPAIR}"
            self.faults.append(told)
