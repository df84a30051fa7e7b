"""Sites at a glance: what was measured last, the limits that hold, what is advised, and the state that follows from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from margelle.domain.limits import Bands, Regime, bands_of
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe, Recommendation, Site
from margelle.domain.state import Condition, condition, rhythm_of
from margelle.ports import Display, Reader, Vendor

MAIN: Final = ("temperature", "ph", "orp", "salt", "tds", "free_chlorine_estimate", "bromine_estimate")
MINOR: Final = ("air_temperature", "uv_index", "cloud_cover", "battery", "rssi")
_ORDER: Final = {name: n for n, name in enumerate(MAIN)} | {name: 1000 + n for n, name in enumerate(MINOR)}
_AT_ONCE: Final = 250
"""So many sites are asked for together, before others get their turn."""


class Shown:
    """How the sites of a vendor are shown, by its settings as they are now."""

    def __init__(self, vendor: Vendor, settings: Mapping[str, Mapping[str, Any]], catalogue: Catalogue) -> None:
        self._vendor, self._settings, self._catalogue = vendor, settings, catalogue
        self._given: Mapping[str, Any] | None = None
        self._display: Callable[[Site], Display] = lambda _: Display()

    def __call__(self, site: Site) -> Display:
        """How one site is shown."""
        given = self._settings.get(self._vendor.name, {})
        if given is not self._given and self._vendor.display is not None:
            self._given, self._display = given, self._vendor.display(given, self._catalogue)
        return self._display(site)


class Showing(Struct, frozen=True):
    """How the sites of each vendor are shown (`displays`), and which limits hold."""

    displays: Mapping[str, Callable[[Site], Display]] = {}
    regime: Regime = "private"

    @classmethod
    def of(
        cls, vendors: Sequence[Vendor], settings: Mapping[str, Mapping[str, Any]], catalogue: Catalogue, regime: Regime
    ) -> Showing:
        """How this installation shows the sites of these vendors, by the settings of each."""
        told = {one.name: Shown(one, settings, catalogue) for one in vendors if one.display is not None}
        return cls(told, regime)

    def display(self, site: Site) -> Display:
        """How a site's quantities are shown."""
        known = self.displays.get(site.vendor)
        return known(site) if known else Display()

    def limits(self, site: Site, quantities: set[str]) -> dict[str, Bands]:
        """The limits that hold at a site, by quantity."""
        display = self.display(site)
        found = {name: bands_of(site, name, display.bands, self.regime) for name in quantities - display.states}
        return {name: bands for name, bands in found.items() if bands is not None}


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


async def glances(
    reader: Reader, now: datetime, showing: Showing, sites: Sequence[Site], probes: Mapping[str, Sequence[Probe]]
) -> list[Glance]:
    """All of `sites`, in their order, whose `probes` are these, by site."""
    found: list[Glance] = []
    for n in range(0, len(sites), _AT_ONCE):
        found += await _glances(reader, now, showing, sites[n : n + _AT_ONCE], probes)
        await asyncio.sleep(0)
    return found


async def _glances(
    reader: Reader, now: datetime, showing: Showing, sites: Sequence[Site], probes: Mapping[str, Sequence[Probe]]
) -> list[Glance]:
    """Of these sites all is read together."""
    of_each = [probes.get(site.id, ()) for site in sites]
    latest = await reader.latest_of([probe.id for some in of_each for probe in some], now)
    advice = await reader.recommendations_of([site.id for site in sites])
    return [
        _glance(showing, site, some, [latest[probe.id] for probe in some], advice[site.id], now=now)
        for site, some in zip(sites, of_each, strict=True)
    ]


def _glance(
    showing: Showing,
    site: Site,
    probes: Sequence[Probe],
    points: Sequence[Mapping[str, Measurement]],
    advice: Sequence[Recommendation],
    *,
    now: datetime,
) -> Glance:
    """A site whose probes' newest `points` are these."""
    display = showing.display(site)
    latest = [point for of_one in points for point in _shown(of_one, display)]
    latest.sort(key=lambda point: (order(point.quantity), point.probe))
    bands = showing.limits(site, {point.quantity for point in latest})
    state = condition(latest, bands, advice, now, rhythm_of(latest))
    return Glance(site, tuple(probes), tuple(latest), bands, tuple(advice), state)


def _shown(latest: Mapping[str, Measurement], display: Display) -> Iterator[Measurement]:
    for quantity, point in latest.items():
        if quantity not in display.aside and not display.hides(quantity, latest):
            yield point
