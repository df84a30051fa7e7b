"""What the hub has, held against what the clouds had."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Final

from msgspec import Struct, field

from margelle.collect.failure import LONGEST_OF_PAST, LONGEST_PAUSE, SPREAD
from margelle.domain.measurement import Measurement
from margelle.ports import Incident, Store
from margelle.simulate.faults.content import AHEAD
from tests.collect.cloud import DECIMALS
from tests.soak.clock import START
from tests.soak.schedule import DAY, HOUR, HUB, Trouble
from tests.soak.world import PAST, VENDORS, Cloud, Span, World

MEMORY: Final = {"ondilo": 30 * DAY, "flipr": 30 * DAY, "baxo": 365 * DAY}
SETTLING: Final = timedelta(minutes=10)
"""A reading is not told, and asked for, any sooner."""

HOUR_OF_BUDGET: Final = HOUR
"""A request that finds the hour's used up waits for no longer."""

RHYTHM: Final = HOUR
"""A gap is known by the next reading that comes."""

BASE: Final = RHYTHM + LONGEST_PAUSE * (1 + SPREAD) + HOUR_OF_BUDGET
"""So long all must be well, at a stretch, for the promise to hold of a reading, where nothing waits for trouble that was before."""

GROWTH: Final = (1 + SPREAD) / (1 - SPREAD)
"""A wait doubles with each failure in a row: the one that follows a trouble is as long as that was, but for the spread of both."""

LONGEST_WAIT: Final = LONGEST_OF_PAST * (1 + SPREAD)
"""And never longer."""

WEEKLY: Final = 8 * DAY
"""What a fault has hidden in an answer that was otherwise good, the weekly look at the past brings."""

MOST_LATE: Final = 0.03
"""Of all readings. A device that was restarted unseen, or a fault that hid a quantity, leaves some to the weekly look."""

ALL: Final = ""
HIDING: Final = {
    ("flipr", "keys-renamed"): "conductivity",
    ("flipr", "temperature-null"): "temperature",
    ("ondilo", "readings-10min"): ALL,
}
"""Faults that leave a quantity out of answers that are otherwise good; or have a device measure between the readings that the hub expects, for an hour, which it sees only by chance."""

Key = tuple[str, str, datetime]
Points = dict[Key, Measurement]


class Fate(Enum):
    """What became of a reading that a cloud had."""

    KEPT = "kept"
    YOUNG = "to come: all has not been well for long enough so far"
    HIDDEN = "gone or to come: a fault hid it, and no weekly look back has been"
    FORGOTTEN = "gone: its cloud forgot it before it could be asked at all"
    BRIEF = "gone: its cloud forgot it before all had been well for long enough"
    BROKEN = "LOST, though it could be had"


class Found(Struct):
    """Of one vendor: what became of its readings, and what is kept that should not be.

    `well` is how long all was well, `oldest` the greatest age at which a reading came, `waited` the longest that one came after it had to (`late`: how many),
    `youngest` the greatest age of one that is to come, and `brief_most` how many may be gone after a short chance.
    """

    well: timedelta
    fates: Counter[Fate] = field(default_factory=Counter)
    lost: list[Key] = field(default_factory=list)
    strangers: list[Key] = field(default_factory=list)
    wrong: list[Key] = field(default_factory=list)
    doubled: list[Key] = field(default_factory=list)
    revised: list[Key] = field(default_factory=list)
    revisions: int = 0
    doubted: int = 0
    shifted: int = 0
    oldest: timedelta = timedelta(0)
    waited: timedelta = timedelta(0)
    late: int = 0
    youngest: timedelta = timedelta(0)
    brief_most: float = 0.0


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


class Chances:
    """By when a reading must have come, from the back-offs that the plan documents.

    All must be well for `BASE` at a stretch, once the wait is over that a trouble before has left: as long as it was by `GROWTH`, and never longer
    than `LONGEST_WAIT`. Stretches that were too short for that are part of the trouble.
    """

    def __init__(self, well: Well, since: datetime) -> None:
        self._ready: list[Span] = []
        self.troubles: list[timedelta] = []
        """How long each was: from one good stretch to the next."""
        good = since
        for begin, end in well.stretches:
            ready = begin + min((begin - good) * GROWTH, LONGEST_WAIT)
            if end - ready >= BASE:
                self._ready.append((ready, end))
                self.troubles.append(begin - good)
                good = end
        self._ends = [end for _, end in self._ready]

    def by(self, at: datetime) -> datetime | None:
        """The instant; None where there was no such stretch after `at`."""
        for ready, end in self._ready[bisect_left(self._ends, at) :]:
            if end - max(at, ready) >= BASE:
                return max(at, ready) + BASE
        return None


async def points(store: Store, vendor: str, doubled: list[Key] | None = None) -> Points:
    """Every measurement with a value, by its second: the wire has no more. Those that are kept twice are told in `doubled`."""
    found: Points = {}
    for site in await store.sites(gone=True):
        for probe in await store.probes(site.id) if site.vendor == vendor else ():
            for quantity in await store.quantities(probe.id):
                if quantity in DECIMALS or quantity.startswith("baxo."):
                    for point in await store.history(probe.id, quantity):
                        key = (probe.id, quantity, point.at.replace(microsecond=0))
                        if doubled is not None and key in found:
                            doubled.append(key)
                        if point.value is not None:
                            found[key] = point
    return found


