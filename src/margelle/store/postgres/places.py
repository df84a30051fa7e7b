"""Accounts, and the sites and probes they reach, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from margelle.domain.site import Account, Probe, Site
from margelle.ports import Discovery
from margelle.store import rules
from margelle.store.postgres import owning
from margelle.store.postgres.access import MEMBERS_SITES
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.database import Database, retried

_SITES: Final = f"""
SELECT doc FROM site WHERE id IN (
    SELECT link.site FROM link WHERE (%(gone)s OR gone_at IS NULL)
    AND (%(user)s::text IS NULL OR owner = %(user)s OR site IN ({MEMBERS_SITES}))
    AND (%(account)s::text IS NULL OR account = %(account)s AND {owning.LIVES})
) ORDER BY id
"""  # noqa: S608 - of constants only
_ACCOUNTS_OF: Final = """
SELECT doc FROM link JOIN account ON account.id = link.account AND account.owner = link.owner
WHERE site = %s AND gone_at IS NULL ORDER BY account.id
"""
_PUT_ACCOUNT: Final = """
INSERT INTO account VALUES (%s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, doc = excluded.doc, organisation = excluded.organisation
"""
_PUT_SITE: Final = "INSERT INTO site VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc"
_PUT_PROBE: Final = (
    "INSERT INTO probe VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE SET site = excluded.site, doc = excluded.doc"
)


class PlacesTables:
    """The part of the store that knows what there is to measure: tables account, site, link, probe and device."""

    _db: Database

    async def accounts(self, owner: str | None = None) -> list[Account]:
        if owner is None:
            return await self._db.docs(Account, "SELECT doc FROM account ORDER BY id")
        key = rules.email_key(owner)
        return await self._db.docs(Account, "SELECT doc FROM account WHERE owner = %s ORDER BY id", (key,))

    async def account(self, account: str) -> Account | None:
        return await self._db.doc(Account, "SELECT doc FROM account WHERE id = %s", (account,))

    @retried
    async def put_account(self, account: Account) -> None:
        owner = rules.email_key(account.owner)
        async with self._db.writing() as transaction:
            organisation = owning.of_organisation(account.organisation)
            known = await owning.locked_account(transaction, account.id, organisation, to=owner)
            if known is not None:
                await owning.hand_over(transaction, rules.email_key(known.owner), owner, account.id)
            await _put_account(transaction, account)

    @retried
    async def remove_account(self, account: str) -> None:
        async with self._db.writing() as transaction:
            if await owning.locked_account(transaction, account) is None:
                raise rules.no_account(account)
            await transaction.run("DELETE FROM account WHERE id = %s", (account,))
            theirs = (f"{account}/", f"{account}0")  # 0 is the character after the slash
            await transaction.run("DELETE FROM secret WHERE name >= %s AND name < %s", theirs)
            await transaction.run("DELETE FROM memo WHERE name >= %s AND name < %s", theirs)
            await transaction.run("DELETE FROM incident WHERE account = %s", (account,))

    @retried
    async def put_discovery(self, account: str, discovery: Discovery, now: datetime) -> None:
        now_us = rules.micros(now)
        async with self._db.writing() as transaction:
            known = await _locked(transaction, account, discovery)
            probes = await _known_probes(transaction, discovery)
            told = discovery.over(known.person, await _known_sites(transaction, discovery), probes)
            found = replace(known, person=told.person, discovered_at=now)
            await _put_account(transaction, found)
            await transaction.run_each(
                _PUT_SITE, [(site.id, msgspec.json.encode(site).decode()) for site in told.sites]
            )
            await owning.reach(transaction, found, told, now_us)
            await _put_probes(transaction, told.probes, probes, now_us)

    @retried
    async def put_probe(self, probe: Probe, now: datetime) -> None:
        now_us = rules.micros(now)
        async with self._db.writing() as transaction:
            await transaction.lock(f"probe {probe.id}")
            if not await transaction.read("SELECT 1 FROM site WHERE id = %s", (probe.site,)):
                raise rules.no_site(probe.site)
            known = await transaction.docs(Probe, "SELECT doc FROM probe WHERE id = %s", (probe.id,))
            await _put_probes(transaction, [probe], known, now_us)

    async def sites(self, *, seen_by: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        key = None if seen_by is None else rules.email_key(seen_by)
        return await self._db.docs(Site, _SITES, {"user": key, "account": account, "gone": gone})

    async def site(self, site: str) -> Site | None:
        return await self._db.doc(Site, "SELECT doc FROM site WHERE id = %s", (site,))

    async def accounts_of(self, site: str) -> list[Account]:
        return await self._db.docs(Account, _ACCOUNTS_OF, (site,))

    async def probes(self, site: str | None = None) -> list[Probe]:
        if site is None:
            return await self._db.docs(Probe, "SELECT doc FROM probe ORDER BY id")
        return await self._db.docs(Probe, "SELECT doc FROM probe WHERE site = %s ORDER BY id", (site,))

    async def probes_at(self, sites: Collection[str]) -> list[Probe]:
        return await self._db.docs(Probe, "SELECT doc FROM probe WHERE site = ANY(%s) ORDER BY id", (list(sites),))

    async def devices(self, probe: str) -> list[tuple[datetime, Probe]]:
        rows = await self._db.read("SELECT since, doc FROM device WHERE probe = %s ORDER BY id", (probe,))
        return [(rules.instant(since), self._db.decoded(Probe, doc)) for since, doc in rows]


async def _locked(transaction: Transaction, account: str, discovery: Discovery) -> Account:
    """The account, which nobody else changes until the transaction ends, nor its owner's others, nor the sites and probes found. Raises NotFound."""
    things = [f"site {site.id}" for site in discovery.sites] + [f"probe {probe.id}" for probe in discovery.probes]
    known = await owning.locked_account(transaction, account, *things)
    if known is None:
        raise rules.no_account(account)
    return known


async def _known_sites(transaction: Transaction, discovery: Discovery) -> list[Site]:
    sites = [site.id for site in discovery.sites]
    return await transaction.docs(Site, "SELECT doc FROM site WHERE id = ANY(%s)", (sites,))


async def _known_probes(transaction: Transaction, discovery: Discovery) -> list[Probe]:
    probes = [probe.id for probe in discovery.probes]
    return await transaction.docs(Probe, "SELECT doc FROM probe WHERE id = ANY(%s)", (probes,))


async def _put_probes(transaction: Transaction, probes: Sequence[Probe], before: Sequence[Probe], now_us: int) -> None:
    """Keep the probes, and those whose device is another one than `before` also as they are from now on."""
    known = {probe.id: probe for probe in before}
    for probe in probes:
        doc = msgspec.json.encode(probe).decode()
        await transaction.run(_PUT_PROBE, (probe.id, probe.site, doc))
        if probe.id not in known or rules.device(known[probe.id]) != rules.device(probe):
            await transaction.run("INSERT INTO device (probe, since, doc) VALUES (%s, %s, %s)", (probe.id, now_us, doc))
        known[probe.id] = probe


async def _put_account(transaction: Transaction, account: Account) -> None:
    doc = msgspec.json.encode(account).decode()
    await transaction.run(_PUT_ACCOUNT, (account.id, rules.email_key(account.owner), doc, account.organisation))
