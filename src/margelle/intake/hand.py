"""What people measure by hand, with a strip, a meter or in a laboratory: at any site, beside what a cloud tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from margelle.domain.limits import Bands, standing
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import OWN, Probe, Site
from margelle.intake.keep import Outcome, keep
from margelle.intake.point import Arrival
from margelle.ports import Reader, Store

MEANS: Final = ("strip", "meter", "lab", "hand")
"""With what: an origin is `own/strip`. `meter` is a photometer or a handheld probe; `hand` says no more."""

_KEY: Final = "hand"


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


async def intolerable(
    reader: Reader, points: Sequence[Measurement], bands: Mapping[str, Bands], now: datetime
) -> list[Measurement]:
    """Those of a reading that was kept, of one probe, that are sound, beyond what is tolerable (`bands`, by quantity), and the newest of their quantity: what was long ago says nothing of the water now."""
    latest = await reader.latest(points[0].probe, now)
    newest = [known for one in points if (known := latest.get(one.quantity)) and known.at <= one.at and known.valid]
    return [
        one
        for one in newest
        if one.value is not None and one.quantity in bands and standing(one.value, bands[one.quantity]) == "far"
    ]
