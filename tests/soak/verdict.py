"""What the hub has, held against what the clouds had."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from msgspec import Struct, field

from margelle.domain.measurement import Measurement
from margelle.ports import Incident, Store
from margelle.simulate.faults.content import AHEAD
from tests.collect.cloud import DECIMALS
from tests.soak.schedule import DAY, HOUR, HUB
from tests.soak.world import START, VENDORS, Span, World

MEMORY: Final = {"ondilo": 30 * DAY, "flipr": 30 * DAY, "baxo": 365 * DAY}
SETTLING: Final = timedelta(minutes=10)
"""A reading is not told, and asked for, any sooner."""

GRACE: Final = 24 * HOUR
"""So long a cloud must be well, at a stretch, for the promise to hold: no back-off is longer."""

WEEKLY: Final = 8 * DAY
"""What a fault has hidden in an answer that was otherwise good, the weekly look at the past brings."""

MOST_LATE: Final = 0.03
"""Of all readings. A device that was restarted unseen, or a fault that hid a quantity, leaves some to the weekly look."""

HIDING: Final = {("flipr", "keys-renamed"): "conductivity", ("flipr", "temperature-null"): "temperature"}
"""Faults that leave a quantity out of answers that are otherwise good."""

Key = tuple[str, str, datetime]
Points = dict[Key, Measurement]


class Fate(Enum):
    """What became of a reading that a cloud had."""

    KEPT = "kept"
    YOUNG = "to come: it could be asked for less than a day so far"
    HIDDEN = "gone or to come: a fault hid it, and no weekly look back has been"
    FORGOTTEN = "gone: its cloud forgot it before it could be asked at all"
    BRIEF = "gone: it could be asked for less than a day before its cloud forgot it"
    BROKEN = "LOST, though it could be had"


class Found(Struct):
    """Of one vendor: what became of its readings, and what is kept that should not be.

    `well` is how long all was well, `oldest` the greatest age at which a reading came, `waited` the longest that one came late while all was well (`late`: how many more than a day), and
    `missed` the longest stretch in which one was not fetched that is gone.
    """

    well: timedelta
    fates: Counter[Fate] = field(default_factory=Counter)
    lost: list[Key] = field(default_factory=list)
    strangers: list[Key] = field(default_factory=list)
    wrong: list[Key] = field(default_factory=list)
    doubted: int = 0
    shifted: int = 0
    oldest: timedelta = timedelta(0)
    waited: timedelta = timedelta(0)
    late: int = 0
    missed: timedelta = timedelta(0)


class Well:
    """The stretches between `since` and `until` in which none of `spans` was."""

    def __init__(self, spans: Sequence[Span], since: datetime, until: datetime) -> None:
        self.stretches: list[Span] = []
        at = since
        for begin, end in sorted(spans):
            if begin > at:
                self.stretches.append((at, min(begin, until)))
            at = max(at, end)
        if at < until:
            self.stretches.append((at, until))
        self._ends = [end for _, end in self.stretches]

    def between(self, since: datetime, until: datetime) -> list[timedelta]:
        """How long each stretch is that lies between."""
        found = []
        for begin, end in self.stretches[bisect_left(self._ends, since) :]:
            if begin >= until:
                break
            found.append(min(end, until) - max(begin, since))
        return [one for one in found if one > timedelta(0)]

    def total(self, since: datetime, until: datetime) -> timedelta:
        """How long all was well in between."""
        return sum(self.between(since, until), timedelta(0))


async def points(store: Store, vendor: str) -> Points:
    """Every measurement with a value, by its second: the wire has no more."""
    found: Points = {}
    for site in await store.sites(gone=True):
        for probe in await store.probes(site.id) if site.vendor == vendor else ():
            for quantity in await store.quantities(probe.id):
                if quantity in DECIMALS or quantity.startswith("baxo."):
                    for point in await store.history(probe.id, quantity):
                        if point.value is not None:
                            found[probe.id, quantity, point.at.replace(microsecond=0)] = point
    return found


async def compare(world: World, vendor: str) -> Found:
    """What became of each reading of a vendor's cloud, and of what is kept."""
    true, kept = await points(world.truth, vendor), await points(world.store, vendor)
    past = await world.remembered()
    well = Well([*world.spans[vendor], *world.spans[HUB]], START, world.until)
    found = Found(well.total(START, world.until))
    hiding = {key[1]: _hidden(world, vendor, key[1]) for key in true}
    for key in true:
        if key[1] in past.get(key[0], ()) and key[2] > START - MEMORY[vendor]:
            if key in kept:
                found.fates[Fate.KEPT] += 1
                _look_at_delay(found, key[2], world.came[key], well)
            else:
                _look_for_reason(found, key, MEMORY[vendor], well, world.until, hiding[key[1]])
    ahead = any((one.whose, one.name) == (vendor, "clock-ahead") for one in world.troubles)
    look_for_wrong(found, true, kept, ahead=ahead)
    return found


