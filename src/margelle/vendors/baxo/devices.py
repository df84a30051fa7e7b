"""What one user sees through the face: the probes of their sites as devices, of whatever vendor, by contract."""

from __future__ import annotations

from datetime import datetime
from itertools import chain, groupby

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Site, User
from margelle.domain.unit import Unit
from margelle.errors import NotFound
from margelle.ports import FaceContext
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.baxo.translate import VENDOR, DeviceTags, Tag, contract_id, ids_of, is_event, lines
from margelle.vendors.owned import probes_of, sites_of


class Device(Struct, frozen=True):
    """A probe under the id that it has for clients; `alone` says that its site has no other."""

    id: str
    site: Site
    probe: Probe
    tags: DeviceTags
    alone: bool

    def is_event(self, tag: Tag) -> bool:
        """Whether a tag tells of events and not of values."""
        return tag.unit is Unit.STATE or is_event(self.site, tag.reference)


class Devices:
    """Contracts, devices and what the devices measured."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._reader, self._writer = context.reader, context.writer
        self.tags = profile.tags

    async def contracts(self, user: User) -> dict[str, list[Site]]:
        """The user's sites by contract. Raises Unavailable where there is none yet, or it is doubted that there is none."""
        found: dict[str, list[Site]] = {}
        for site in await sites_of(self._reader, user, VENDOR):
            found.setdefault(contract_id(site), []).append(site)
        return found

    async def of(self, user: User, contract: str) -> dict[str, Device]:
        """The devices of a contract by id. Raises NotFound."""
        sites = (await self.contracts(user)).get(contract)
        if sites is None:
            raise NotFound("There is no such contract.")
        devices = [device for site in sites for device in await self._of_site(site)]
        return {device.id: device for device in devices}

    async def some(self, user: User, contract: str, ids: tuple[str, ...]) -> list[Device]:
        """These devices of a contract. Raises NotFound where one is not there."""
        devices = await self.of(user, contract)
        if missing := [key for key in ids if key not in devices]:
            raise NotFound(f"There is no such device: {missing[0][:40]}.")
        return [devices[key] for key in ids]

    async def latest(self, device: Device, now: datetime, wanted: tuple[str, ...]) -> list[tuple[Tag, Measurement]]:
        """The newest value of every tag, or of the wanted ones in their order; one that there is not is left out."""
        newest: dict[str, tuple[Tag, Measurement]] = {}
        for quantity, point in (await self._reader.latest(device.probe.id, now)).items():
            tag = self._tag(device, quantity, point)
            if tag.reference not in newest or newest[tag.reference][1].at < point.at:
                newest[tag.reference] = tag, point
        order = wanted or self._order(device, newest)
        return [newest[reference] for reference in order if reference in newest]

    async def references(self, device: Device, wanted: tuple[str, ...]) -> dict[str, list[Tag]]:
        """What has been kept of each tag, or of the wanted ones in their order: more than one quantity where the mapping was changed."""
        found: dict[str, list[Tag]] = {}
        for quantity in await self._reader.quantities(device.probe.id):
            tag = self._tag(device, quantity)
            found.setdefault(tag.reference, []).append(tag)
        return {name: found[name] for name in wanted or self._order(device, found) if name in found}

    async def history(
        self, device: Device, tags: list[Tag], since: datetime, until: datetime, most: int
    ) -> list[Measurement]:
        """At most so many values of one reference with since <= at < until, oldest first; of two at one instant, the mapped one."""
        ordered = sorted(tags, key=lambda tag: tag.quantity.startswith(f"{VENDOR}."))
        series = [await self._reader.history(device.probe.id, tag.quantity, since, until, most) for tag in ordered]
        if len(series) == 1:
            return series[0]
        points = sorted(chain.from_iterable(series), key=lambda point: point.at)
        return [next(same) for _, same in groupby(points, key=lambda point: point.at)][:most]

    def _tag(self, device: Device, quantity: str, point: Measurement | None = None) -> Tag:
        unit = self.tags.unit(quantity) or (point.raw_unit if point else Unit.RATIO)
        return device.tags.of(quantity, unit)

    def _order(self, device: Device, found: dict[str, list[Tag]] | dict[str, tuple[Tag, Measurement]]) -> list[str]:
        """As their own cloud told them, then by name."""
        told = {name: n for n, name in enumerate(lines(device.site.attributes.get("tags")))}
        return sorted(found, key=lambda name: (told.get(name, len(told)), name))

    async def _of_site(self, site: Site) -> list[Device]:
        probes = await probes_of(self._reader, site)
        ids = [await self._id(probe) for probe in probes]
        return [
            Device(key, site, probe, self.tags.of(key), len(probes) == 1)
            for key, probe in zip(ids, probes, strict=True)
        ]

    async def _id(self, probe: Probe) -> str:
        """BAXO's own id, which is unique in its contract; another's is a persona."""
        if probe.vendor == VENDOR:
            return ids_of(probe)[1]
        return (await self._writer.persona(VENDOR, "probe", probe.id)).public_id
