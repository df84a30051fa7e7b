"""What an account has at Flipr's cloud: one request for the modules, one for the places, and two for each of at most `MODULES_A_DAY` probes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import field
from msgspec.structs import replace

from margelle.domain.site import Account, Disinfectant, Person, Probe, Site
from margelle.errors import NotFound
from margelle.ports import Discovery, Fault
from margelle.vendors.answer import entries, entry, few
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.cloud import Cloud, path_of
from margelle.vendors.flipr.translate import (
    HUBS,
    PROBE,
    disinfectant_from,
    hub_site_from,
    probe_from,
    site_from,
    switch_from,
)
from margelle.vendors.survey import Findings, Read, turn_of

MODULES_A_DAY: Final = 4
EMPTY: Final = {b"", b"null", b"{}", b"[]"}

# What of ours comes from which part of theirs, and stays as it is known where that part was not read.
POOL: Final = ("name", "volume_m3", "attributes")
PLACE: Final = ("attributes", "switches")
DISINFECTION: Final = ("disinfection",)
OF_MODULE: Final[dict[str, tuple[str, ...]]] = {
    "IsForSpa": ("kind",),
    "CommercialType": ("attributes",),
    "Status": ("attributes",),
}


class Survey(Findings, kw_only=True):
    """A discovery in progress."""

    cloud: Cloud
    account: Account
    hubs: dict[str, wire.Module] = field(default_factory=dict)

    async def discovered(self, now: datetime) -> Discovery:
        """Everything. Raises where the list of modules cannot be read; every later failure is a fault."""
        modules = await self._modules()
        places = await self._places(modules)
        turn = todays(sorted(modules), now)
        found = [await self._module(module, places, asked=key in turn) for key, module in modules.items()]
        sites, probes = self._switched([site for site, _ in found], places), tuple(probe for _, probe in found)
        person = Person(email=self.account.login)
        return Discovery(person, sites, probes, few(self.faults), self.unread)

    def _switched(self, sites: list[Site], places: dict[str, wire.Place]) -> tuple[Site, ...]:
        """The sites with their hubs: each at the first probe of its place; where no place tells, at the first of all; without any, alone."""
        homes = homes_of(self.hubs, [site.key for site in sites], places)
        switches = {serial: switch_from(self.account, serial, self.hubs.get(serial)) for serial in homes}
        alone = [hub_site_from(self.account, switches[serial]) for serial, home in homes.items() if home is None]
        return (
            *(
                replace(site, switches=tuple(switches[serial] for serial, home in homes.items() if home == site.key))
                for site in sites
            ),
            *alone,
        )

    async def _modules(self) -> dict[str, wire.Module]:
        """The probes by serial; hubs are put aside. An empty list is doubted: an account without anything is rarer than a cloud that is ill."""
        listed = entries((await self.cloud.get("modules", "/modules")).body, wire.Module, "modules")
        self.faults.extend(listed.lost)
        if not listed.read:
            self.faults.append(Fault("modules", "the cloud lists no module at all"))
        probes = {}
        for module, wrong in zip(listed.read, listed.wrong, strict=True):
            key = module.serial.upper()
            if module.module_type_id in HUBS and key:
                self.hubs[key] = module
            if module.module_type_id not in {PROBE, None} or not key:
                continue
            probes[key] = module
            names = [fault.where.rpartition(".")[2] for fault in wrong]
            self.leave(
                self.account.own_id(key), [ours for theirs in names for ours in OF_MODULE.get(theirs, ())], wrong
            )
            if "Version" in names:
                self.leave(f"{self.account.own_id(key)}/probe", ("firmware",))
        return probes

    async def _places(self, modules: dict[str, wire.Module]) -> dict[str, wire.Place]:
        """The places by the serials of their modules. Not every cloud has them."""
        subject = self.account.own_id(next(iter(modules), ""))
        places = await self.part(subject, PLACE, self._place, asked=bool(modules))
        if places is None:
            for key in modules:
                self.leave(self.account.own_id(key), PLACE)
        return {(module.serial or "").upper(): place for place in places or () for module in place.modules or ()}

    async def _place(self) -> Read[list[wire.Place]]:
        try:
            listed = entries((await self.cloud.get("place", "/place")).body, wire.Place, "place")
        except NotFound:
            return [], []
        return listed.read, listed.faults

    async def _module(self, module: wire.Module, places: dict[str, wire.Place], *, asked: bool) -> tuple[Site, Probe]:
        key = module.serial.upper()
        subject, path = self.account.own_id(key), path_of(module.serial)
        pool = await self.part(subject, POOL, self._pool, path, asked=asked)
        kept_by = await self.part(subject, DISINFECTION, self._kept_by, path, asked=asked)
        if kept_by == "other":
            self.leave(subject, DISINFECTION)
        site = site_from(self.account, module, pool, places.get(key), kept_by)
        return site, probe_from(site, module)

    async def _pool(self, path: str) -> Read[wire.Pool]:
        """The pool; a module that has none is called by its serial."""
        try:
            body = (await self.cloud.get("pool", f"{path}/pool")).body
        except NotFound:
            return wire.Pool(), []
        return (wire.Pool(), []) if body.strip() in EMPTY else entry(body, wire.Pool, f"{path[1:]}/pool")

    async def _kept_by(self, path: str) -> Read[Disinfectant]:
        """What the newest measure says; `other` where it says nothing."""
        try:
            body = (await self.cloud.get("survey/last", f"{path}/survey/last")).body
        except NotFound:
            return "other", []
        if body.strip() in EMPTY:
            return "other", []
        measure, _ = entry(body, wire.Measure, f"{path[1:]}/survey/last")
        return disinfectant_from(measure) or "other", []


def homes_of(hubs: Iterable[str], probes: Iterable[str], places: Mapping[str, wire.Place]) -> dict[str, str | None]:
    """By a hub's serial, that of the probe at whose site it is; None where there is no probe. Places tell of hubs that no list has, too."""
    keys = sorted(probes)
    told = {key: [(hub.serial or "").upper() for hub in places[key].hubs or ()] for key in keys if key in places}
    serials = {*hubs, *(serial for of_place in told.values() for serial in of_place if serial)}
    first = min(keys, default=None)
    return {serial: next((key for key in told if serial in told[key]), first) for serial in sorted(serials)}


def todays(serials: list[str], now: datetime) -> set[str]:
    """The modules whose turn it is: `MODULES_A_DAY` of them, another few every day."""
    return turn_of(serials, MODULES_A_DAY, now)
