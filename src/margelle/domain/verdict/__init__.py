"""Verdicts that need a point's neighbours: judged for a stretch of one probe's measurements, without changing a value.

A verdict is a function of the measurements around the point and of the rules alone: not of when or in which order they came. So it can be
computed again at any time, and in any part of a series, as long as `REACH` on either side of that part is there to be seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Final
from zlib import crc32

from msgspec.structs import replace

from margelle.domain.measurement import Doubt, DoubtKind, Measurement
from margelle.domain.plausible import alone
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import SiteKind
from margelle.domain.verdict.beside import contradictions, dry, frozen, together
from margelle.domain.verdict.jump import jumps
from margelle.domain.verdict.stuck import stuck
from margelle.domain.verdict.table import JUDGED, JUMPS, REACH, STUCK, VERSION

__all__ = ["JUDGED", "REACH", "VERSION", "review", "stamp"]

_Verdicts = dict[str, dict[datetime, Doubt]]
_QUICK: Final[frozenset[SiteKind]] = frozenset({"plant"})
_POOR: Final[frozenset[SiteKind]] = frozenset({"plant", "tank"})


def stamp(catalogue: Catalogue = CATALOGUE) -> str:
    """What verdicts depend on beside measurements: another one where a rule, or the range of a quantity, is another."""
    ranges = ";".join(f"{one.name} {one.low:g} {one.high:g}" for one in catalogue)
    return f"{VERSION}-{crc32(ranges.encode()):08x}"


def review(
    points: Sequence[Measurement], kind: SiteKind = "other", catalogue: Catalogue = CATALOGUE
) -> list[Measurement]:
    """`points`, all of one probe, in their order, each with the doubts that it came with and the verdicts of the present rules.

    A point that keeps its doubts is returned itself. `kind` is that of the probe's site: a `plant` may change its water at will, and a
    `tank` may hold rain. A point that is doubted by itself is no witness for others.
    """
    bare = [alone(point, catalogue) for point in points]
    series: defaultdict[str, list[Measurement]] = defaultdict(list)
    for point in bare:
        if not point.doubts and point.value is not None and point.quantity in JUDGED:
            series[point.quantity].append(point)
    for each in series.values():
        each.sort(key=_instant)
    verdicts = _verdicts(series, kind)
    return [_settled(point, one, verdicts) for point, one in zip(points, bare, strict=True)]


def _verdicts(series: dict[str, list[Measurement]], kind: SiteKind) -> _Verdicts:
    """At most one verdict for each point: what explains most is said first."""
    said: _Verdicts = defaultdict(dict)
    if kind not in _POOR:
        _say(said, "exposed", dry(series))
    if kind not in _QUICK:
        jumped = {
            rule.quantity: jumps(_but(series[rule.quantity], said[rule.quantity]), rule)
            for rule in JUMPS
            if rule.quantity in series
        }
        _say(said, "jump", ((name, at, why) for name, found in jumped.items() for at, why in found.items()))
        _say(said, "exposed", together(series, jumped))
    for rule in STUCK:
        found = stuck(series.get(rule.quantity, ()), rule)
        _say(said, "stuck", ((rule.quantity, at, why) for at, why in found.items()))
    _say(said, "cross", contradictions(series))
    if kind not in _QUICK:  # whose water may hold what no conductivity tells, such as glycol
        _say(said, "cross", frozen(series))
    return said


def _say(said: _Verdicts, kind: DoubtKind, found: Iterable[tuple[str, datetime, str]]) -> None:
    for quantity, at, why in found:
        said[quantity].setdefault(at, Doubt(kind, why))


def _settled(point: Measurement, bare: Measurement, verdicts: _Verdicts) -> Measurement:
    doubt = verdicts[bare.quantity].get(bare.at) if not bare.doubts and bare.quantity in verdicts else None
    doubts = (doubt,) if doubt else bare.doubts
    return point if point.doubts == doubts else replace(point, doubts=doubts)


def _but(series: list[Measurement], dry: Container[datetime]) -> list[Measurement]:
    return [point for point in series if point.at not in dry] if dry else series


def _instant(point: Measurement) -> datetime:
    return point.at
