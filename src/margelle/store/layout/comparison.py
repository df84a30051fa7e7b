"""What an inspection asks of one probe's tables. Each question reads a bounded part of it."""

from __future__ import annotations

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from margelle.domain.series import DayStatistics
from margelle.errors import StoreError
from margelle.store import days, rules
from margelle.store.chunk import Column
from margelle.store.fold import Columns, span
from margelle.store.layout.answers import ALWAYS
from margelle.store.layout.rollup import is_zone, windows
from margelle.store.layout.tables import Head, Place, Tables

REPAIR: Final = "`margelle store check --repair` makes that anew from the points."
RESTORE: Final = "Restore your latest backup."


def head(tables: Tables, probe: str) -> tuple[Head | None, int]:
    """Its head, and how many pieces there are."""
    found = tables.heads.get(probe)
    return found, tables.heads.count(found) if found else 0


def places(tables: Tables, probe: str) -> list[Place]:
    """Where its chunks are."""
    found = tables.heads.get(probe)
    return [*tables.chunks.places(found.id, *ALWAYS)] if found else []


def misplaced(tables: Tables, probe: str, since_us: int, until_us: int) -> list[str]:
    """What is wrong with the chunks that begin with since <= at <= until, in words."""
    found, wrong = tables.heads.get(probe), []
    for place in tables.chunks.places(found.id, since_us, until_us) if found else ():
        about = f"its chunk {place.id} ({_spelt(place.since)} to {_spelt(place.until)})"
        try:
            if not describes(place, tables.chunks.read(place)):
                wrong.append(f"{about} has other points than it says. {REPAIR}")
        except StoreError as error:
            wrong.append(f"{about} cannot be read: {error} {RESTORE}")
    return wrong


def zones(tables: Tables, probe: str) -> list[tuple[str, int]]:
    """In which time zones days are known, and before which instant."""
    found = tables.heads.get(probe)
    names = filter(is_zone, tables.rollup.zones(found.id)) if found else ()
    known = [(name, tables.rollup.until(found.id, name)) for name in names if found]
    return [(name, until_us) for name, until_us in known if until_us is not None]


def parts(tables: Tables, probe: str, zone: str, until_us: int) -> list[tuple[int, int]]:
    """All time, in stretches that begin with a day; the last one begins where no day is known any more."""
    known = windows(places(tables, probe), (ALWAYS[0], until_us), ZoneInfo(zone))
    return [*known, (until_us, ALWAYS[1])]


def other_days(tables: Tables, probe: str, zone: str, until_us: int, part: tuple[int, int]) -> set[str]:
    """The quantities of which the days of this part, as they are known, are not those of the chunks' points."""
    found, own = tables.heads.get(probe), ZoneInfo(zone)
    if found is None:
        return set()
    true = _days(tables, found, own, part) if part[0] < until_us else {}
    first = date.min if part[0] <= ALWAYS[0] else days.day(part[0], own)
    end = date.max if part[1] >= ALWAYS[1] else days.day(part[1], own)
    names = {*true, *tables.revisions.quantities(probe)}
    return {name for name in names if true.get(name, []) != tables.rollup.read(found.id, zone, name, first, end)}


def _days(tables: Tables, found: Head, zone: ZoneInfo, part: tuple[int, int]) -> dict[str, list[DayStatistics]]:
    columns: dict[str, list[Column]] = {}
    for chunk in tables.chunks.columns(found.id, *part, None):
        for name, column in chunk.items():
            columns.setdefault(name, []).append(column)
    return {name: days.statistics(Column.joined(of_one), zone, *part) for name, of_one in columns.items()}


def describes(place: Place, columns: Columns) -> bool:
    """Whether a chunk says of itself what is true of its points."""
    counts = [len(column) for column in columns.values()]
    return (place.since, place.until, place.count, place.longest) == (*span(columns), sum(counts), max(counts))


def _spelt(at_us: int) -> str:
    try:
        return f"{rules.instant(at_us):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        return "an instant beyond the calendar"
