"""What people measure by hand, with a strip, a meter or in a laboratory: at any site, beside what a cloud tells of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from margelle.domain.limits import Bands, standing
from margelle.domain.measurement import Doubt, Measurement, Reading
from margelle.domain.plausible import alone
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import OWN, Probe, Site
from margelle.intake import beside
from margelle.intake.keep import Outcome, keep
from margelle.intake.point import Arrival
from margelle.ports import Reader, Store

MEANS: Final = ("strip", "meter", "lab", "hand")
"""With what: an origin is `own/strip`. `meter` is a photometer or a handheld probe; `hand` says no more."""

TAKEN_BACK: Final = Doubt("withdrawn", "it was taken back by hand")

_KEY: Final = "hand"
_GROUPS: Final = re.compile("([0-9])[ \u00a0\u202f\u2009](?=[0-9]{3}(?![0-9]))")
_THOUSANDS: Final = re.compile("[1-9][0-9]{0,2}[.,][0-9]{3}")
_FAR: Final = 500
"""So many times more or less than the last one is nearer to a slip by a thousand than to a change of the water: chlorine that ran out is 100 times less."""


def is_by_hand(probe: Probe) -> bool:
    """Whether hand readings go to this probe: it is an own site's, or stands beside a vendor's."""
    return probe.vendor == OWN


async def hand_probe(reader: Reader, site: Site) -> Probe:
    """The probe to which hand readings at a site go: of an own site its own one, else one beside its vendor's, which is there from the first reading on.

    So a cloud's series stays what its cloud has told.
    """
    own = [probe for probe in await reader.probes(site.id) if is_by_hand(probe)]
    return own[0] if own else Probe(f"{site.id}/{_KEY}", site.id, OWN, _KEY)


async def keep_by_hand(
    store: Store, probe: Probe, measurements: Sequence[Measurement], now: datetime, catalogue: Catalogue
) -> list[Outcome]:
    """Keep a hand reading of such a probe, as `intake.keep` does. Raises NotFound where the store has no such site."""
    if probe not in await store.probes(probe.site):
        await store.put_probe(probe, now)
    return await keep(store, [Arrival(n, one) for n, one in enumerate(measurements, 1)], now, catalogue)


def plain(text: str) -> str:
    """A number as people write it, in the form that `number_of` reads: a comma for a point, no spaces between thousands."""
    return _GROUPS.sub(r"\1", text.strip()).replace(",", ".")


def is_scale_slip(written: str, point: Measurement, known: Iterable[float], catalogue: Catalogue) -> bool:
    """Whether a value may be a thousandth or a thousand times of what was meant: its separator may part thousands (`written`: 3.200), or it is about so far from one that is `known`, in the quantity's own unit, such as the last one or a limit."""
    quantity, value = catalogue[point.quantity], point.value
    if value is None or value <= 0:
        return False
    if _THOUSANDS.fullmatch(written.strip()) and quantity.low <= value * 1000 <= quantity.high:
        return True
    return any(one > 0 and max(one / value, value / one) >= _FAR for one in known)


def intolerable(
    points: Sequence[Measurement], bands: Mapping[str, Bands], catalogue: Catalogue = CATALOGUE
) -> list[Measurement]:
    """Those of a reading that are beyond what is tolerable (`bands`, by quantity): now or long ago, and also where their neighbours raise doubts, for nobody knows yet who is right. What is doubted by itself is no value of the water."""
    return [
        one
        for one in points
        if one.value is not None
        and one.quantity in bands
        and not alone(one, catalogue).doubts
        and standing(one.value, bands[one.quantity]) == "far"
    ]


async def readings(reader: Reader, probe: Probe, most: int) -> list[Reading]:
    """The last readings by hand of such a probe, the newest first; at most so many."""
    found: dict[datetime, dict[str, Measurement]] = {}
    for quantity in await reader.quantities(probe.id):
        for point in await reader.history(probe.id, quantity, limit=most, descending=True):
            if means_of(point):
                found.setdefault(point.at, {})[quantity] = point
    return [Reading(probe.id, at, found[at]) for at in sorted(found, reverse=True)[:most]]


async def reading_at(reader: Reader, probe: Probe, at: datetime) -> Reading:
    """What was read by hand at an instant; of no quantity where there is nothing."""
    found: dict[str, Measurement] = {}
    for quantity in await reader.quantities(probe.id):
        for point in await reader.history(probe.id, quantity, at, at + timedelta(microseconds=1)):
            if means_of(point):
                found[quantity] = point
    return Reading(probe.id, at, found)


def means_of(point: Measurement) -> str:
    """With what it was read by hand; empty for what a probe, a cloud or a program told."""
    means = point.origin.rpartition("/")[2]
    return means if means in MEANS else ""


async def take_back(
    store: Store, points: Sequence[Measurement], now: datetime, catalogue: Catalogue = CATALOGUE
) -> None:
    """Have hand readings stay as ones that were taken back: with a doubt, a revision, and no say on their neighbours. Noted again, they count again."""
    gone = [replace(point, doubts=(TAKEN_BACK,)) for point in points if TAKEN_BACK not in point.doubts]
    await beside.keep(store, gone, now, catalogue)