def _look_at_delay(found: Found, at: datetime, came: datetime, well: Well) -> None:
    found.oldest = max(found.oldest, came - at)
    if at > START and came - at > GRACE:
        waited = well.total(at, came)
        found.late += waited > GRACE
        found.waited = max(found.waited, waited)


def _look_for_reason(
    found: Found, key: Key, memory: timedelta, well: Well, end: datetime, hiding: Sequence[Span]
) -> None:
    since, until = key[2] + SETTLING, key[2] + memory
    hidden = [span for span in hiding if span[1] > since and span[0] < until]
    first = min((begin for begin, _ in hidden), default=until)
    stretches = well.between(since, max(first, since))
    fate = fate_of(stretches, over=until < end)
    if hidden and fate is not Fate.BROKEN and well.between(since, until):  # what came may have come without it
        stretches = well.between(max(after for _, after in hidden), until)
        fate = Fate.HIDDEN if sum(stretches, timedelta(0)) < WEEKLY else Fate.BROKEN
    found.fates[fate] += 1
    if fate in {Fate.BRIEF, Fate.BROKEN}:
        found.missed = max(found.missed, *stretches)
    if fate is Fate.BROKEN:
        found.lost.append(key)


def fate_of(stretches: Sequence[timedelta], *, over: bool) -> Fate:
    """Of a reading that is not kept: all was well in `stretches` while its cloud told it, which it does no more if that is `over`."""
    if not stretches:
        return Fate.FORGOTTEN if over else Fate.YOUNG
    if max(stretches) >= GRACE:
        return Fate.BROKEN
    return Fate.BRIEF if over else Fate.YOUNG


def look_for_wrong(found: Found, true: Points, kept: Points, *, ahead: bool) -> None:
    """What no cloud has told, or told otherwise, and what is doubted without need."""
    for key, point in kept.items():
        value, truth = _rounded(point), true.get(key)
        moved = true.get((key[0], key[1], key[2] - AHEAD)) if ahead else None
        if truth is not None and value == _rounded(truth):
            found.doubted += (
                bool(point.given) and not truth.given
            )  # a verdict of ours may be right: the probe was taken out
        elif moved is not None and value == _rounded(moved):
            found.shifted += 1
        elif truth is None:
            found.strangers.append(key)
        elif not point.doubts:
            found.wrong.append(key)


def _rounded(point: Measurement) -> float:
    assert point.value is not None
    return round(point.value, DECIMALS.get(point.quantity, 2))


def _hidden(world: World, vendor: str, quantity: str) -> list[Span]:
    """When a fault left out this quantity."""
    names = {name for (whose, name), what in HIDING.items() if (whose, what) == (vendor, quantity)}
    return [(one.at, one.until) for one in world.troubles if one.whose == vendor and one.name in names]


class Verdict(Struct):
    """The whole. `broken` says in sentences which promises were not kept; none: all were."""

    found: Mapping[str, Found]
    incidents: Sequence[Incident]
    open: int
    broken: list[str]


async def judged(world: World) -> Verdict:
    """Hold everything against the promise."""
    found = {vendor: await compare(world, vendor) for vendor in VENDORS}
    incidents = await world.store.incidents()
    left = [one for one in incidents if one.ended_at is None]
    broken = [f"{one.account}: {one.kind} at {one.where} has not ended: {one.what}" for one in left]
    broken += [f"{one.account}: {one.what}" for one in incidents if one.kind in {"bug", "failed"}]
    for vendor, one in found.items():
        broken += _sentences(vendor, one, world.clouds[vendor].tally.beyond)
    return Verdict(found, incidents, len(left), broken)


def _sentences(vendor: str, one: Found, beyond: int) -> list[str]:
    said = [f"{vendor}: {beyond} requests were beyond the budget."] if beyond else []
    if one.late > MOST_LATE * one.fates.total():
        said.append(f"{vendor}: {one.late} readings came when all had been well for a day.")
    for keys, what in (
        (one.lost, "were lost, though they could be had"),
        (one.strangers, "are kept that no cloud has told"),
        (one.wrong, "are kept otherwise than they were told"),
    ):
        if keys:
            examples = ", ".join(f"{quantity} of {at:%Y-%m-%d %H:%M:%S}" for _, quantity, at in keys[:5])
            said.append(f"{vendor}: {len(keys)} readings {what}, such as {examples}.")
    return said
