"""One series as a line: its readings, thinned where they are many, or its days. What is only on or off is in `held`.

Pure shaping over what is kept: columns of numbers in the units that the reader prefers, never more than a screen can show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from margelle.domain.limits import Bands, standing
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue, is_state
from margelle.domain.series import DayStatistics, days_between, mean, middle, midnight, thinned
from margelle.serve.scale import Scale

MOST_POINTS: Final = 600
MOST_BUCKETS: Final = 380
"""Of one line: more than a screen has room for, and a year of days."""

MOST_DOUBTED: Final = 200

READINGS_UP_TO: Final = timedelta(days=63)
"""A longer span is drawn from its days."""

SILENCE: Final = timedelta(hours=6)
"""A longer one breaks the line of readings: nothing is drawn where nothing was measured."""


class Track(Struct, frozen=True):
    """One quantity of one probe, to be drawn."""

    probe: str
    quantity: str


class Doubted(Struct, frozen=True):
    """The values of a line that something speaks against, newest kept where there are too many: when, what, and why (kind and reason)."""

    at: list[int]
    value: list[float]
    kind: list[str]
    reason: list[str]


class Line(Struct, frozen=True):
    """A line as columns: instants in epoch seconds, and values (null: a break). Of days, `value` is the median, `low` and `high` the extremes, and `doubtful` counts what was left out."""

    probe: str
    at: list[int]
    value: list[float | None]
    low: list[float | None] | None = None
    high: list[float | None] | None = None
    doubtful: list[int] | None = None
    doubted: Doubted | None = None


class Summary(Struct, frozen=True):
    """What the sound values of a line were. Over a long span `median` is that of the days' medians; `within` is the part (0 to 1) of readings, or of days by their median, within the ideal limits.

    Of what is on or off `minimum` and `maximum` are what it held, and `mean` is its duty; where nothing was told in the span, it held what it was told before, and `count` is 0.
    """

    probe: str
    count: int
    minimum: float
    median: float
    mean: float
    maximum: float
    doubtful: int
    within: float | None = None


class View(Struct, frozen=True):
    """What is to be drawn: a span (since <= at < until), whose days are those of `time_zone`, for who prefers these `units` (UCUM codes by quantity); `bands` are the limits by quantity.

    `states` are the quantities that are on or off; the newest holds until `now`.
    """

    since: datetime
    until: datetime
    time_zone: str = "UTC"
    units: Mapping[str, str] = {}
    bands: Mapping[str, Bands] = {}
    catalogue: Catalogue = CATALOGUE
    states: frozenset[str] = frozenset()
    now: datetime | None = None

    def is_state(self, quantity: str) -> bool:
        """Whether a quantity is only ever on or off."""
        return is_state(quantity, self.catalogue, self.states)

    @property
    def by_days(self) -> bool:
        """Whether it is so long that it is drawn from its days."""
        return self.until - self.since > READINGS_UP_TO

    @property
    def days(self) -> tuple[date, date]:
        """Its first and its last day."""
        return days_between(self.since, self.until, ZoneInfo(self.time_zone))


def of_readings(
    track: Track, points: Sequence[Measurement], scale: Scale, bands: Bands | None
) -> tuple[Line, Summary | None]:
    """Every reading, thinned where they are many, with breaks where nothing was measured; and what they were in all."""
    sound = [point for point in points if point.valid and point.value is not None]
    doubted = [point for point in points if not point.valid]
    at: list[int] = []
    value: list[float | None] = []
    for stretch in _stretches(sound):
        if at:
            at.append(at[-1] + 1)
            value.append(None)
        for point in thinned(stretch, max(2, MOST_POINTS * len(stretch) // len(sound))):
            at.append(epoch_s(point.at))
            value.append(_read(scale, point.value))
    line = Line(track.probe, at, value, doubted=_doubted(doubted, scale))
    return line, _summary(
        track, [point.value for point in sound if point.value is not None], len(doubted), scale, bands
    )


def _stretches(points: Sequence[Measurement]) -> list[list[Measurement]]:
    found: list[list[Measurement]] = []
    for point in points:
        if found and point.at - found[-1][-1].at <= SILENCE:
            found[-1].append(point)
        else:
            found.append([point])
    return found


def _doubted(points: Sequence[Measurement], scale: Scale) -> Doubted:
    """Of those with a value: one that came as no number has no place in a plot."""
    shown = [point for point in points if point.value is not None][-MOST_DOUBTED:]
    return Doubted(
        [epoch_s(point.at) for point in shown],
        [_read(scale, point.value) or 0.0 for point in shown],
        [point.doubts[0].kind for point in shown],
        [point.doubts[0].reason for point in shown],
    )


def _summary(track: Track, values: Sequence[float], doubtful: int, scale: Scale, bands: Bands | None) -> Summary | None:
    if not values:
        return None
    within = sum(standing(value, bands) == "within" for value in values) / len(values) if bands else None
    figures = (_read(scale, figure) or 0.0 for figure in (min(values), middle(values), mean(values), max(values)))
    low, usual, average, high = figures
    return Summary(track.probe, len(values), low, usual, average, high, doubtful, within)


def of_days(
    track: Track, days: Sequence[DayStatistics], view: View, scale: Scale, bands: Bands | None
) -> tuple[Line, Summary | None]:
    """The days' lowest, median and highest values; and what they were in all."""
    step = step_days(view)
    at: list[int] = []
    shown: list[DayStatistics | None] = []
    before = None
    for each in days if step == 1 else together(days, step):
        place = each.day.toordinal() // step
        if before is not None and place - before > 2:
            at.append(at[-1] + 1)
            shown.append(None)
        at.append(noon_s(each.day, view.time_zone))
        shown.append(each)
        before = place
    line = Line(
        track.probe,
        at,
        _column(scale, [each.median if each else None for each in shown]),
        _column(scale, [each.minimum if each else None for each in shown]),
        _column(scale, [each.maximum if each else None for each in shown]),
        [each.doubtful if each else 0 for each in shown],
    )
    return line, _summary_of_days(track, days, scale, bands)


