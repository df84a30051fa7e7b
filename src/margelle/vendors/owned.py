"""What a user of a face has, for every vendor's face."""

from __future__ import annotations

from margelle.domain.site import Site, User
from margelle.errors import Unavailable
from margelle.ports import Reader


async def sites_of(reader: Reader, user: User, vendor: str) -> list[Site]:
    """The user's sites: first those of the face's own `vendor`, since some clients look at the first one only; then by id.

    Raises Unavailable where there is none because nothing has been collected yet, or it is doubted that there is none: clients
    delete what they had when they are told an empty list.
    """
    sites = await reader.sites(owner=user.email)
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
