"""Whether there is nothing in a stretch that any rule could be against: found out from bare numbers, at a fraction of what judging costs.

It is said only where it is sure; then `review` has no verdict on any of the points, whatever the kind of the site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from margelle.domain.verdict.table import BOTH, DRY, FREEZING, JUDGED, JUMPS, RATIOS, RHYTHM, STUCK

Told = tuple[list[int], list[float]]
"""One quantity's sound values: their instants, in microseconds since 1970 and in order, and they themselves."""

Span = tuple[float, float]
"""The lowest and the highest of one quantity's sound values."""

_EVER: Final = float("inf")
_US_PER_HOUR: Final = 3.6e9
RHYTHM_US: Final = round(RHYTHM.total_seconds() * 1e6)
_SURELY: Final = 1 - 1e-6
"""So little under a limit it is not sure, since it is reckoned otherwise than where it is judged."""

_SALTY: Final = frozenset({"salt", "tds", "conductivity"})


class EndRule(Struct, frozen=True, gc=False):
    """What one more value of a series is held against: the rules of one quantity together, and how far under a limit it is sure."""

    below: float
    least: float
    per_hour: float
    relative: bool
    lasting_us: float
    surely: float


def _end_rule(quantity: str) -> EndRule:
    jump = next((rule for rule in JUMPS if rule.quantity == quantity), None)
    below = next((rule.below for rule in DRY if rule.quantity == quantity), -_EVER)
    lasting = next((rule.lasting.total_seconds() * 1e6 for rule in STUCK if rule.quantity == quantity), _EVER)
    if jump is None:
        return EndRule(below, _EVER, 0.0, False, lasting, _SURELY)
    return EndRule(below, jump.least, jump.per_hour, jump.relative, lasting, _SURELY)


def calm(series: Mapping[str, Told]) -> bool:
    """Whether no rule has anything against `series`, by quantity."""
    return _wet(series) and not _jumps(series) and not _stuck(series) and agree(series)


def _wet(series: Mapping[str, Told]) -> bool:
    return all(min(series[rule.quantity][1]) >= rule.below for rule in DRY if rule.quantity in series)


def _jumps(series: Mapping[str, Told]) -> bool:
    for rule in JUMPS:
        if rule.quantity not in series:
            continue
        times, values = series[rule.quantity]
        least = rule.least * min(map(abs, values)) if rule.relative else rule.least
        before = values[0]
        for value in values:
            if value - before > least or before - value > least:
                if _breaks(times, values, rule.least, rule.per_hour, relative=rule.relative):
                    return True
                break
            before = value
    return False


def _breaks(times: Sequence[int], values: Sequence[float], least: float, slope: float, *, relative: bool) -> bool:
    for n in range(1, len(values)):
        one, other = values[n - 1], values[n]
        most = least + slope * ((times[n] - times[n - 1]) / _US_PER_HOUR)
        if abs(other - one) >= (most * max(abs(one), abs(other)) if relative else most) * _SURELY:
            return True
    return False


def _stuck(series: Mapping[str, Told]) -> bool:
    """Whether a value stayed the same for too long, wherever gaps are no longer than a rhythm."""
    for rule in STUCK:
        if rule.quantity not in series:
            continue
        times, values = series[rule.quantity]
        lasting_us = round(rule.lasting.total_seconds() * 1e6)
        begun_us, before_us, same = times[0], times[0], values[0]
        if times[-1] - begun_us < lasting_us:
            continue
        for at_us, value in zip(times, values, strict=True):
            if value != same or at_us - before_us > RHYTHM_US:
                begun_us, same = at_us, value
            elif at_us - begun_us >= lasting_us:
                return True
            before_us = at_us
    return False


def agree(series: Mapping[str, Told]) -> bool:
    """Whether no two quantities contradict each other: whenever they were told, or else at each instant."""
    spans = {
        name: (values[0], values[0]) if len(values) == 1 else (min(values), max(values))
        for name, (_, values) in series.items()
    }
    return apart(spans) or (_thawed(spans) and _paired(series))


def apart(spans: Mapping[str, Span]) -> bool:
    """Whether quantities with these lowest and highest values cannot contradict each other, whenever they were told."""
    return _thawed(spans) and _free(spans)


def _thawed(spans: Mapping[str, Span]) -> bool:
    if "temperature" not in spans or _SALTY.isdisjoint(spans):
        return True
    return spans["temperature"][0] >= FREEZING  # whatever is dissolved


def _free(spans: Mapping[str, Span]) -> bool:
    for ratio in RATIOS:
        if ratio.over in spans and ratio.under in spans:
            (low, high), (least, most) = spans[ratio.over], spans[ratio.under]
            if most >= ratio.least and not (ratio.low * most <= low and high <= ratio.high * max(least, ratio.least)):
                return False
    for rule in BOTH:
        if rule.one in spans and rule.other in spans and spans[rule.one][1] >= rule.least:
            low, high = spans[rule.other]
            if low < rule.bound if rule.below else high > rule.bound:
                return False
    return True


def _paired(series: Mapping[str, Told]) -> bool:
    at = {name: dict(zip(times, values, strict=True)) for name, (times, values) in series.items()}
    for ratio in RATIOS:
        for over, under in _pairs(at, ratio.over, ratio.under):
            if under >= ratio.least and not ratio.low * under <= over <= ratio.high * under:
                return False
    for rule in BOTH:
        for one, other in _pairs(at, rule.one, rule.other):
            if one >= rule.least and (other < rule.bound if rule.below else other > rule.bound):
                return False
    return True


def _pairs(at: Mapping[str, Mapping[int, float]], one: str, other: str) -> Sequence[tuple[float, float]]:
    if one not in at or other not in at:
        return ()
    there = at[other]
    return [(value, there[instant]) for instant, value in at[one].items() if instant in there]


END_RULES: Final = {quantity: _end_rule(quantity) for quantity in JUDGED}
