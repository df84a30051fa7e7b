"""A hub with a site of its own."""

from __future__ import annotations

from datetime import datetime

from margelle.domain.site import OWN, Account, Probe, Site, User
from margelle.ports import Discovery, Store

ANNA = "anna@example.org"
GARDEN = "own:garden/probe"


async def furnish(store: Store, now: datetime, *, owner: str = ANNA, account: str = OWN, key: str = "garden") -> Probe:
    """A user with one site of their own, with one probe."""
    site = Site(f"own:{key}", OWN, key, "Garden pool", "pool", 48.0, time_zone="Europe/Paris")
    probe = Probe(f"own:{key}/probe", site.id, OWN, key)
    if await store.user(owner) is None:
        await store.put_user(User(owner, "x"))
    own = Account(account, OWN, owner, "")
    await store.put_account(own)
    await store.put_discovery(own.id, Discovery(own.person, (site,), (probe,)), now)
    return probe
