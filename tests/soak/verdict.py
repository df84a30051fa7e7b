"""What the hub has, held against what the clouds had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.ports import Incident, Store
from margelle.simulate.faults.content import AHEAD
from tests.soak.schedule import DAY, HOUR, HUB
from tests.soak.world import PAST, START, VENDORS, Span, World, settled

MEMORY: Final = {"ondilo": 30 * DAY, "flipr": 30 * DAY, "baxo": 365 * DAY}
SETTLING: Final = timedelta(minutes=10)
"""A reading is younger than that before its cloud tells it, and the hub has asked."""
GRACE: Final = 24 * HOUR
"""So long a cloud must be well, at a stretch, for a promise to hold: no back-off is longer."""
WEEKLY: Final = 8 * DAY
"""What a fault has hidden in an answer that was otherwise good, the weekly look at the past brings."""
HIDING: Final = frozenset({"keys-renamed", "temperature-null"})
DECIMALS: Final = {
    "temperature": 2,
    "ph": 2,
    "orp": 0,
    "salt": 0,
    "tds": 0,
    "battery": 0,
    "rssi": 0,
    "conductivity": 0,
    "free_chlorine_estimate": 2,
}
Key = tuple[str, str, datetime]
Points = dict[Key, Measurement]

KEPT, BROKEN = "kept", "LOST, though it could be had"
FORGOTTEN = "gone: the cloud could not be asked before it forgot"
BRIEF = "gone: it could be asked for less than a day before it forgot"
HIDDEN = "gone or to come: a fault hid it, and the weekly look back has not been"
YOUNG = "to come: at the end it could be asked for less than a day"


class Found(Struct):
    """Of one vendor: readings by what became of them, and what is kept and should not be."""

    fates: Counter[str]
    quantities: Counter[str]
    lost: list[Key]
    strangers: list[Key]
    wrong: list[Key]
    doubted: int
    shifted: int


async def points(store: Store, vendor: str) -> Points:
    """Every measurement with a value, by its second: the wire has no more."""
    found: Points = {}
    for site in await store.sites():
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
    well = settled([*world.spans[vendor], *world.spans[HUB]], START, world.until)
    hiding = _spans(world, vendor, HIDING)
    found = Found(Counter(), Counter(), [], [], [], 0, 0)
    for key, _point in true.items():
        if key[1] in past.get(key[0], ()) and key[2] > START - MEMORY[vendor]:
            hidden = any(begin - DAY <= key[2] <= end for begin, end in hiding)
            fate = KEPT if key in kept else _missing(key[2], vendor, well, world.until, hidden=hidden)
            found.fates[fate] += 1
            if fate == BROKEN:
                found.lost.append(key)
                found.quantities[key[1]] += 1
    _look_for_wrong(found, true, kept, _spans(world, vendor, frozenset({"clock-ahead"})))
    return found


def _missing(at: datetime, vendor: str, well: Sequence[Span], end: datetime, *, hidden: bool) -> str:
    """Why a reading is not there."""
    since, until = at + SETTLING, at + MEMORY[vendor]
    stretches = [min(b, until) - max(a, since) for a, b in well if b > since and a < until]
    if not stretches:
        return YOUNG if since >= end else FORGOTTEN
    if hidden and sum(stretches, timedelta()) < WEEKLY:
        return HIDDEN
    if max(stretches) >= GRACE:
        return BROKEN
    return YOUNG if until > end else BRIEF


def _look_for_wrong(found: Found, true: Points, kept: Points, ahead: Sequence[Span]) -> None:
    """What no cloud has told, or told otherwise, and what is doubted without need."""
    for key, point in kept.items():
        value, truth = _rounded(point), true.get(key)
        moved = true.get((key[0], key[1], key[2] - AHEAD)) if ahead else None
        if truth is not None and value == _rounded(truth):
            found.doubted += bool(point.doubts) and not truth.doubts
        elif moved is not None and value == _rounded(moved):
            found.shifted += 1
        elif truth is None:
            found.strangers.append(key)
        elif not point.doubts:
            found.wrong.append(key)


def _rounded(point: Measurement) -> float:
    assert point.value is not None
    return round(point.value, DECIMALS.get(point.quantity, 2))


def _spans(world: World, vendor: str, names: frozenset[str]) -> list[Span]:
    return [(one.at, one.until) for one in world.troubles if one.whose == vendor and one.name in names]


class Verdict(Struct):
    """The whole. `broken` says in sentences which promises were not kept; none: all were."""

    found: Mapping[str, Found]
    incidents: Sequence[Incident]
    open: Sequence[Incident]
    broken: list[str]


async def judged(world: World) -> Verdict:
    """Hold everything against the promise."""
    found = {vendor: await compare(world, vendor) for vendor in VENDORS}
    incidents = await world.store.incidents()
    left = [one for one in incidents if one.ended_at is None]
    broken = [f"{one.account}: {one.kind} at {one.where} has not ended: {one.what}" for one in left]
    broken += [f"{one.account}: {one.what}" for one in incidents if one.kind in {"bug", "failed"}]
    for vendor, one in found.items():
        examples = ", ".join(f"{quantity} {at}" for _, quantity, at in (one.lost + one.strangers + one.wrong)[:5])
        for count, what in (
            (len(one.lost), "readings were lost, though they could be had"),
            (len(one.strangers), "readings are kept that no cloud has told"),
            (len(one.wrong), "readings are kept otherwise than they were told"),
            (world.clouds[vendor].tally.beyond, "requests were beyond the budget"),
        ):
            if count:
                broken.append(f"{vendor}: {count} {what}; {examples}")
    return Verdict(found, incidents, left, broken)


__all__ = ["PAST", "Verdict", "judged"]
