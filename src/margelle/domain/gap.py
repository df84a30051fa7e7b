"""Stretches in which a probe should have measured and nothing is known: found from its rhythm, and what became of them.

Stretches of one series (a quantity of a probe) never overlap. A `filled` one contains readings, any other contains none: what lies between
known readings is judged stretch by stretch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.measurement import Measurement

GapState = Literal["open", "filled", "silent", "lost"]

MISSED: Final = 1.75
"""So many rhythms without a reading: at least one is missing."""

USUAL_RHYTHM_S: Final = 3600.0
"""How often a probe is taken to measure until its past has told."""

_RECENT: Final = 25
_CAME: Final = "Its readings came."
_NO_TIME: Final = frozenset({"future", "past", "withdrawn"})
_RANKS: Final[dict[GapState, int]] = {"open": 0, "lost": 1, "silent": 2, "filled": 3}
"""Where two say something else of one stretch, the higher is known better: readings are there, and an answer is more than none."""


class Gap(Struct, frozen=True):
    """A stretch without readings of one quantity, its ends not counted: what became of it, since when that is known, and why.

    `open`: its readings are still to be asked for; `filled`: they came; `silent`: its cloud was asked and has none; `lost`: there may have
    been some, and nobody can tell them any more. Its probe measures every `every_s`, so a reading is missing where it is silent for 1.75 times as
    long.
    """

    probe: str
    quantity: str
    since: datetime
    until: datetime
    state: GapState
    at: datetime
    why: str = ""
    every_s: float = USUAL_RHYTHM_S


def instants(points: Iterable[Measurement]) -> list[datetime]:
    """When there are readings, in order: a number whose instant may be true. Where a word came instead, the number may come later."""
    return sorted({one.at for one in points if is_reading(one)})


def is_reading(point: Measurement) -> bool:
    """Whether it is a number whose instant may be true."""
    return point.value is not None and not any(doubt.kind in _NO_TIME for doubt in point.doubts)


def rhythm_s(known: Sequence[datetime]) -> float | None:
    """How often a probe measures, in seconds: the median of its newest intervals; None of too few. `known` are in order."""
    intervals = [(later - earlier).total_seconds() for earlier, later in pairwise(known[-_RECENT:])]
    return median(intervals) if len(intervals) >= 4 else None


def holes(known: Iterable[datetime], every_s: float) -> list[tuple[datetime, datetime]]:
    """Where, between two of `known` (in order), at least one reading is missing."""
    most = timedelta(seconds=MISSED * every_s)
    return [(earlier, later) for earlier, later in pairwise(known) if later - earlier > most]


def missing(gap: Gap, known: Sequence[datetime]) -> list[Gap]:
    """What `gap` can be said of, where readings of `known` instants lie in it: its holes. All of it where there are none."""
    within = [at for at in known if gap.since < at < gap.until]
    if not within:
        return [gap]
    return [replace(gap, since=start, until=end) for start, end in holes([gap.since, *within, gap.until], gap.every_s)]


def refilled(gap: Gap, known: Sequence[datetime], now: datetime) -> list[Gap]:
    """`gap` after readings of `known` instants came into it: filled where they lie without a hole, and what it was in its holes."""
    within = [at for at in known if gap.since < at < gap.until]
    left = missing(gap, within)
    if not within:
        return left
    ends = [gap.since, *(end for one in left for end in (one.since, one.until)), gap.until]
    runs = zip(ends[::2], ends[1::2], strict=True)
    came = [
        replace(gap, since=start, until=end, state="filled", at=now, why=_CAME)
        for start, end in runs
        if any(start < at < end for at in within)
    ]
    return sorted([*left, *came], key=lambda one: one.since)


def over(known: Iterable[Gap], gap: Gap) -> list[Gap]:
    """The stretches of a series that overlap `gap`, with `gap` laid over them: what is known better stays, of two alike one is made."""
    alike = [one for one in known if one.state == gap.state]
    others = [one for one in known if one.state != gap.state]
    if any(one.since <= gap.since and gap.until <= one.until for one in alike):
        return [*known]
    whole = replace(gap, since=min(one.since for one in [gap, *alike]), until=max(one.until for one in [gap, *alike]))
    better = [one for one in others if _RANKS[one.state] > _RANKS[gap.state]]
    lesser = [one for one in others if _RANKS[one.state] < _RANKS[gap.state]]
    found = [*better, *without(whole, better), *(piece for one in lesser for piece in without(one, [whole]))]
    return sorted(found, key=lambda one: one.since)


def without(gap: Gap, others: Iterable[Gap]) -> Iterator[Gap]:
    """The parts of `gap` that none of `others` covers."""
    start = gap.since
    for one in sorted(others, key=lambda other: other.since):
        if start < one.since < gap.until:
            yield replace(gap, since=start, until=one.since)
        start = max(start, one.until)
    if start < gap.until:
        yield replace(gap, since=start)
