"""The tables that a database brings, as the layout's rules see them; and what they are about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol

from msgspec import Struct

from margelle.domain.series import DayStatistics
from margelle.store.chunk import Column
from margelle.store.fold import Columns
from margelle.store.row import Row


class Head(Struct):
    """A probe that measures: its number, its newest row of each quantity, how many `pieces` wait, whether there is something from `before`, and how often what is kept of it was changed."""

    id: int
    probe: str
    pieces: int
    before: bool
    newest: dict[str, Row]
    turn: int = 0


class Place(Struct, frozen=True):
    """A chunk without its points: its number, first and last instant, how many points it has in all, and of one quantity at most."""

    id: int
    since: int
    until: int
    count: int
    longest: int


class Heads(Protocol):
    """The newest points of each probe, and the pieces that wait to be folded."""

    def get(self, probe: str) -> Head | None:
        """The head of a probe."""

    def make(self, probe: str, newest: dict[str, Row], *, before: bool) -> Head:
        """A new head."""

    def save(self, head: Head) -> None:
        """Keep the head as it is now."""

    def append(self, head: Head, rows: Mapping[str, Sequence[Row]]) -> None:
        """Keep rows that came together; the head is to be saved."""

    def clear(self, head: Head) -> None:
        """Remove the pieces; the head is to be saved."""

    def pieces(self, head: Head) -> Mapping[str, Sequence[Row]]:
        """The rows of all pieces by quantity, in order of time."""

    def count(self, head: Head) -> int:
        """How many pieces there are, whatever the head says."""


class Chunks(Protocol):
    """The chunks of each probe: read by span, and replaced."""

    def places(self, probe: int, since_us: int, until_us: int) -> list[Place]:
        """The chunks of a probe from the last one that begins by `since_us` to the last one that begins by `until_us`."""

    def back(self, probe: int, until_us: int) -> Iterator[Place]:
        """The chunks of a probe that end before `until_us`, the latest first."""

    def settled(self, probe: int) -> int | None:
        """Until when chunks are large enough to stay as they are; None where none is."""

    def read(self, place: Place) -> Columns:
        """All columns of a chunk."""

    def columns(self, probe: int, since_us: int, until_us: int, wanted: Collection[str] | None) -> Iterator[Columns]:
        """The wanted columns of the chunks, in order of time, that have something with since <= at < until, and perhaps more around it."""

    def series(
        self, probe: int, quantity: str, since_us: int, until_us: int, *, newest: bool = False
    ) -> Iterator[Column]:
        """The columns of one quantity likewise, the oldest or the `newest` first. They are not to be changed."""

    def newest(self, probe: int, quantity: str, limit_us: int) -> Row | None:
        """The newest row of a quantity that is not after `limit_us`."""

    def replace(self, probe: int, old: Iterable[Place], new: Iterable[Columns]) -> None:
        """Put chunks, which are proved to hold what they are given, in the place of old ones."""


class Before(Protocol):
    """What is from before there were chunks."""

    def any(self, probe: str) -> bool:
        """Whether there is something left of a probe."""

    def newest(self, probe: str) -> dict[str, Row]:
        """The newest row of each quantity."""

    def rows(self, probe: str, quantity: str, since_us: int, until_us: int, limit: int) -> list[Row]:
        """Rows with since <= at < until, oldest first; at most `limit`."""

    def put(self, probe: str, quantity: str, row: Row, origin: int) -> None:
        """Replace a row."""

    def stretch(self, probe: str, quantities: Sequence[str], most: int) -> dict[str, list[Row]]:
        """The oldest rows of a probe."""

    def remove(self, probe: str, until_us: int) -> None:
        """Remove the rows up to an instant."""


class Revisions(Protocol):
    """What points were before they were corrected, and which quantities there are."""

    def open_series(self, probe: str, quantity: str, unit: str) -> None:
        """Note that the probe measures this."""

    def quantities(self, probe: str) -> list[str]:
        """What a probe has ever measured, in order."""

    def origin(self, name: str) -> int:
        """The number of an origin, for `Before.put`."""

    def keep(self, probe: str, quantity: str, old: Row, now_us: int) -> None:
        """Keep what a row was before it was corrected."""


class Rollups(Protocol):
    """The statistics of days."""

    def until(self, probe: int, zone: str) -> int | None:
        """Before which instant days are known; None where none is."""

    def zones(self, probe: int) -> list[str]:
        """The zones in which days are known."""

    def read(self, probe: int, zone: str, quantity: str, since: date, until: date) -> list[DayStatistics]:
        """The known days with since <= day < until."""

    def parts(self, probe: int, zone: str, quantity: str, since: date, until: date) -> list[list[DayStatistics]]:
        """The known days of the years of since <= day < until, whole years. They are lasting, and not to be changed."""

    def grown(self, columns: Sequence[Column], zone: str, since_us: int) -> list[DayStatistics]:
        """What whole columns of chunks, in order of time, say of the days from `since_us` on: lasting for as long as the columns are the same."""

    def drop(self, probe: int, zone: str) -> None:
        """Forget what is known of a probe in a zone."""

    def renew(self, probe: int, name: str, touched: Iterable[int]) -> None:
        """Compute anew the days of these instants, and go on to the chunks that may still grow."""


class Tables(Protocol):
    """All of them, as they are within one transaction."""

    @property
    def heads(self) -> Heads:
        """Tables head and piece."""

    @property
    def chunks(self) -> Chunks:
        """Table chunk."""

    @property
    def before(self) -> Before:
        """What is from before there were chunks."""

    @property
    def revisions(self) -> Revisions:
        """Table revision."""

    @property
    def rollup(self) -> Rollups:
        """Tables rolled and year."""
