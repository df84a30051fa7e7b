"""What a user of a face has, for every vendor's face."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from margelle.domain.measurement import Measurement
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.site import Probe, Site, User
from margelle.errors import Unavailable
from margelle.ports import Reader

TOGETHER: Final = timedelta(days=1)
"""Values of another vendor's probe no further apart than this count as one newest measure."""


async def sites_of(reader: Reader, user: User, vendor: str) -> list[Site]:
    """The user's sites: first those of the face's own `vendor`, since some clients look at the first one only; then by id.

    Raises Unavailable where there is none because nothing has been collected yet, or it is doubted that there is none: clients
    delete what they had when they are told an empty list.
    """
    sites = await reader.sites(seen_by=user.email)
    if not sites:
        await _demand_discovery(reader, user)
    return sorted(sites, key=lambda site: (site.vendor != vendor, site.id))


async def _demand_discovery(reader: Reader, user: User) -> None:
    accounts = await reader.accounts(user.email)
    if not accounts:
        raise Unavailable("Nothing is collected for this user yet.", hint="Add an account on the hub.")
    for account in accounts:  # where something is wrong, that there is nothing may be wrong too
        if account.discovered_at is None or await reader.incidents(account.id, open_only=True):
            raise Unavailable("This user's pools have not been collected yet.")


async def probes_of(reader: Reader, site: Site) -> list[Probe]:
    """The probes of a site that are devices to clients: not the strip or photometer with which people measure by hand beside a vendor's probe."""
    return [probe for probe in await reader.probes(site.id) if probe.vendor == site.vendor]


async def newest_of(
    reader: Reader, probe: Probe, quantities: Collection[str], vendor: str, now: datetime
) -> dict[str, Measurement]:
    """By quantity, what was measured at the newest instant; of another vendor's probe than the face's, within the last day before it."""
    latest = await reader.latest(probe.id, now)
    points = {quantity: latest[quantity] for quantity in quantities if quantity in latest}
    newest = max((point.at for point in points.values()), default=now)
    since = newest if probe.vendor == vendor else newest - TOGETHER
    return {quantity: point for quantity, point in points.items() if point.at >= since}


async def past_of(
    reader: Reader, probe: Probe, quantities: Collection[str], since: datetime, now: datetime
) -> dict[str, list[Measurement]]:
    """By quantity, the measurements from `since` until now, oldest first."""
    known = set(await reader.quantities(probe.id))
    until = now + CLOCK_TOLERANCE
    return {
        quantity: await reader.history(probe.id, quantity, since, until) for quantity in quantities if quantity in known
    }


def preferred_id(vendor: str, of: str, key: str) -> int | None:
    """The number that what is the face's own vendor's has there already, as clients know it; None for everything else."""
    return int(key) if of == vendor and key.isascii() and key.isdecimal() and len(key) <= 10 else None
