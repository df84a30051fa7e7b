"""Accounts, and the sites and probes they reach, in SQLite."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import apsw
import msgspec

from margelle.domain.site import Account, Probe, Site
from margelle.ports import Discovery
from margelle.store import rules
from margelle.store.sqlite.access import MEMBERS_SITES
from margelle.store.sqlite.database import Database

_LIVES = "EXISTS (SELECT 1 FROM account WHERE account.id = link.account AND account.owner = link.owner)"
_SITES = f"""
SELECT doc FROM site WHERE id IN (
    SELECT link.site FROM link WHERE (:gone OR gone_at IS NULL)
    AND (:user IS NULL OR owner = :user OR site IN ({MEMBERS_SITES}))
    AND (:account IS NULL OR account = :account AND {_LIVES})
) ORDER BY id
"""  # noqa: S608 - of constants only
_ACCOUNTS_OF = """
SELECT doc FROM link JOIN account ON account.id = link.account AND account.owner = link.owner
WHERE site = ? AND gone_at IS NULL ORDER BY account.id
"""
_TAKE_OVER = f"""
DELETE FROM link WHERE owner = :owner AND NOT {_LIVES}
AND site IN (SELECT site FROM link WHERE account = :account AND owner = :owner)
"""  # noqa: S608


class PlacesTables:
    """The part of the store that knows what there is to measure: tables account, site, link, probe and device."""

    _db: Database

    async def accounts(self, owner: str | None = None) -> list[Account]:
        if owner is None:
            return self._db.docs(Account, "SELECT doc FROM account ORDER BY id")
        return self._db.docs(Account, "SELECT doc FROM account WHERE owner = ? ORDER BY id", (rules.email_key(owner),))

    async def account(self, account: str) -> Account | None:
        return self._db.doc(Account, "SELECT doc FROM account WHERE id = ?", (account,))

    async def put_account(self, account: Account) -> None:
        owner = rules.email_key(account.owner)
        with await self._db.writing() as connection:
            for (before,) in self._db.read("SELECT owner FROM account WHERE id = ?", (account.id,)):
                connection.execute(
                    "UPDATE OR REPLACE link SET owner = ? WHERE account = ? AND owner = ?", (owner, account.id, before)
                )
            _put_account(connection, account)

    async def remove_account(self, account: str) -> None:
        with await self._db.writing() as connection:
            if not connection.execute("DELETE FROM account WHERE id = ? RETURNING 1", (account,)).fetchall():
                raise rules.no_account(account)
            theirs = (f"{account}/", f"{account}0")  # 0 is the character after the slash
            connection.execute("DELETE FROM secret WHERE name >= ? AND name < ?", theirs)
            connection.execute("DELETE FROM memo WHERE name >= ? AND name < ?", theirs)
            connection.execute("DELETE FROM incident WHERE account = ?", (account,))

    async def put_discovery(self, account: str, discovery: Discovery, now: datetime) -> None:
        now_us = rules.micros(now)
        with await self._db.writing() as connection:
            known = await self.account(account)
            if known is None:
                raise rules.no_account(account)
            told = discovery.over(known.person, await self._known_sites(discovery), await self._known_probes(discovery))
            found = msgspec.structs.replace(known, person=told.person, discovered_at=now)
            _put_account(connection, found)
            for site in told.sites:
                connection.execute(
                    "INSERT INTO site VALUES (?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc",
                    (site.id, msgspec.json.encode(site).decode()),
                )
            _reach(connection, found, told, now_us)
            for probe in told.probes:
                self._put_probe(connection, probe, now_us)

    async def put_probe(self, probe: Probe, now: datetime) -> None:
        now_us = rules.micros(now)
        with await self._db.writing() as connection:
            if await self.site(probe.site) is None:
                raise rules.no_site(probe.site)
            self._put_probe(connection, probe, now_us)

    async def _known_sites(self, discovery: Discovery) -> list[Site]:
        found = [await self.site(site.id) for site in discovery.sites]
        return [site for site in found if site]

    async def _known_probes(self, discovery: Discovery) -> list[Probe]:
        found = [self._db.doc(Probe, "SELECT doc FROM probe WHERE id = ?", (probe.id,)) for probe in discovery.probes]
        return [probe for probe in found if probe]

    async def sites(self, *, seen_by: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        key = None if seen_by is None else rules.email_key(seen_by)
        return self._db.docs(Site, _SITES, {"user": key, "account": account, "gone": gone})

    async def site(self, site: str) -> Site | None:
        return self._db.doc(Site, "SELECT doc FROM site WHERE id = ?", (site,))

    async def accounts_of(self, site: str) -> list[Account]:
        return self._db.docs(Account, _ACCOUNTS_OF, (site,))

    async def probes(self, site: str | None = None) -> list[Probe]:
        if site is None:
            return self._db.docs(Probe, "SELECT doc FROM probe ORDER BY id")
        return self._db.docs(Probe, "SELECT doc FROM probe WHERE site = ? ORDER BY id", (site,))

    async def probes_at(self, sites: Collection[str]) -> list[Probe]:
        sql = "SELECT doc FROM probe WHERE site IN (SELECT value FROM json_each(?)) ORDER BY id"
        return self._db.docs(Probe, sql, (msgspec.json.encode(list(sites)).decode(),))

    async def devices(self, probe: str) -> list[tuple[datetime, Probe]]:
        rows = self._db.read("SELECT since, doc FROM device WHERE probe = ? ORDER BY id", (probe,))
        return [(rules.instant(since), self._db.decoded(Probe, doc)) for since, doc in rows]

    def _put_probe(self, connection: apsw.Connection, probe: Probe, now_us: int) -> None:
        doc = msgspec.json.encode(probe).decode()
        known = self._db.doc(Probe, "SELECT doc FROM probe WHERE id = ?", (probe.id,))
        connection.execute(
            "INSERT INTO probe VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET site = excluded.site, doc = excluded.doc",
            (probe.id, probe.site, doc),
        )
        if known is None or rules.device(known) != rules.device(probe):
            connection.execute("INSERT INTO device (probe, since, doc) VALUES (?, ?, ?)", (probe.id, now_us, doc))


def _put_account(connection: apsw.Connection, account: Account) -> None:
    told = (account.id, rules.email_key(account.owner), msgspec.json.encode(account).decode())
    connection.execute("REPLACE INTO account VALUES (?, ?, ?, ?)", (*told, account.organisation))


def _reach(connection: apsw.Connection, account: Account, discovery: Discovery, now_us: int) -> None:
    """Keep which sites the account reaches; it takes over from its owner's removed accounts, so that theirs do not hide a vanishing."""
    here = {"account": account.id, "owner": rules.email_key(account.owner), "now": now_us}
    if discovery.complete:
        connection.execute(
            "UPDATE link SET gone_at = coalesce(gone_at, :now) WHERE account = :account AND owner = :owner", here
        )
    for site in discovery.sites:
        connection.execute("REPLACE INTO link VALUES (:account, :owner, :site, NULL)", here | {"site": site.id})
    connection.execute(_TAKE_OVER, here)
