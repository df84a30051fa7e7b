"""What a caller may see of the water: their sites, probes and series; what is somebody else's does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe, Site
from margelle.errors import NotFound
from margelle.export.row import Series
from margelle.ports import Reader
from margelle.serve.api.problem import bad_field

if TYPE_CHECKING:
    from margelle.serve.api.endpoint import Visit


_MOST_SIGHTS: Final = 500


class Sights(Struct, frozen=True):
    """The sites in which a user has a role, and what measures there, switches among it, both by id."""

    sites: dict[str, Site]
    probes: dict[str, Probe]

    def named(self, name: str) -> Probe:
        """The probe that `name` means: its id, or that of a site with one probe, as where points are sent. Raises NotFound, and BadFields where there are several."""
        if name in self.probes:
            return self.probes[name]
        switches = {one.id for one in self.sites[name].switches} if name in self.sites else set()
        there = [one for one in self.probes.values() if one.site == name and one.id not in switches]
        if len(there) > 1:
            raise bad_field("probe", f"the site {name} has several: {', '.join(sorted(one.id for one in there))}")
        if not there:
            raise NotFound(f"There is no probe {name!r}, or it is not yours to see.")
        return there[0]


class Lookout:
    """Tells who sees what, and remembers it: who sees it for as long as nothing but measurements is kept, what was measured for as long as nothing is."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sights: dict[str, Sights] = {}  # by e-mail, true of the store's version but for measurements
        self._series: dict[str, list[str]] = {}  # true of the store's version
        self._places = self._version = -1

    async def sights(self, email: str) -> Sights:
        """All that a user may see, vanished or not."""
        places = await self._reader.version(but_points=True)
        if places != self._places or len(self._sights) > _MOST_SIGHTS:
            self._sights.clear()
            self._places = places
        found = self._sights.get(email)
        if found is None:
            found = await self._look(email)
            if places == self._places:
                self._sights[email] = found
        return found

    async def quantities(self, probe: str) -> list[str]:
        """What a probe has ever measured."""
        version = await self._reader.version()
        if version != self._version:
            self._series.clear()
            self._version = version
        found = self._series.get(probe)
        if found is None:
            found = await self._reader.quantities(probe)
            if version == self._version:
                self._series[probe] = found
        return found

    async def _look(self, email: str) -> Sights:
        sites = {site.id: site for site in await self._reader.sites(seen_by=email, gone=True)}
        probes = {probe.id: probe for probe in await self._reader.probes_at(sites)}
        for site in sites.values():
            probes |= {one.id: Probe(one.id, site.id, one.vendor, one.key) for one in site.switches}
        return Sights(sites, probes)


def site_seen(visit: Visit, site: str) -> str:
    """`site`, if the caller may read there. Raises NotFound."""
    visit.caller.demand("read", site)
    return site


async def probes_seen(visit: Visit, sites: Sequence[str], probes: Sequence[str]) -> list[Probe]:
    """Of what the caller sees: those named, those of the sites named, or all, by id. Raises NotFound for a name that they do not see, and BadFields for a site's with several probes."""
    for site in sites:
        site_seen(visit, site)
    sights = await visit.rooms.lookout.sights(visit.caller.user.email)
    chosen = {one.id: one for one in (sights.named(name) for name in probes)} if probes else sights.probes
    return sorted((one for one in chosen.values() if not sites or one.site in sites), key=lambda probe: probe.id)


async def series_seen(
    visit: Visit, sites: Sequence[str], probes: Sequence[str], quantities: Sequence[str]
) -> list[Series]:
    """The series that the caller means, by probe, then quantity. Raises NotFound, and BadFields for a quantity that nothing has."""
    found = [
        Series(probe.id, quantity, probe.site)
        for probe in await probes_seen(visit, sites, probes)
        for quantity in await visit.rooms.lookout.quantities(probe.id)
    ]
    wanted = _spelled(quantities, visit.rooms.catalogue, {series.quantity for series in found})
    return [series for series in found if not wanted or series.quantity in wanted]


def _spelled(names: Iterable[str], catalogue: Catalogue, measured: set[str]) -> set[str]:
    if measured.issuperset(names):  # as programs spell them
        return set(names)
    known = {name.casefold(): name for name in (*measured, *(one.name for one in catalogue))}
    wanted = set()
    for name in names:
        if name.casefold() not in known:
            try:
                catalogue[name]
            except KeyError as error:
                raise bad_field("quantity", str(error.args[0])) from error
        wanted.add(known[name.casefold()])
    return wanted
