"""Sites at a glance: what was measured last, the limits that hold, what is advised, and the state that follows from it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from margelle.domain.limits import Bands, bands_of
from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site
from margelle.domain.state import STATES, Condition, condition, rhythm_of
from margelle.ports import Display
from margelle.serve.pages.visit import Visit

MAIN: Final = ("temperature", "ph", "orp", "salt", "tds", "free_chlorine_estimate", "bromine_estimate")
MINOR: Final = ("air_temperature", "uv_index", "cloud_cover", "battery", "rssi")
_ORDER: Final = {name: n for n, name in enumerate(MAIN)} | {name: 1000 + n for n, name in enumerate(MINOR)}
_AT_ONCE: Final = 50
"""So many sites are asked for together, before others get their turn."""


class Glance(Struct, frozen=True):
    """A site as it is now. `latest` is the newest of every quantity of every probe that is shown, the main ones first; `bands` are by quantity."""

    site: Site
    probes: tuple[Probe, ...]
    latest: tuple[Measurement, ...]
    bands: Mapping[str, Bands]
    advice: tuple[Recommendation, ...]
    condition: Condition


def order(quantity: str) -> tuple[int, str]:
    """Where a quantity stands among others: the main ones first, those of the device and the sky last."""
    return _ORDER.get(quantity, 100), quantity


async def glances(visit: Visit, sites: Sequence[Site]) -> list[Glance]:
    """All of `sites`, the neediest first, then by name."""
    probes: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in await visit.store.probes():
        probes[probe.site].append(probe)
    found: list[Glance] = []
    for n in range(0, len(sites), _AT_ONCE):
        some = sites[n : n + _AT_ONCE]
        found += await asyncio.gather(*(_glance(visit, site, probes[site.id]) for site in some))
        await asyncio.sleep(0)
    return sorted(found, key=_need)


async def glance(visit: Visit, site: Site) -> Glance:
    """One site."""
    return await _glance(visit, site, await visit.store.probes(site.id))


def _need(one: Glance) -> tuple[int, int, str, str]:
    return STATES.index(one.condition.state), -len(one.condition.reasons), one.site.name.casefold(), one.site.id


async def _glance(visit: Visit, site: Site, probes: Sequence[Probe]) -> Glance:
    display = visit.display(site)
    latest = [point for probe in probes for point in _shown(await visit.store.latest(probe.id, visit.now), display)]
    latest.sort(key=lambda point: (order(point.quantity), point.probe))
    advice = await visit.store.recommendations(site.id)
    bands = limits(visit, site, display, {point.quantity for point in latest})
    state = condition(latest, bands, advice, visit.now, rhythm_of(latest))
    return Glance(site, tuple(probes), tuple(latest), bands, tuple(advice), state)


def limits(visit: Visit, site: Site, display: Display, quantities: set[str]) -> dict[str, Bands]:
    """The limits that hold at a site, by quantity."""
    found = {name: bands_of(site, name, display.bands, visit.hall.look.regime) for name in quantities - display.states}
    return {name: bands for name, bands in found.items() if bands is not None}


def _shown(latest: Mapping[str, Measurement], display: Display) -> Iterator[Measurement]:
    for quantity, point in latest.items():
        if quantity not in display.aside and not display.hides(quantity, latest):
            yield point