def mean_of(days: Sequence[DayStatistics]) -> float:
    """Of all readings of these days."""
    return sum(each.mean * each.count for each in days) / sum(each.count for each in days)


def together(days: Sequence[DayStatistics], step: int) -> Iterator[DayStatistics]:
    """The statistics of each `step` days, as of the one in their middle."""
    for _, group in groupby(days, key=lambda each: each.day.toordinal() // step):
        some = list(group)
        yield DayStatistics(
            some[len(some) // 2].day,
            sum(each.count for each in some),
            min(each.minimum for each in some),
            max(each.maximum for each in some),
            mean_of(some),
            middle([each.median for each in some]),
            sum(each.doubtful for each in some),
        )


@lru_cache(maxsize=8192)
def noon_s(day: date, time_zone: str) -> int:
    """Noon of a day at a place: asked for again with each quantity, and with each page."""
    return epoch_s(midnight(day, ZoneInfo(time_zone)) + timedelta(hours=12))


def _column(scale: Scale, values: Sequence[float | None]) -> list[float | None]:
    """What `_read` makes of each value."""
    if scale.decimals is None or scale.kept is not scale.read:
        return [_read(scale, value) for value in values]
    digits = scale.decimals + 1
    return [None if value is None else round(value, digits) for value in values]


def _summary_of_days(track: Track, days: Sequence[DayStatistics], scale: Scale, bands: Bands | None) -> Summary | None:
    if not days:
        return None
    count = sum(each.count for each in days)
    within = sum(standing(each.median, bands) == "within" for each in days) / len(days) if bands else None
    return Summary(
        track.probe,
        count,
        _read(scale, min(each.minimum for each in days)) or 0.0,
        _read(scale, middle([each.median for each in days])) or 0.0,
        _read(scale, mean_of(days)) or 0.0,
        _read(scale, max(each.maximum for each in days)) or 0.0,
        sum(each.doubtful for each in days),
        within,
    )


def step_days(view: View) -> int:
    """How many days one point of a long span stands for."""
    return max(1, -(-(view.until - view.since).days // MOST_BUCKETS))


def _read(scale: Scale, value: float | None) -> float | None:
    """A value in the reader's unit, with one digit more than a page shows: what nobody can see need not be sent."""
    if value is None:
        return None
    read = scale.of(value)
    return float(f"{read:.7g}") if scale.decimals is None else round(read, scale.decimals + 1)


def epoch_s(at: datetime) -> int:
    """The instant in whole seconds since 1970."""
    return int(at.astimezone(UTC).timestamp())