async def compare(world: World, vendor: str) -> Found:
    """What became of each reading of a vendor's cloud, and of what is kept."""
    doubled: list[Key] = []
    true, kept = await points(world.truth, vendor), await points(world.store, vendor, doubled)
    past = await world.remembered()
    well = Well([*world.spans[vendor], *world.spans[HUB]], START, world.until)
    chances = Chances(well, START)
    found = Found(well.total(START, world.until), doubled=doubled)
    hiding = {key[1]: _hidden(world, vendor, key[1]) for key in true}
    for key in true:
        if key[1] in past.get(key[0], ()) and key[2] > START - MEMORY[vendor]:
            by = chances.by(max(key[2] + SETTLING, START))
            if key in kept:
                found.fates[Fate.KEPT] += 1
                _look_at_delay(found, key[2], world.came[key], by)
            else:
                _look_for_reason(found, key, MEMORY[vendor], well, world.until, by, hiding[key[1]])
    ahead = any((one.whose, one.name) == (vendor, "clock-ahead") for one in world.troubles)
    look_for_wrong(found, true, kept, ahead=ahead)
    await look_for_revisions(found, world.store, true, kept, ahead=ahead)
    edges = sum(one > MEMORY[vendor] - LONGEST_WAIT for one in chances.troubles)
    found.brief_most = edges * len(true) * ((LONGEST_WAIT + BASE) / (world.until - START + PAST))
    return found


def _look_at_delay(found: Found, at: datetime, came: datetime, by: datetime | None) -> None:
    found.oldest = max(found.oldest, came - at)
    if at > START and by is not None and came > by:
        found.late += 1
        found.waited = max(found.waited, came - by)


def _look_for_reason(
    found: Found,
    key: Key,
    memory: timedelta,
    well: Well,
    end: datetime,
    by: datetime | None,
    hiding: Sequence[Span],
) -> None:
    since, until = key[2] + SETTLING, key[2] + memory
    fate = fate_of(by, until, end, well.total(since, min(until, end)))
    hidden = [span for span in hiding if span[1] > since and span[0] < until]
    if hidden and fate is Fate.BROKEN:  # what came may have come without it
        after = well.total(max(after for _, after in hidden), min(until, end))
        fate = Fate.HIDDEN if after < WEEKLY else Fate.BROKEN
    found.fates[fate] += 1
    if fate is Fate.YOUNG:
        found.youngest = max(found.youngest, end - key[2])
    if fate is Fate.BROKEN:
        found.lost.append(key)


def fate_of(by: datetime | None, until: datetime, end: datetime, well: timedelta) -> Fate:
    """Of a reading that is not kept, must have come `by`, and is told `until`; all was `well` for so long in between."""
    if by is not None and by <= min(until, end):
        return Fate.BROKEN
    if until >= end:
        return Fate.YOUNG
    return Fate.BRIEF if well else Fate.FORGOTTEN


async def look_for_revisions(found: Found, store: Store, true: Points, kept: Points, *, ahead: bool) -> None:
    """A correction is one only if it says something else than before, and of what was before its cloud had told the value."""
    for key, point in kept.items():
        past = [one.measurement for one in await store.revisions(key[0], key[1], point.at)]
        found.revisions += len(past)
        told = [true.get(key), true.get((key[0], key[1], key[2] - AHEAD)) if ahead else None]
        values = {_rounded(one) for one in told if one is not None} | {None}
        for before, after in pairwise([*past, point]):
            if _rounded(before) not in values or _says(before) == _says(after):
                found.revised.append(key)


def _says(point: Measurement) -> tuple[object, ...]:
    return _rounded(point), point.given


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


def _rounded(point: Measurement) -> float | None:
    return None if point.value is None else round(point.value, DECIMALS.get(point.quantity, 2))


def _hidden(world: World, vendor: str, quantity: str) -> list[Span]:
    """When a fault left out this quantity."""
    names = {name for (whose, name), what in HIDING.items() if whose == vendor and what in {quantity, ALL}}
    return hidden(world.troubles, vendor, names)


def hidden(troubles: Sequence[Trouble], vendor: str, names: Set[str]) -> list[Span]:
    """When faults with these names hid something, and for an hour afterwards, for which they go on to be felt."""
    return [(one.at, one.until + HOUR) for one in troubles if one.whose == vendor and one.name in names]


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
    if world.minute.orphans:
        broken.append(f"{world.minute.orphans} accounts had no collector a minute after theirs was lost.")
    for vendor, one in found.items():
        broken += _sentences(vendor, one, world.clouds[vendor])
    return Verdict(found, incidents, len(left), broken)


def _sentences(vendor: str, one: Found, cloud: Cloud) -> list[str]:
    said = []
    if cloud.tally.beyond > len(cloud.wire.delayed):
        said.append(f"{vendor}: {cloud.tally.beyond} requests were beyond the budget.")
    if cloud.quota.beyond:
        said.append(f"{vendor}: {cloud.quota.beyond} requests were beyond the vendor's quota.")
    if one.late > MOST_LATE * one.fates.total():
        said.append(f"{vendor}: {one.late} readings came later than they had to.")
    if one.youngest > BASE + SETTLING:
        said.append(f"{vendor}: a reading is to come that is {one.youngest} old.")
    if one.fates[Fate.BRIEF] > one.brief_most:
        said.append(
            f"{vendor}: {one.fates[Fate.BRIEF]} readings are gone after a short chance, more than {one.brief_most:.0f}."
        )
    for keys, what in (
        (one.lost, "were lost, though they could be had"),
        (one.doubled, "are kept twice"),
        (one.revised, "were revised, though nothing was corrected"),
        (one.strangers, "are kept that no cloud has told"),
        (one.wrong, "are kept otherwise than they were told"),
    ):
        if keys:
            examples = ", ".join(f"{quantity} of {at:%Y-%m-%d %H:%M:%S}" for _, quantity, at in keys[:5])
            said.append(f"{vendor}: {len(keys)} readings {what}, such as {examples}.")
    return said
