"""What one user sees and does of switches through the face: each of their sites', of whatever vendor, as a hub."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from margelle.domain.site import Site, User
from margelle.domain.switch import Switch, Turn
from margelle.errors import Malformed, Refused, Unavailable
from margelle.ports import AuditEntry, FaceContext
from margelle.vendors.failure import RETRY_AFTER_S
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.translate import VENDOR, preferred_number, serial_of, standing_to
from margelle.vendors.owned import sites_of

UNKNOWN: Final = "How this hub stands is not known yet."


class Forbidden(Exception):
    """The installation lets nobody switch pumps through the face."""


class Hub(Struct, frozen=True):
    """A switch under its public serial."""

    serial: str
    site: Site
    switch: Switch


class Hubs:
    """Switches by their public serials."""

    def __init__(self, context: FaceContext, *, turned: bool) -> None:
        self._context = context
        self._turned = turned

    async def of(self, user: User) -> dict[str, Hub]:
        """The user's hubs by public serial; one that stands at two of their sites is one."""
        found: dict[str, Hub] = {}
        for site in await sites_of(self._context.reader, user, VENDOR):
            for switch in site.switches:
                serial = await self._serial(switch)
                found.setdefault(serial, Hub(serial, site, switch))
        return found

    async def one(self, user: User, serial: str) -> Hub | None:
        """One of the user's hubs, its serial in any case."""
        return (await self.of(user)).get(serial.strip().upper())

    async def standing(self, hub: Hub, now: datetime) -> wire.HubState:
        """How it stands. Raises Unavailable where that is not known: a pump is not said to rest because nobody has looked."""
        state = standing_to(await self._context.reader.latest(hub.switch.id, now))
        if state is None:
            raise Unavailable(UNKNOWN, retry_after_s=RETRY_AFTER_S)
        return state

    async def turn(self, hub: Hub, wanted: Turn, user: User, now: datetime) -> None:
        """Have it switched where its vendor's cloud is. Raises Forbidden, and what the cloud's refusal means."""
        if not self._turned:
            entry = AuditEntry(now, user.email, "switch", hub.switch.id, f"{wanted!r}: not allowed", hub.site.id)
            await self._context.writer.record(entry)
            raise Forbidden
        try:
            await self._context.actions.switch(hub.switch, wanted, hub.site, user)
        except (Refused, Malformed) as error:  # the client's own token is good
            raise Unavailable(error.what, hint=error.hint) from error

    async def _serial(self, switch: Switch) -> str:
        preferred = preferred_number(switch.vendor, switch.key)
        if preferred is None and switch.id == f"{VENDOR}:{switch.key}/hub":
            return switch.key
        return serial_of(int((await self._context.writer.persona(VENDOR, "probe", switch.id, preferred)).public_id))
