"""Functions of a range: what the samples of a series in a span before an instant come to.

Their definitions are those of https://prometheus.io/docs/prometheus/2.45/querying/functions/; a span has both its ends in it, as there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from margelle.serve.prometheus.value import divided, quantile, total, variance


class Window(Struct):
    """The samples (instants in milliseconds, values) in the `range_ms` before `at_ms`; at least one. `now_ms` is the instant that is asked for, where `offset` or `@` look at another."""

    times: Sequence[int]
    values: Sequence[float]
    at_ms: int
    range_ms: int
    now_ms: int


Worth = Callable[[Window], float | None]


def _extrapolated(window: Window, *, counter: bool, rate: bool) -> float | None:
    """The difference over the whole range, as far as the samples tell what was beyond them."""
    times, values = window.times, window.values
    if len(values) < 2:
        return None
    change = values[-1] - values[0]
    if counter:
        change += sum(before for before, after in pairwise(values) if after < before)
    to_start_s = (times[0] - (window.at_ms - window.range_ms)) / 1000
    to_end_s = (window.at_ms - times[-1]) / 1000
    sampled_s = (times[-1] - times[0]) / 1000
    between_s = sampled_s / (len(values) - 1)
    if counter and change > 0 and values[0] >= 0:
        to_start_s = min(to_start_s, sampled_s * (values[0] / change))
    covered_s = sampled_s
    for beyond_s in (to_start_s, to_end_s):
        covered_s += beyond_s if beyond_s < between_s * 1.1 else between_s / 2
    factor = divided(covered_s, sampled_s)
    return change * (factor / (window.range_ms / 1000) if rate else factor)


def _instant(window: Window, *, rate: bool) -> float | None:
    if len(window.values) < 2:
        return None
    before, after = window.values[-2:]
    change = after if rate and after < before else after - before
    return divided(change, (window.times[-1] - window.times[-2]) / 1000) if rate else change


def line(window: Window, origin_ms: int) -> tuple[float, float] | None:
    """Slope (for each second) and height at `origin_ms` of the straight line that fits best, by least squares."""
    if len(window.values) < 2:
        return None
    if all(value == window.values[0] for value in window.values):
        return (math.nan, math.nan) if math.isinf(window.values[0]) else (0.0, window.values[0])
    many = len(window.values)
    xs = [(at_ms - origin_ms) / 1000 for at_ms in window.times]
    sum_x, sum_y = total(xs), total(window.values)
    covariance = total([x * y for x, y in zip(xs, window.values, strict=True)]) - sum_x * sum_y / many
    slope = divided(covariance, total([x * x for x in xs]) - sum_x * sum_x / many)
    return slope, sum_y / many - slope * sum_x / many


def _slope(window: Window) -> float | None:
    found = line(window, window.times[0])
    return None if found is None else found[0]


def _changes(window: Window) -> float:
    pairs = pairwise(window.values)
    return float(sum(one != other and not (math.isnan(one) and math.isnan(other)) for one, other in pairs))


def _resets(window: Window) -> float:
    return float(sum(after < before for before, after in pairwise(window.values)))


PLAIN: Final[dict[str, Worth]] = {
    "avg_over_time": lambda window: total(window.values) / len(window.values),
    "min_over_time": lambda window: min(window.values),
    "max_over_time": lambda window: max(window.values),
    "sum_over_time": lambda window: total(window.values),
    "count_over_time": lambda window: float(len(window.values)),
    "last_over_time": lambda window: window.values[-1],
    "present_over_time": lambda _: 1.0,
    "stddev_over_time": lambda window: math.sqrt(variance(window.values)),
    "stdvar_over_time": lambda window: variance(window.values),
    "rate": lambda window: _extrapolated(window, counter=True, rate=True),
    "increase": lambda window: _extrapolated(window, counter=True, rate=False),
    "delta": lambda window: _extrapolated(window, counter=False, rate=False),
    "irate": lambda window: _instant(window, rate=True),
    "idelta": lambda window: _instant(window, rate=False),
    "deriv": _slope,
    "changes": _changes,
    "resets": _resets,
}
"""The functions of a range alone."""


def quantile_of(share: float) -> Worth:
    """`quantile_over_time` of this share."""
    return lambda window: quantile(share, window.values)


def prediction(ahead_s: float) -> Worth:
    """`predict_linear`, so many seconds ahead."""

    def told(window: Window) -> float | None:
        found = line(window, window.now_ms)
        return None if found is None else found[1] + found[0] * ahead_s

    return told
