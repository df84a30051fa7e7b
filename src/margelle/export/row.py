"""A measurement as a row: the columns of every export and of every answer of the hub's own API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.series import DayStatistics
from margelle.ports import Reader

CHUNK: Final = 5000
"""So many measurements are read at once."""

_NEXT: Final = timedelta(microseconds=1)


class Row(Struct, frozen=True, gc=False):
    """One value of one quantity by one probe at one instant.

    `value` is in `unit` (a UCUM code); null where no number could be read. `valid` is false where something speaks against it: `reason` says
    what, in one line, and `doubts` each reason with its kind. `raw` is the number as the vendor wrote it, in `raw_unit`; `origin` the vendor
    and request from which it came.
    """

    at: datetime
    probe: str
    site: str
    quantity: str
    value: float | None
    unit: str
    valid: bool
    reason: str | None
    raw: str
    raw_unit: str
    origin: str
    doubts: tuple[Doubt, ...] | None


class Day(Struct, frozen=True, gc=False):
    """What the valid values of one quantity were on one day of `time_zone`. `doubtful` counts the values left out because something speaks against them."""

    day: date
    time_zone: str
    probe: str
    site: str
    quantity: str
    unit: str
    count: int
    minimum: float
    maximum: float
    mean: float
    median: float
    doubtful: int


class Hour(Struct, frozen=True, gc=False):
    """What the valid values of one quantity were in one hour, which begins at `at`."""

    at: datetime
    probe: str
    site: str
    quantity: str
    unit: str
    count: int
    minimum: float
    maximum: float
    mean: float
    median: float
    doubtful: int


COLUMNS: Final = Row.__struct_fields__


class Series(Struct, frozen=True):
    """One quantity of one probe, at a site (its id)."""

    probe: str
    quantity: str
    site: str


def rows(points: Iterable[Measurement], site: str, catalogue: Catalogue) -> list[Row]:
    """Measurements of one quantity as rows; the unit of a quantity that the catalogue does not know is that of the raw value."""
    found: list[Row] = []
    quantity = unit = ""
    for point in points:
        if point.quantity != quantity:
            quantity = point.quantity
            known = catalogue.get(quantity)
            unit = known.unit.value if known else ""
        raw_unit, doubts = point.raw_unit.value, point.doubts
        found.append(
            Row(
                point.at,
                point.probe,
                site,
                quantity,
                point.value,
                unit or raw_unit,
                not doubts,
                "; ".join(doubt.reason for doubt in doubts) if doubts else None,
                point.raw,
                raw_unit,
                point.origin,
                doubts or None,
            )
        )
    return found


def days(found: Iterable[DayStatistics], series: Series, zone: str, unit: str) -> list[Day]:
    """Statistics of days of that time zone as rows."""
    named = (series.probe, series.site, series.quantity, unit)
    return [
        Day(one.day, zone, *named, one.count, one.minimum, one.maximum, one.mean, one.median, one.doubtful)
        for one in found
    ]


async def chunks(
    reader: Reader,
    series: Series,
    since: datetime | None,
    until: datetime | None,
    *,
    descending: bool = False,
    size: int = CHUNK,
) -> AsyncIterator[Sequence[Measurement]]:
    """A series with since <= at < until, piece by piece, so that however much it is, little is in memory."""
    while True:
        chunk = await reader.history(series.probe, series.quantity, since, until, size, descending=descending)
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
        if descending:
            until = chunk[-1].at
        else:
            since = chunk[-1].at + _NEXT
