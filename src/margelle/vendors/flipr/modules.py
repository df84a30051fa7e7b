"""What one user sees through the face: each of their probes as a module, of whatever vendor, and what it measured."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site, User
from margelle.errors import NotFound
from margelle.ports import FaceContext
from margelle.vendors.flipr.translate import ALWAYS, SHOWN, VENDOR, preferred_number, serial_of, shows_itself
from margelle.vendors.owned import newest_of, past_of, probes_of, sites_of


class Shown(Struct, frozen=True):
    """A probe under its public serial."""

    serial: str
    site: Site
    probe: Probe


class Modules:
    """Probes, sites and measurements by their public ids."""

    def __init__(self, context: FaceContext) -> None:
        self._reader = context.reader
        self._writer = context.writer

    async def of(self, user: User) -> dict[str, Shown]:
        """The user's probes by public serial. Raises Unavailable where what they have is not known yet."""
        found = {}
        for site in await sites_of(self._reader, user, VENDOR):
            for probe in await probes_of(self._reader, site):
                serial = await self._serial(site, probe)
                found[serial] = Shown(serial, site, probe)
        return found

    async def one(self, user: User, serial: str) -> Shown:
        """One of the user's probes, its serial in any case. Raises NotFound."""
        shown = (await self.of(user)).get(serial.strip().upper())
        if shown is None:
            raise NotFound("There is no such module.")
        return shown

    async def places(self, user: User) -> dict[int, Site]:
        """The user's sites by public id: every site is a place."""
        return {await self._place(site): site for site in await sites_of(self._reader, user, VENDOR)}

    async def latest(self, shown: Shown, now: datetime) -> dict[str, Measurement]:
        """By quantity, what was measured at the newest instant; of another vendor's probe, within the last day before it."""
        return await newest_of(self._reader, shown.probe, SHOWN, VENDOR, now)

    async def history(self, shown: Shown, since: datetime, now: datetime) -> dict[str, list[Measurement]]:
        """By quantity, the measurements from `since` until now, oldest first."""
        return await past_of(self._reader, shown.probe, SHOWN, since, now)

    async def is_like(self, shown: Shown) -> bool:
        """Whether a probe measures what a Flipr does; of one in no tank and no plant that is taken for granted."""
        return shown.site.kind not in {"tank", "plant"} or set(await self._reader.quantities(shown.probe.id)) >= ALWAYS

    async def air_temperature(self, shown: Shown, now: datetime) -> float | None:
        """The newest temperature of the air, if the probe tells it."""
        point = (await self._reader.latest(shown.probe.id, now)).get("air_temperature")
        return point.value if point is not None and point.valid else None

    async def alerts(self, site: Site) -> dict[int, Recommendation]:
        """The site's recommendations that wait, by public id."""
        return {
            int((await self._writer.persona(VENDOR, "recommendation", one.id)).public_id): one
            for one in await self._reader.recommendations(site.id)
        }

    async def _serial(self, site: Site, probe: Probe) -> str:
        preferred = preferred_number(probe.vendor, probe.serial)
        if preferred is None and shows_itself(site, probe):
            return probe.serial
        return serial_of(int((await self._writer.persona(VENDOR, "probe", probe.id, preferred)).public_id))

    async def _place(self, site: Site) -> int:
        told = site.attributes.get("place") if site.vendor == VENDOR else None
        preferred = told if isinstance(told, int) and 0 < told < 2**31 else None
        return int((await self._writer.persona(VENDOR, "site", site.id, preferred)).public_id)
