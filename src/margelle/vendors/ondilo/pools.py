"""What one user sees through the face: their sites as pools, of whatever vendor, and what was measured there."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from margelle.domain.access import Membership
from margelle.domain.measurement import Measurement
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.site import Person, Probe, Recommendation, Share, Site, User
from margelle.errors import Conflict, NotFound, Unavailable
from margelle.ports import FaceContext
from margelle.vendors.ondilo.translate import VENDOR, solids_of
from margelle.vendors.ondilo.wire import Period
from margelle.vendors.owned import preferred_id, probes_of, sites_of

WINDOW: Final[dict[Period, timedelta]] = {
    "day": timedelta(hours=24),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}


CONDUCTIVITY: Final = "conductivity"
SOLIDS: Final = {"tds", "salt"}


class Pools:
    """Sites, measurements and recommendations by their public ids."""

    def __init__(self, context: FaceContext) -> None:
        self._reader = context.reader
        self._writer = context.writer

    async def of(self, user: User) -> dict[str, Site]:
        """The user's sites by public id.

        Raises Unavailable where there is none because nothing has been collected yet, or it is doubted that there is none: clients
        delete what they had when they are told an empty list.
        """
        return {await self._site_id(site): site for site in await sites_of(self._reader, user, VENDOR)}

    async def site(self, user: User, public_id: str) -> Site:
        """One of the user's sites. Raises NotFound."""
        site = (await self.of(user)).get(public_id)
        if site is None:
            raise NotFound("There is no such pool.")
        return site

    async def person(self, user: User) -> Person | User:
        """The user as Ondilo knows them, if one of their accounts there has told, else as the hub does."""
        accounts = await self._reader.accounts(user.email)
        told = (account.person for account in accounts if account.vendor == VENDOR)
        return next((person for person in told if person.email or person.lastname), user)

    async def units(self, user: User) -> dict[str, str]:
        """The display units that the user chose at Ondilo; empty where none is known."""
        person = await self.person(user)
        return person.units if isinstance(person, Person) else {}

    async def shares(self, site: Site, user: User) -> tuple[Share, ...]:
        """With whom a site is shared, at its vendor and on this hub, for its owners: to others these people are nobody's business."""
        if (await self._reader.roles(user.email)).get(site.id) != "owner":
            return ()
        told = {share.email.casefold() for share in site.shares} | {user.email.casefold()}
        given = await self._reader.memberships(subject=site.id)
        return (*site.shares, *[await self._share(one) for one in given if one.user.casefold() not in told])

    async def _share(self, membership: Membership) -> Share:
        known = await self._reader.user(membership.user)
        names = (known.firstname, known.lastname) if known else ("", "")
        return Share(*names, membership.user, membership.since)

    async def devices(self, site: Site) -> list[Probe]:
        """The site's probes that have a device in them."""
        return [probe for probe in await probes_of(self._reader, site) if probe.serial or probe.hardware]

    async def demand_survey(self, site: Site) -> None:
        """Raises Unavailable where something was measured by a device that was not asked for yet: one that is null counts as gone."""
        for probe in await probes_of(self._reader, site) if site.vendor == VENDOR else ():
            known = any(past.serial or past.hardware for _, past in await self._reader.devices(probe.id))
            if not known and await self._reader.quantities(probe.id):
                raise Unavailable("This pool's device has not been collected yet.")

    async def latest(self, site: Site, now: datetime) -> dict[str, Measurement]:
        """By quantity, the newest measurement of any of the site's probes."""
        newest: dict[str, Measurement] = {}
        for probe in await probes_of(self._reader, site):
            for quantity, point in (await self._reader.latest(probe.id, now)).items():
                if quantity not in newest or point.at > newest[quantity].at:
                    newest[quantity] = point
        if not SOLIDS & newest.keys() and CONDUCTIVITY in newest:
            solids = _solids(site)
            newest[solids] = solids_of(newest[CONDUCTIVITY], solids)
        return newest

    async def changed_at(self, site: Site, now: datetime) -> datetime:
        """When the site last changed: a measurement, or something its owner did.

        Home Assistant plans its next request by it, so a change from far ahead of the clock is left out: it would not ask before that.
        """
        instants = [point.at for point in (await self.latest(site, now)).values()]
        if site.updated_at is not None and site.updated_at <= now + CLOCK_TOLERANCE:
            instants.append(site.updated_at)
        return max(instants, default=now)

    async def history(self, site: Site, quantity: str, period: Period, now: datetime) -> list[Measurement]:
        """The measurements of a quantity in the period that ends now, oldest first; solids by the conductivity, where only that is told."""
        points = await self._history(site, quantity, period, now)
        if not points and quantity == _solids(site) and not await self._tell_solids(site):
            conductivity = await self._history(site, CONDUCTIVITY, period, now)
            points = [solids_of(point, quantity) for point in conductivity]
        return points

    async def _tell_solids(self, site: Site) -> bool:
        probes = await probes_of(self._reader, site)
        return any([SOLIDS & set(await self._reader.quantities(probe.id)) for probe in probes])

    async def _history(self, site: Site, quantity: str, period: Period, now: datetime) -> list[Measurement]:
        since, until = now - WINDOW[period], now + CLOCK_TOLERANCE
        points: list[Measurement] = []
        probes = await probes_of(self._reader, site)
        for probe in probes:
            points += await self._reader.history(probe.id, quantity, since, until)
        return points if len(probes) < 2 else sorted(points, key=attrgetter("at"))

    async def recommendations(self, site: Site) -> dict[str, Recommendation]:
        """Those of the site that wait, by public id."""
        waiting = await self._reader.recommendations(site.id)
        return {await self._recommendation_id(one, site): one for one in waiting}

    async def recommendation(self, site: Site, public_id: str) -> Recommendation:
        """One of the site's recommendations that waits. Raises NotFound, and Conflict where it has been done already."""
        if waiting := (await self.recommendations(site)).get(public_id):
            return waiting
        subject = await self._reader.subject(VENDOR, "recommendation", public_id)
        known = await self._reader.recommendation(subject) if subject else None
        if known is None or known.site != site.id:
            raise NotFound("There is no such recommendation.")
        raise Conflict("The recommendation isn't waiting any more.")

    async def _site_id(self, site: Site) -> str:
        preferred = preferred_id(VENDOR, site.vendor, site.key)
        return (await self._writer.persona(VENDOR, "site", site.id, preferred)).public_id

    async def _recommendation_id(self, one: Recommendation, site: Site) -> str:
        preferred = preferred_id(VENDOR, site.vendor, one.key)
        return (await self._writer.persona(VENDOR, "recommendation", one.id, preferred)).public_id


def _solids(site: Site) -> str:
    """Which of the two an ICO would tell in this water."""
    return "salt" if site.disinfection.primary == "salt" else "tds"
