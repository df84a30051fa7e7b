"""Gaps: found from a probe's rhythm, told apart from silence at the source, and filled or given up. Pure: changes only the progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from margelle.collect.progress import Progress, Series, Track
from margelle.ports import Gap, GapState, Window

SPANS: Final[dict[Window, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
"""How far back each window of a cloud reaches, the cheapest first."""

MISSED: Final = 1.75
"""So many rhythms without a reading: at least one is missing."""

QUICK: Final = timedelta(minutes=10)
QUICK_FOR: Final = timedelta(hours=1)
"""A probe that was restarted measures every ten minutes for an hour."""

EMPTY: Final = 2
"""So many answers in a row without any latest value: it is asked for otherwise."""

_RECENT: Final = 25
_STEP: Final = timedelta(days=1)
_MARGIN: Final = timedelta(minutes=5)


def window_for(since: datetime, now: datetime, reach: Window = "month") -> Window:
    """The smallest window, ending now, that reaches back to `since`; `reach`, the largest that the cloud knows, where none does."""
    known = [name for name in SPANS if SPANS[name] <= SPANS[reach]]
    return next((name for name in known if now - since + _MARGIN <= SPANS[name]), reach)


def rhythm_s(instants: Sequence[datetime]) -> float | None:
    """How often a probe measures, in seconds: the median of its newest intervals; None of too few. `instants` are in order."""
    intervals = [(later - earlier).total_seconds() for earlier, later in pairwise(instants[-_RECENT:])]
    return median(intervals) if len(intervals) >= 4 else None


def holes(instants: Iterable[datetime], every_s: float) -> list[tuple[datetime, datetime]]:
    """Where, between two of `instants` (in order), at least one reading is missing."""
    most = timedelta(seconds=MISSED * every_s)
    return [(earlier, later) for earlier, later in pairwise(instants) if later - earlier > most]


def arrived(track: Track, instants: Mapping[str, datetime], now: datetime, *, empty: bool) -> None:
    """Take over the newest instant of each quantity, as an answer told them; `empty` says that it told nothing at all."""
    track.empties = track.empties + 1 if empty else 0
    newest = max(instants.values(), default=None)
    if newest is None or (track.newest is not None and newest <= track.newest):
        track.misses += 1
        if track.quick_until is not None and now < track.quick_until:
            track.quick_until = track.suspect_at = now
    else:
        _notice_restart(track, newest, now)
        track.misses, track.newest = 0, newest
    for quantity, at in instants.items():
        _advance(track.series.setdefault(quantity, Series()), at)


def _notice_restart(track: Track, newest: datetime, now: datetime) -> None:
    """A reading off the rhythm is the only sign that a device was restarted, and of quick readings that nobody saw."""
    if track.newest is None or (track.quick_until is not None and now < track.quick_until):
        return
    beat = (newest - track.newest).total_seconds() / track.rhythm_s
    if beat < 0.75 and newest > now - QUICK_FOR:
        track.quick_until = track.suspect_at = newest + QUICK_FOR
    elif beat < 0.9 or 1.1 < beat < MISSED:
        track.suspect_at = max(now, newest + QUICK_FOR)  # it may be the first of a quick hour


def _advance(series: Series, at: datetime) -> None:
    before = series.newest or series.settled_at
    if series.newest is not None and at <= series.newest:
        return
    if before is not None and at - before > timedelta(seconds=MISSED * series.rhythm_s):
        series.missing_since = series.missing_since or before
        series.missing_until = at
    series.newest = at


def settle(
    track: Track, instants: Sequence[datetime], now: datetime, *, probe: str, quantity: str, readable: bool
) -> list[Gap]:
    """Take over what an answer told of the past (`instants`, in order), and say what became of what was missing.

    What is still missing is silent at the source, or lost where the answer was not wholly `readable`.
    """
    series = track.series[quantity]
    fresh = bool(instants) and (series.newest is None or instants[-1] > series.newest)
    series.rhythm_s = rhythm_s(instants) or series.rhythm_s
    gaps = [
        Gap(probe, quantity, since, until, state, now, _WHY[state])
        for since, until, state in _outcome(series, instants, readable=readable)
    ]
    if fresh:
        series.newest = instants[-1]
        if (
            track.newest is None or track.empties >= EMPTY
        ):  # else the other quantities of that instant would be left behind
            track.newest = max(track.newest or instants[-1], instants[-1])
    found = fresh or any(gap.state == "filled" for gap in gaps)
    hoped = series.missing_since is not None or track.empties >= EMPTY
    series.silences = 0 if found else series.silences + hoped
    series.settled_at, series.missing_since, series.missing_until = now, None, None
    return gaps


_WHY: Final[dict[GapState, str]] = {
    "filled": "Readings came from the cloud's past.",
    "silent": "Asked, and the cloud has none.",
    "lost": "The cloud's answer could not be read there.",
}


def _outcome(
    series: Series, instants: Sequence[datetime], *, readable: bool
) -> Iterator[tuple[datetime, datetime, GapState]]:
    """What became of the gap of `series`; of a first answer, where it has holes."""
    since, until = series.missing_since, series.missing_until
    if (since is None or until is None) and instants and series.settled_at is None:
        since, until = instants[0], instants[-1]
    if since is None or until is None:
        return
    between = [at for at in instants if since < at < until]
    if between and series.missing_since is not None:
        yield since, until, "filled"
    for start, end in holes([since, *between, until], series.rhythm_s):
        yield start, end, "silent" if readable else "lost"


def give_up(progress: Progress, now: datetime, *, only: tuple[str, str] | None = None) -> list[Gap]:
    """Record as lost what no cloud can tell any more: gaps beyond its memory, and of quantities whose past it never tells.

    The horizon moves all the time: it takes whole days away; of `only` this quantity of a probe, whose past was just told, all to the minute.
    """
    lost, horizon = [], SPANS[progress.reach]
    for probe, track in progress.tracks.items():
        for quantity, series in track.series.items():
            if series.missing_since is None or series.missing_until is None or only not in {None, (probe, quantity)}:
                continue
            forgotten = quantity not in track.remembered
            end = series.missing_until if forgotten else min(series.missing_until, now - horizon)
            done = end == series.missing_until
            if end <= series.missing_since or (end - series.missing_since < _STEP and not done and only is None):
                continue
            why = (
                "The cloud does not tell the past of this."
                if forgotten
                else f"The cloud remembers only {horizon.days} days."
            )
            lost.append(Gap(probe, quantity, series.missing_since, end, "lost", now, why))
            series.missing_since, series.missing_until = (None, None) if done else (end, series.missing_until)
    progress.closed += lost
    return lost
