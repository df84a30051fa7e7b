"""Shapes of a series of measurements: by instant, by day, and thinned for a plot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import fsum, isfinite
from statistics import fmean, median
from typing import Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from margelle.domain.measurement import Measurement, Reading

MOMENT: Final = timedelta(microseconds=1)
"""The shortest time that is told apart: what ends before an instant ends so much earlier."""


class DayStatistics(Struct, frozen=True):
    """What the valid values of one quantity were on one day; in the quantity's canonical unit.

    `doubtful` counts the values left out because something speaks against them.
    """

    day: date
    count: int
    minimum: float
    maximum: float
    mean: float
    median: float
    doubtful: int = 0


class Columns(Struct, frozen=True):
    """Points of one quantity by one probe as three lists, oldest first: for plots and figures, at a fraction of the cost of measurements.

    `times` are microseconds since 1970 in UTC; `values` in the quantity's canonical unit, None where no number could be read; `doubtful` tells
    where something speaks against the value.
    """

    times: list[int]
    values: list[float | None]
    doubtful: list[bool]


NOTHING: Final = Columns([], [], [])
"""No points."""


class Points(Struct):
    """Points of one quantity by one probe in order of time, as they are kept: six lists of equal length.

    `times` are microseconds since 1970 in UTC; `values` in the quantity's canonical unit, None where no number could be read; `raws` what the
    vendor wrote, None where that is the shortest decimal that spells the value; `units` the UCUM codes of what was written; `doubts` are JSON,
    None where there is none.
    """

    times: list[int]
    values: list[float | None]
    raws: list[str | None]
    units: list[str]
    origins: list[str]
    doubts: list[str | None]


POINT_BYTES: Final = 150
"""About so much memory takes a point of `Points`: 110 without a raw text, more where every text is another one."""
DAY_BYTES: Final = 250
"""And a day of `DayStatistics`."""


class Slice(Struct, frozen=True):
    """The `points` from index `first` to before `last`. Nobody may change them.

    Where they are `lasting`, the same object is likely to be told again, for as long as the points in it stay what they are.
    """

    points: Points
    first: int
    last: int
    lasting: bool = False

    def __len__(self) -> int:
        return self.last - self.first

    def cut(self, most: int, *, newest: bool = False) -> Slice:
        """At most so many points of it, the oldest or the `newest`."""
        if len(self) <= most:
            return self
        first, last = (self.last - most, self.last) if newest else (self.first, self.first + most)
        return Slice(self.points, first, last, self.lasting)


class DaySlice(Struct, frozen=True):
    """The `days` from index `first` to before `last`, in order. Nobody may change them; `lasting` is as in `Slice`."""

    days: Sequence[DayStatistics]
    first: int
    last: int
    lasting: bool = False

    def __len__(self) -> int:
        return self.last - self.first

    def told(self) -> Sequence[DayStatistics]:
        """These days alone."""
        return self.days[self.first : self.last]

    def cut(self, most: int) -> DaySlice:
        """At most so many of them, the oldest."""
        return self if len(self) <= most else DaySlice(self.days, self.first, self.first + most, self.lasting)


def by_instant(measurements: Iterable[Measurement]) -> list[Reading]:
    """`measurements` grouped by probe and instant, in order of instant, then probe."""
    groups: defaultdict[tuple[datetime, str], dict[str, Measurement]] = defaultdict(dict)
    for measurement in measurements:
        groups[measurement.at, measurement.probe][measurement.quantity] = measurement
    return [Reading(probe, at, groups[at, probe]) for at, probe in sorted(groups)]


def by_day(measurements: Iterable[Measurement], time_zone: str = "UTC") -> list[DayStatistics]:
    """Statistics of each calendar day of `time_zone` (IANA name) that has a valid value; all of one quantity, in any order."""
    zone = ZoneInfo(time_zone)
    begin = end = datetime.min.replace(tzinfo=UTC)
    values: defaultdict[date, list[float]] = defaultdict(list)
    doubtful: defaultdict[date, int] = defaultdict(int)
    for measurement in measurements:
        if not begin <= measurement.at < end:  # most are of the same day as the one before
            day = measurement.at.astimezone(zone).date()
            begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        if measurement.valid and measurement.value is not None:
            values[day].append(measurement.value)
        else:
            doubtful[day] += 1
    return [
        DayStatistics(day, len(of_day), min(of_day), max(of_day), mean(of_day), middle(of_day), doubtful[day])
        for day, of_day in sorted(values.items())
    ]


def days_between(since: datetime, until: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last day in `zone` of a span that ends before `until`: at midnight the next one has not begun."""
    return since.astimezone(zone).date(), (until - MOMENT).astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a day begins in `zone`."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def mean(values: Sequence[float]) -> float:
    """Their arithmetic mean, also where their sum is beyond all floats."""
    try:
        return fmean(values)
    except OverflowError:
        return fsum(value / len(values) for value in values)


def middle(values: Sequence[float]) -> float:
    """Their median, also where the sum of the two in the middle is beyond all floats."""
    found = median(values)
    return found if isfinite(found) else 2 * median([value / 2 for value in values])


class Valued(Protocol):
    """A point of a series: a measurement, or less of one."""

    @property
    def value(self) -> float | None:
        """Its value; None where no number could be read."""


_Point = TypeVar("_Point", bound=Valued)


def thinned(points: Sequence[_Point], most: int) -> list[_Point]:
    """At most `most` (at least 2) of `points`, in order, that draw the same line: each stretch keeps its lowest and highest value.

    The points are of one series, oldest first. A point without a value is kept only where nothing is thinned.
    Raises ValueError where `most` is below 2.
    """
    if most < 2:
        raise ValueError("a line has at least 2 points")
    if len(points) <= most:
        return list(points)
    known = [point for point in points if point.value is not None]
    value = [point.value or 0.0 for point in known].__getitem__
    stretches = most // 2
    kept: list[_Point] = []
    for n in range(stretches):
        stretch = range(n * len(known) // stretches, (n + 1) * len(known) // stretches)
        if stretch:
            kept += [known[index] for index in sorted({min(stretch, key=value), max(stretch, key=value)})]
    return kept


class HourStatistics(Struct, frozen=True):
    """What the valid values of one quantity were in the hour that begins `at`, as `DayStatistics` has it of a day."""

    at: datetime
    count: int
    minimum: float
    maximum: float
    mean: float
    median: float
    doubtful: int = 0


def by_hour(measurements: Iterable[Measurement]) -> list[HourStatistics]:
    """Statistics of each hour (UTC) that has a valid value; all of one quantity, in any order."""
    values: defaultdict[datetime, list[float]] = defaultdict(list)
    doubtful: defaultdict[datetime, int] = defaultdict(int)
    for measurement in measurements:
        hour = measurement.at.replace(minute=0, second=0, microsecond=0)
        if measurement.valid and measurement.value is not None:
            values[hour].append(measurement.value)
        else:
            doubtful[hour] += 1
    return [
        HourStatistics(hour, len(of_hour), min(of_hour), max(of_hour), mean(of_hour), middle(of_hour), doubtful[hour])
        for hour, of_hour in sorted(values.items())
    ]
