"""Gaps: found from a probe's rhythm, told apart from silence at the source, and filled or given up. Pure: changes only the progress."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from margelle.collect.progress import Progress, Series, Track
from margelle.domain.gap import MISSED, Gap, GapState, holes, rhythm_s
from margelle.ports import Window

SPANS: Final[dict[Window, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
"""How far back each window of a cloud reaches, the cheapest first."""

QUICK: Final = timedelta(minutes=10)
QUICK_FOR: Final = timedelta(hours=1)
"""A probe that was restarted measures every ten minutes for an hour."""

EMPTY: Final = 2
"""So many answers in a row without any latest value: it is asked for otherwise."""

_STEP: Final = timedelta(days=1)
_MARGIN: Final = timedelta(minutes=5)
_NOTHING: Final = timedelta(0)


def window_for(since: datetime, now: datetime, reach: Window = "month") -> Window:
    """The smallest window, ending now, that reaches back to `since`; `reach`, the largest that the cloud knows, where none does."""
    known = [name for name in SPANS if SPANS[name] <= SPANS[reach]]
    return next((name for name in known if now - since + _MARGIN <= SPANS[name]), reach)


def arrived(track: Track, instants: Mapping[str, datetime], now: datetime, *, empty: bool) -> None:
    """Take over the newest instant of each quantity, as an answer told them; `empty` says that it told nothing at all."""
    track.empties = track.empties + 1 if empty else 0
    for quantity in instants:
        track.series.setdefault(quantity, Series())
    newest = max((at for quantity, at in instants.items() if track.is_paced_by(quantity)), default=None)
    if newest is None or (track.newest is not None and newest <= track.newest):
        track.misses += 1
        if track.quick_until is not None and now < track.quick_until:
            track.quick_until = track.suspect_at = now
    else:
        _notice_restart(track, newest, now)
        track.misses, track.newest = 0, newest
    for quantity, at in instants.items():
        _advance(track.series[quantity], at)


def _notice_restart(track: Track, newest: datetime, now: datetime) -> None:
    """A reading off the rhythm is the only sign that a device was restarted, and of quick readings that nobody saw."""
    if track.newest is None or not track.measured or (track.quick_until is not None and now < track.quick_until):
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
    if before is not None and not series.is_state and at - before > timedelta(seconds=MISSED * series.rhythm_s):
        series.missing_since = series.missing_since or before
        series.missing_until = at
    series.newest = at


def settle(
    track: Track,
    instants: Sequence[datetime],
    now: datetime,
    *,
    probe: str,
    quantity: str,
    readable: bool,
    known: Collection[datetime] = (),
) -> list[Gap]:
    """Take over what an answer told of the past (`instants`, in order; `known` before it), and say what became of what it left missing.

    That is silent at the source, or lost where the answer was not wholly `readable`. Of a stretch with readings in it, the store takes the
    holes between them.
    """
    series = track.series[quantity]
    fresh = bool(instants) and (series.newest is None or instants[-1] > series.newest)
    series.rhythm_s = rhythm_s(instants) or series.rhythm_s
    state: GapState = "silent" if readable else "lost"
    gaps = [
        Gap(probe, quantity, since, until, state, now, _WHY[state], series.rhythm_s)
        for since, until in _left(series, instants)
    ]
    found = fresh or _has_brought(series, instants, known)
    if fresh:
        series.newest = instants[-1]
        paced = track.is_paced_by(quantity)
        if paced and (track.newest is None or track.empties >= EMPTY):  # else the other quantities would be left behind
            track.newest = max(track.newest or instants[-1], instants[-1])
    hoped = series.missing_since is not None or track.empties >= EMPTY
    series.silences = 0 if found else series.silences + hoped
    series.settled_at, series.missing_since, series.missing_until = now, None, None
    return gaps


_WHY: Final[dict[GapState, str]] = {
    "silent": "Asked, and the cloud has none.",
    "lost": "The cloud's answer could not be read there.",
}


def _left(series: Series, instants: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Where an answer left readings missing: in the gap of `series`, after its newest one, and in a first answer wherever it has holes."""
    if series.is_state:
        return
    if series.missing_since is not None and series.missing_until is not None:
        yield series.missing_since, series.missing_until
    first = series.settled_at is None
    newest = [] if series.newest is None or first else [series.newest]
    yield from holes([*newest, *(at for at in instants if not newest or at > newest[0])], series.rhythm_s)


def _has_brought(series: Series, instants: Sequence[datetime], known: Collection[datetime]) -> bool:
    """Whether an answer brought any of what was missing."""
    since, until = series.missing_since, series.missing_until
    return since is not None and until is not None and any(since < at < until and at not in known for at in instants)


def beyond(progress: Progress, now: datetime) -> set[tuple[str, str]]:
    """Of which probe and quantity something is missing that the account's cloud cannot tell, or not any more."""
    horizon = now - SPANS[progress.reach]
    return {
        (probe, quantity)
        for probe, track in progress.probes.items()
        for quantity, series in track.series.items()
        if series.missing_since is not None and (quantity not in track.remembered or series.missing_since < horizon)
    }


def give_up(
    progress: Progress,
    now: datetime,
    *,
    only: tuple[str, str] | None = None,
    elsewhere: Mapping[tuple[str, str], timedelta] = MappingProxyType({}),
) -> list[Gap]:
    """Record as lost what no cloud can tell any more: gaps beyond its memory, and of quantities whose past none ever tells.

    `elsewhere` is how far back another account of the probe can be asked. The horizon moves all the time: it takes whole days away; of `only`
    this quantity of a probe, whose past was just told, all to the minute.
    """
    lost = []
    for probe, track in progress.probes.items():  # also of one that has vanished: it may come back until then
        for quantity, series in track.series.items():
            since, until = series.missing_since, series.missing_until
            if since is None or until is None or only not in {None, (probe, quantity)}:
                continue
            own = SPANS[progress.reach] if quantity in track.remembered else _NOTHING
            reach = max(own, elsewhere.get((probe, quantity), _NOTHING))
            end = min(until, now - reach) if reach else until
            done = end == until
            if end <= since or (end - since < _STEP and not done and only is None):
                continue
            why = (
                f"The cloud remembers only {reach.days} days." if reach else "The cloud does not tell the past of this."
            )
            lost.append(Gap(probe, quantity, since, end, "lost", now, why, series.rhythm_s))
            series.missing_since, series.missing_until = (None, None) if done else (end, until)
    progress.closed += lost
    return lost
