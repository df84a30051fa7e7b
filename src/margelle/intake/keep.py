"""Keeping what was sent: judged, stored in one transaction, and answered point by point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.measurement import Measurement, same
from margelle.domain.plausible import CLOCK_TOLERANCE, judged
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Probe
from margelle.intake import beside
from margelle.intake.point import Arrival
from margelle.intake.quiet import Look, Quiet
from margelle.ports import Reader, Store

Verdict = Literal["new", "same", "corrected", "refused"]

_NEXT: Final = timedelta(microseconds=1)
_FEW: Final = 20
_DENSE: Final = 4
"""Up to so few points of a series are looked up one by one; more of them as the stretch that they span, where that has less than so many times as many."""


class Outcome(Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of the `n`th point: `refused` for `reason`; or kept, with the doubts that it raised."""

    n: int
    verdict: Verdict
    reason: str = ""
    doubts: tuple[str, ...] = ()


Key = tuple[str, str, datetime]


async def keep(
    store: Store,
    arrivals: Sequence[Arrival],
    now: datetime,
    catalogue: Catalogue = CATALOGUE,
    *,
    dry: bool = False,
    strict: bool = False,
    quiet: Quiet | None = None,
) -> list[Outcome]:
    """Keep the measurements of `arrivals`, all of them or, where the store fails, none.

    Where `strict` and one is refused, nothing is kept; nor where `dry`. The outcomes are then what they would have been. `quiet` remembers
    probes from one time to the next.
    """
    points = judged([one.measurement for one in arrivals if one.measurement is not None], now, catalogue)
    look = await quiet.look(store, beside.by_probe(points)) if quiet is not None else beside.NO_LOOK
    outcomes = await _outcomes(store, arrivals, points, now, look)
    if dry or not points or (strict and len(points) < len(arrivals)):
        return outcomes
    kept = await beside.keep_judged(store, points, now, catalogue, quiet=quiet, look=look)
    if kept is points:
        return outcomes
    told = iter(kept)
    return [_doubted(outcome, next(told)) if outcome.verdict != "refused" else outcome for outcome in outcomes]


async def _outcomes(
    reader: Reader, arrivals: Sequence[Arrival], points: Sequence[Measurement], now: datetime, look: Look
) -> list[Outcome]:
    """What becomes of each arrival. Of probes that go on quietly nothing is kept at these instants."""
    if len(points) == len(arrivals) and look.all_go_on:
        return [
            Outcome(one.n, "new", doubts=_reasons(point)) if point.doubts else Outcome(one.n, "new")
            for one, point in zip(arrivals, points, strict=True)
        ]
    known, waiting = await _known(reader, points, now, look), iter(points)
    return [_outcome(one, next(waiting) if one.measurement is not None else None, known, look) for one in arrivals]


def count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many there are of each verdict."""
    counts: dict[str, int] = {"new": 0, "same": 0, "corrected": 0, "refused": 0}
    for outcome in outcomes:
        counts[outcome.verdict] += 1
    return counts


async def own_probes(reader: Reader, owner: str | None = None) -> dict[str, Probe]:
    """The probes to which measurements can be sent, by id: those of the hub's own sites, of one user or of all."""
    found: dict[str, Probe] = {}
    for account in await reader.accounts(owner):
        for site in await reader.sites(account=account.id) if account.is_own else ():
            found |= {probe.id: probe for probe in await reader.probes(site.id)}
    return found


def _doubted(outcome: Outcome, kept: Measurement) -> Outcome:
    """With the doubts that its neighbours raise, too."""
    if not kept.doubts and not outcome.doubts:
        return outcome
    return replace(outcome, doubts=_reasons(kept))


async def _known(reader: Reader, points: Sequence[Measurement], now: datetime, look: Look) -> dict[Key, Measurement]:
    """What the store has at the instants of `points`, but for probes that go on: of these it has nothing."""
    series: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
    for point in points:
        if point.probe not in look.going:
            series[point.probe, point.quantity].append(point.at)
    found: dict[Key, Measurement] = {}
    latest = now + CLOCK_TOLERANCE
    newest = await reader.latest_of({probe for probe, _ in series}, now)
    for (probe, quantity), instants in series.items():
        last = newest[probe].get(quantity)
        if max(instants) <= latest and (last is None or last.at < min(instants)):
            continue  # nothing is kept of this series from then on
        for known in await _between(reader, probe, quantity, instants):
            found[probe, quantity, known.at] = known
    return found


async def _between(reader: Reader, probe: str, quantity: str, instants: Sequence[datetime]) -> list[Measurement]:
    """What a series has at `instants`, and perhaps between: the stretch that they span, unless much else is in it."""
    if len(instants) > _FEW:
        most = _DENSE * len(instants)
        stretch = await reader.history(probe, quantity, min(instants), max(instants) + _NEXT, most)
        if len(stretch) < most:
            return stretch
    return [known for at in instants for known in await reader.history(probe, quantity, at, at + _NEXT)]


def _outcome(arrival: Arrival, point: Measurement | None, known: dict[Key, Measurement], look: Look) -> Outcome:
    """What becomes of an arrival, whose point has been judged; `known` then has it."""
    if point is None:
        return Outcome(arrival.n, "refused", arrival.fault)
    if point.probe in look.going:
        return Outcome(arrival.n, "new", doubts=_reasons(point))
    key = point.probe, point.quantity, point.at
    old = known.get(key)
    known[key] = point
    verdict: Verdict = "new" if old is None else "same" if same(old, point) else "corrected"
    return Outcome(arrival.n, verdict, doubts=_reasons(point))


def _reasons(point: Measurement) -> tuple[str, ...]:
    return tuple(doubt.reason for doubt in point.doubts) if point.doubts else ()
