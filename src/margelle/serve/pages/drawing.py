"""The geometry of what is drawn: in percent of the drawing's width and height, from the left and from the top."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from msgspec import Struct

from margelle.domain.series import Columns, thinned
from margelle.domain.site import Band

MOST_POINTS: Final = 240
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GAP_US: Final = 6 * 3600 * 1_000_000
"""A longer silence breaks the line: nothing is drawn where nothing was measured."""


class Spot(Struct, frozen=True, gc=False):
    """A value and its instant, in microseconds since 1970."""

    at_us: int
    value: float


class Gauge(Struct, frozen=True):
    """Where a value stands among its limits: `begin` to `end` is the part within them, `at` the value."""

    begin: float
    end: float
    at: float


class Spark(Struct, frozen=True):
    """The line of a time span, the water below it, and the values that are doubtful. `low` and `high` are the sound values' own."""

    line: str
    water: str
    doubtful: tuple[tuple[float, float], ...]
    low: float
    high: float


def gauge(value: float, band: Band) -> Gauge | None:
    """A gauge whose middle half lies within the limits, or one whole side of it where there is only one limit."""
    low, high = band.low, band.high
    if low is None and high is None:
        return None
    if low is not None and high is not None:
        if low >= high:
            return None
        return Gauge(25, 75, _held(25 + 50 * (value - low) / (high - low)))
    if low is not None:
        return Gauge(50, 100, _held(50 + 50 * (value - low) / _reach(low)))
    assert high is not None
    return Gauge(0, 50, _held(50 + 50 * (value - high) / _reach(high)))


def _reach(limit: float) -> float:
    return abs(limit) / 2 or 1.0


def _held(at: float) -> float:
    return round(min(max(at, 2), 98), 2)


def spark(
    points: Columns,
    since: datetime,
    until: datetime,
    least_span: float,
    *,
    steps: bool = False,
    most: int = MOST_POINTS,
) -> Spark | None:
    """The sound values of `points` from `since` to `until`; None where there are fewer than two.

    The height spans the values, but at least `least_span`, so that a quiet week looks quiet. The line has about `most` points. With `steps` each value lasts until the next one, the last one until the end.
    """
    every = zip(points.times, points.values, points.doubtful, strict=True)
    spots = [(Spot(at_us, value), doubtful) for at_us, value, doubtful in every if value is not None]
    sound = [spot for spot, doubtful in spots if not doubtful]
    if len(sound) < 2:
        return None
    values = [spot.value for spot in sound]
    low, high = min(values), max(values)
    middle, span = (low + high) / 2, max(high - low, least_span)
    begin_us, whole_us = (span // timedelta(microseconds=1) for span in (since - _EPOCH, until - since))

    def place(spot: Spot) -> tuple[float, float]:
        x = 100 * (spot.at_us - begin_us) / whole_us
        return round(x, 2), round(min(max(50 - 100 * (spot.value - middle) / span, -5), 105), 2)

    if steps:
        stretches = [_steps([place(spot) for spot in sound])]
    else:
        stretches = [[place(spot) for spot in stretch] for stretch in _thinned(_stretches(sound), most)]
    doubted = tuple(place(spot) for spot, doubtful in spots if doubtful)
    return Spark(
        " ".join(map(_path, stretches)), " ".join(_closed(stretch) for stretch in stretches), doubted, low, high
    )


def _steps(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """From each value straight on to the instant of the next one that is another, and there up or down."""
    corners = [places[0]]
    for place in places[1:]:
        if place[1] != corners[-1][1]:
            corners += [(place[0], corners[-1][1]), place]
    return [*corners, (100.0, corners[-1][1])]


def _stretches(spots: Sequence[Spot]) -> list[list[Spot]]:
    """The spots between the longer silences."""
    breaks = [n for n in range(1, len(spots)) if spots[n].at_us - spots[n - 1].at_us > _GAP_US]
    return [list(spots[first:last]) for first, last in pairwise([0, *breaks, len(spots)])]


def _thinned(stretches: list[list[Spot]], most: int) -> list[list[Spot]]:
    """The stretches with about `most` points in all, each with its share of them."""
    total = sum(map(len, stretches))
    return [thinned(stretch, max(2, most * len(stretch) // total)) for stretch in stretches]


def _path(places: Sequence[tuple[float, float]]) -> str:
    if len(places) == 1:  # a lone point is a short stroke
        places = [places[0], (places[0][0] + 0.4, places[0][1])]
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _closed(places: Sequence[tuple[float, float]]) -> str:
    return f"{_path(places)}V200H{places[0][0]:g}Z"
