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
_AT_ONCE: Final = 250
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
        found += await _glances(visit, sites[n : n + _AT_ONCE], probes)
        await asyncio.sleep(0)
    return sorted(found, key=_need)


async def glance(visit: Visit, site: Site) -> Glance:
    """One site."""
    return (await _glances(visit, [site], {site.id: await visit.store.probes(site.id)}))[0]


async def _glances(visit: Visit, sites: Sequence[Site], probes: Mapping[str, Sequence[Probe]]) -> list[Glance]:
    """In the order of `sites`, of which all is read together."""
    of_each = [probes.get(site.id, ()) for site in sites]
    latest = await visit.store.latest_of([probe.id for some in of_each for probe in some], visit.now)
    advice = await visit.store.recommendations_of([site.id for site in sites])
    return [
        _glance(visit, site, some, [latest[probe.id] for probe in some], advice[site.id])
        for site, some in zip(sites, of_each, strict=True)
    ]


def _need(one: Glance) -> tuple[int, int, str, str]:
    return STATES.index(one.condition.state), -len(one.condition.reasons), one.site.name.casefold(), one.site.id


def _glance(
    visit: Visit,
    site: Site,
    probes: Sequence[Probe],
    points: Sequence[Mapping[str, Measurement]],
    advice: Sequence[Recommendation],
) -> Glance:
    """A site whose probes' newest `points` are these."""
    display = visit.display(site)
    latest = [point for of_one in points for point in _shown(of_one, display)]
    latest.sort(key=lambda point: (order(point.quantity), point.probe))
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
