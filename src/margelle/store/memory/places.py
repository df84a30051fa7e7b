"""Accounts, and the sites and probes they reach, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.site import Account, Probe, Site
from margelle.ports import Discovery
from margelle.store import rules
from margelle.store.memory.counted import Counted


class _Link(Struct):
    """That an account of `owner` has, or had, a site."""

    account: str
    owner: str
    site: str
    gone_at: datetime | None = None


class PlacesPart(Counted):
    """The part of the store that knows what there is to measure."""

    def __init__(self) -> None:
        super().__init__()
        self._accounts: dict[str, Account] = {}
        self._sites: dict[str, Site] = {}
        self._links: dict[tuple[str, str, str], _Link] = {}
        self._probes: dict[str, Probe] = {}
        self._devices: defaultdict[str, list[tuple[datetime, Probe]]] = defaultdict(list)

    async def accounts(self, owner: str | None = None) -> list[Account]:
        key = None if owner is None else rules.email_key(owner)
        return [a for _, a in sorted(self._accounts.items()) if key in {None, rules.email_key(a.owner)}]

    async def account(self, account: str) -> Account | None:
        return self._accounts.get(account)

    async def put_account(self, account: Account) -> None:
        self._version += 1
        if known := self._accounts.get(account.id):
            self._relink(self._links_of(known), rules.email_key(account.owner))
        self._accounts[account.id] = account

    async def remove_account(self, account: str) -> None:
        if account not in self._accounts:
            raise rules.no_account(account)
        self._version += 1
        del self._accounts[account]

    def _links_of(self, account: Account) -> list[_Link]:
        owner = rules.email_key(account.owner)
        return [link for link in self._links.values() if (link.account, link.owner) == (account.id, owner)]

    def _relink(self, links: Iterable[_Link], owner: str) -> None:
        for link in links:
            del self._links[link.account, link.owner, link.site]
            self._links[link.account, owner, link.site] = replace(link, owner=owner)

    async def put_discovery(self, account: str, discovery: Discovery, now: datetime) -> None:
        rules.micros(now)
        if account not in self._accounts:
            raise rules.no_account(account)
        self._version += 1
        discovery = discovery.over(self._accounts[account].person, self._sites.values(), self._probes.values())
        found = self._accounts[account] = replace(self._accounts[account], person=discovery.person, discovered_at=now)
        self._reach(found, discovery, now)
        for site in discovery.sites:
            self._sites[site.id] = site
        for probe in discovery.probes:
            self._put_probe(probe, now)

    async def put_probe(self, probe: Probe, now: datetime) -> None:
        rules.micros(now)
        if probe.site not in self._sites:
            raise rules.no_site(probe.site)
        self._version += 1
        self._put_probe(probe, now)

    def _put_probe(self, probe: Probe, now: datetime) -> None:
        known = self._probes.get(probe.id)
        self._probes[probe.id] = probe
        if known is None or rules.device(known) != rules.device(probe):
            self._devices[probe.id].append((now, probe))

    def _reach(self, account: Account, discovery: Discovery, now: datetime) -> None:
        owner = rules.email_key(account.owner)
        if discovery.complete:
            for link in self._links_of(account):
                link.gone_at = link.gone_at or now
        for site in discovery.sites:
            self._links[account.id, owner, site.id] = _Link(account.id, owner, site.id)
        reached = {link.site for link in self._links_of(account)}
        for key, link in list(self._links.items()):
            if link.owner == owner and link.site in reached and not self._lives(link):
                del self._links[key]

    def _lives(self, link: _Link) -> bool:
        account = self._accounts.get(link.account)
        return account is not None and rules.email_key(account.owner) == link.owner

    async def sites(self, *, seen_by: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        key = None if seen_by is None else rules.email_key(seen_by)
        seen = {
            link.site
            for link in self._links.values()
            if (gone or link.gone_at is None)
            and key in {None, link.owner}
            and (account is None or (link.account == account and self._lives(link)))
        }
        return [self._sites[site] for site in sorted(seen)]

    async def site(self, site: str) -> Site | None:
        return self._sites.get(site)

    async def accounts_of(self, site: str) -> list[Account]:
        through = {
            link.account
            for link in self._links.values()
            if link.site == site and link.gone_at is None and self._lives(link)
        }
        return [self._accounts[account] for account in sorted(through)]

    async def probes(self, site: str | None = None) -> list[Probe]:
        return [probe for _, probe in sorted(self._probes.items()) if site in {None, probe.site}]

    async def probes_at(self, sites: Collection[str]) -> list[Probe]:
        return [probe for _, probe in sorted(self._probes.items()) if probe.site in sites]

    async def devices(self, probe: str) -> list[tuple[datetime, Probe]]:
        return [*self._devices.get(probe, [])]
