"""A panel of a plot as a drawing: in percent of its width and height, so that it fits a phone, a desk and a sheet of paper, without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.site import Band
from margelle.serve.line import MOST_POINTS, Line
from margelle.serve.pages.figures import NO_BREAK, day, number, short_month
from margelle.serve.pages.words import Language, Words
from margelle.serve.plot import Panel, Plot

_TICKS: Final = 4
_EDGE: Final = 4
"""In percent: nearer to an end, a word would be cut."""
_ROOM: Final = 32
"""So many letters stand below a curve on a phone."""
_INSIDE: Final = 3
"""In percent: a doubted value beyond the axis is marked so far from its end."""
_TIMES: Final = 6
_STEPS: Final = tuple(timedelta(minutes=each) for each in (2, 5, 10, 15, 30, 60, 120, 360))
"""Between the times that an axis names."""
_CHANGE: Final = timedelta(minutes=30)
"""By a multiple of this clocks are put forward and back."""
FEW: Final = 16
"""So few points are shown as such: what was measured by hand would be lost in a line."""


class Tick(Struct, frozen=True, omit_defaults=True):
    """A mark of an axis: where it is (in the axis' own measure, or in percent once it is drawn), and what it says. What is `spare` need not be said where there is little room."""

    at: float
    text: str
    spare: bool = False


class Stripe(Struct, frozen=True):
    """A part of the height or width: where it begins and how much it is."""

    begin: float
    size: float


class Trace(Struct, frozen=True):
    """One line: its path, the area between the extremes of its days, its points where they are few, and those that are doubted."""

    path: str
    area: str
    points: tuple[tuple[float, float], ...]
    doubted: tuple[tuple[float, float], ...]


class Curve(Struct, frozen=True):
    """A panel, drawn."""

    traces: tuple[Trace, ...]
    ideal: Stripe | None
    tolerable: Stripe | None
    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    marks: tuple[float, ...]
    holes: tuple[Stripe, ...]


def curve(plot: Plot, panel: Panel, zone: ZoneInfo, words: Words, most: int = MOST_POINTS) -> Curve:
    """The drawing of a panel, each of its lines with at most `most` points."""
    low, high = panel.axis

    def x(at: int) -> float:
        return round(100 * (at - plot.since) / (plot.until - plot.since), 1)

    def y(value: float) -> float:
        return round(min(max(100 * (high - value) / (high - low), 0), 100), 1)

    def stripe(band: Band | None) -> Stripe | None:
        if band is None:
            return None
        top, bottom = (y(high if band.high is None else band.high), y(low if band.low is None else band.low))
        return Stripe(top, round(bottom - top, 2)) if bottom > top else None

    def trace(line: Line) -> Trace:
        line = _coarser(line, most)
        path = _path([(x(at), None if value is None else y(value)) for at, value in _pairs(line.at, line.value)])
        few = _pairs(line.at, line.value) if len(line.at) <= FEW else ()
        points = tuple((x(at), y(value)) for at, value in few if value is not None)
        doubted = zip(line.doubted.at, line.doubted.value, strict=True) if line.doubted else ()
        inside = tuple((x(at), min(max(y(value), _INSIDE), 100 - _INSIDE)) for at, value in doubted)
        return Trace(path, _area(line, x, y), points, inside)

    return Curve(
        tuple(trace(line) for line in panel.lines),
        stripe(panel.ideal),
        stripe(panel.tolerable),
        tuple(Tick(y(each.at), each.text) for each in value_axis(panel, words)),
        tuple(Tick(x(int(each.at)), each.text, each.spare) for each in time_axis(plot, zone, words.language)),
        tuple(x(mark.at) for mark in plot.marks),
        tuple(
            Stripe(x(since), round(x(until) - x(since), 1))
            for since, until in dict.fromkeys(
                (hole.since, hole.until) for hole in plot.holes if hole.quantity == panel.quantity
            )
        ),
    )


def value_axis(panel: Panel, words: Words) -> tuple[Tick, ...]:
    """The round values of a panel, in its unit; or on and off."""
    if panel.on_off:
        return Tick(0, words("off")), Tick(1, words("on"))
    language = words.language
    return tuple(Tick(value, number(value, digits, language)) for value, digits in _round_values(*panel.axis))


def time_axis(plot: Plot, zone: ZoneInfo, language: Language) -> tuple[Tick, ...]:
    """The instants that a plot's axis names, in seconds since 1970."""
    edge = (plot.until - plot.since) * _EDGE / 100
    every = ((int(at.timestamp()), text) for at, text in time_ticks(plot, zone, language))
    named = [each for each in every if plot.since + edge <= each[0] <= plot.until - edge]
    many = sum(len(text) for _, text in named) > _ROOM
    return tuple(Tick(at, text, many and n % 2 == 1) for n, (at, text) in enumerate(named))


def _coarser(line: Line, most: int) -> Line:
    """The line from every so-manyth of its points, the last one and all breaks; the extremes of days are those of the ones left out, too."""
    step = -(-len(line.at) // most)
    if step <= 1:
        return line
    last = len(line.at) - 1
    kept = [n for n, value in enumerate(line.value) if value is None or n % step == 0 or n == last]
    ends = [*kept[1:], len(line.at)]

    def column(values: list[float | None] | None, outer: Callable[[list[float]], float]) -> list[float | None] | None:
        if values is None:
            return None
        known = ([each for each in values[n:end] if each is not None] for n, end in zip(kept, ends, strict=True))
        return [None if line.value[n] is None or not some else outer(some) for n, some in zip(kept, known, strict=True)]

    return replace(
        line,
        at=[line.at[n] for n in kept],
        value=[line.value[n] for n in kept],
        low=column(line.low, min),
        high=column(line.high, max),
    )


def _pairs(at: Sequence[int], value: Sequence[float | None]) -> Iterator[tuple[int, float | None]]:
    return zip(at, value, strict=True)


def _path(places: Sequence[tuple[float, float | None]]) -> str:
    """Lines through the places, broken where there is no value; a lone place is a short stroke."""
    parts: list[str] = []
    broken = True
    for n, (left, top) in enumerate(places):
        if top is None:
            broken = True
            continue
        lone = broken and (n + 1 == len(places) or places[n + 1][1] is None)
        parts.append(f"{'M' if broken else 'L'}{left:g} {top:g}" + ("h.3" if lone else ""))
        broken = False
    return "".join(parts)


def _area(line: Line, x: object, y: object) -> str:
    """The outline between the lowest and highest values of each stretch."""
    assert callable(x)
    assert callable(y)
    if line.low is None or line.high is None:
        return ""
    outlines: list[str] = []
    stretch: list[tuple[float, float, float]] = []
    for at, low, high in [*zip(line.at, line.low, line.high, strict=True), (0, None, None)]:
        if low is not None and high is not None:
            stretch.append((x(at), y(high), y(low)))
        elif len(stretch) > 1:
            forth = "L".join(f"{left:g} {top:g}" for left, top, _ in stretch)
            back = "L".join(f"{left:g} {bottom:g}" for left, _, bottom in reversed(stretch))
            outlines.append(f"M{forth}L{back}Z")
            stretch = []
        else:
            stretch = []
    return "".join(outlines)


def _round_values(low: float, high: float) -> Iterator[tuple[float, int]]:
    """About four round numbers between the ends, with the digits that they need."""
    raw = (high - low) / _TICKS
    magnitude = 10.0 ** _exponent(raw)
    step = next(magnitude * each for each in (1, 2, 2.5, 5, 10) if magnitude * each >= raw * 0.999)
    digits = next((n for n in range(7) if abs(step - round(step, n)) < step * 1e-6), 6)
    first = -(-low // step)
    for n in range(int(high // step - first) + 1):
        yield round((first + n) * step, digits), digits


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def time_ticks(plot: Plot, zone: ZoneInfo, language: Language) -> list[tuple[datetime, str]]:
    """Instants that people name, about six of them: hours, midnights, first days of months or years, at the place."""
    since, until = (datetime.fromtimestamp(at, UTC).astimezone(zone) for at in (plot.since, plot.until))
    span = timedelta(seconds=plot.until - plot.since)
    if span <= timedelta(days=2):
        return [(at, _time(at, zone, language)) for at in _times(since, until, span)]
    if span <= timedelta(days=63):
        step = 1 if span <= timedelta(days=8) else 7 if span <= timedelta(days=35) else 14
        midnights = [_midnight(since + timedelta(days=n)) for n in range(1, span.days + 2, step)]
        return [(at, _day(at, zone, language, step)) for at in midnights if since < at < until]
    months = [at for at in _months(since, until) if since < at < until]
    if span <= timedelta(days=800):
        step = 1 if len(months) <= 6 else 2
        return [(at, short_month(at, language)) for at in months[::step]]
    years = [at for at in months if at.month == 1]
    return [(at, str(at.year)) for at in years[:: max(1, -(-len(years) // 6))]]


def _day(at: datetime, zone: ZoneInfo, language: Language, step_days: int) -> str:
    """Short, since there are several beside each other on a phone."""
    if step_days == 1:
        return day(at, zone, language, short=True)
    return f"{at.astimezone(zone).day}{NO_BREAK}{short_month(at.astimezone(zone), language)}"


def _time(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """The time of day; of midnight, which day begins."""
    return f"{at:%H:%M}" if at.hour or at.minute or at.fold else day(at, zone, language, short=True)


def _times(since: datetime, until: datetime, span: timedelta) -> Iterator[datetime]:
    """Round times of a clock, about six of them and none closer than the others, also where the clock skips an hour or one comes twice."""
    step = next((each for each in _STEPS if span / each <= _TIMES), _STEPS[-1])
    grain = min(step, _CHANGE)
    at = since.astimezone(UTC) - (since - _midnight(since)) % grain  # in UTC each instant comes once
    last = at - step
    while (at := at + grain) < until:
        here = at.astimezone(since.tzinfo)
        if (here - _midnight(here)) % step == timedelta() and at - last >= step:
            last = at
            yield here


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _months(since: datetime, until: datetime) -> Iterator[datetime]:
    """The first midnight of each month."""
    year, number_of = since.year, since.month
    while (year, number_of) <= (until.year, until.month):
        yield since.replace(year=year, month=number_of, day=1, hour=0, minute=0, second=0, microsecond=0)
        year, number_of = (year + 1, 1) if number_of == 12 else (year, number_of + 1)
