"""The geometry of what is drawn: in percent of the drawing's width and height, from the left and from the top."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.series import thinned
from margelle.domain.site import Band

MOST_POINTS: Final = 240
_GAP: Final = timedelta(hours=6)
"""A longer silence breaks the line: nothing is drawn where nothing was measured."""


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
    points: Sequence[Measurement],
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
    sound = [point for point in points if point.valid and point.value is not None]
    if len(sound) < 2:
        return None
    values = [point.value for point in sound if point.value is not None]
    low, high = min(values), max(values)
    middle, span = (low + high) / 2, max(high - low, least_span)

    def place(point: Measurement) -> tuple[float, float]:
        value = middle if point.value is None else point.value
        x = 100 * ((point.at - since) / (until - since))
        return round(x, 2), round(min(max(50 - 100 * (value - middle) / span, -5), 105), 2)

    if steps:
        stretches = [_steps([place(point) for point in sound])]
    else:
        stretches = [[place(point) for point in stretch] for stretch in _thinned(_stretches(sound), most)]
    doubtful = tuple(place(point) for point in points if not point.valid and point.value is not None)
    return Spark(
        " ".join(map(_path, stretches)), " ".join(_closed(stretch) for stretch in stretches), doubtful, low, high
    )


def _steps(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """From each value straight on to the instant of the next one that is another, and there up or down."""
    corners = [places[0]]
    for place in places[1:]:
        if place[1] != corners[-1][1]:
            corners += [(place[0], corners[-1][1]), place]
    return [*corners, (100.0, corners[-1][1])]


def _stretches(points: Sequence[Measurement]) -> list[list[Measurement]]:
    stretches: list[list[Measurement]] = []
    for point in points:
        if stretches and point.at - stretches[-1][-1].at <= _GAP:
            stretches[-1].append(point)
        else:
            stretches.append([point])
    return stretches


def _thinned(stretches: list[list[Measurement]], most: int) -> list[list[Measurement]]:
    """The stretches with about `most` points in all, each with its share of them."""
    total = sum(map(len, stretches))
    return [thinned(stretch, max(2, most * len(stretch) // total)) for stretch in stretches]


def _path(places: Sequence[tuple[float, float]]) -> str:
    if len(places) == 1:  # a lone point is a short stroke
        places = [places[0], (places[0][0] + 0.4, places[0][1])]
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _closed(places: Sequence[tuple[float, float]]) -> str:
    return f"{_path(places)}V200H{places[0][0]:g}Z"
