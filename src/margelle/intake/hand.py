"""What people measure by hand, with a strip, a meter or in a laboratory: at any site, beside what a cloud tells of it."""

from __future__ import annotations

from typing import Final

from margelle.domain.site import OWN, Probe, Site
from margelle.ports import Clock, Store

MEANS: Final = ("strip", "meter", "lab", "hand")
"""With what: an origin is `own/strip`. `meter` is a photometer or a handheld probe; `hand` says no more."""

_KEY: Final = "hand"


async def hand_probe(store: Store, site: Site, clock: Clock) -> Probe:
    """The probe to which hand readings at a site go: of an own site its own one, else one beside its vendor's, made when it is first needed.

    So a cloud's series stays what its cloud has told. Raises NotFound where the store has no such site.
    """
    own = [probe for probe in await store.probes(site.id) if probe.vendor == OWN]
    if own:
        return own[0]
    probe = Probe(f"{site.id}/{_KEY}", site.id, OWN, _KEY)
    await store.put_probe(probe, clock())
    return probe
