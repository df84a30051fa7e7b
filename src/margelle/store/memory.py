"""A store that lasts as long as its process: for tests, simulations, and as the plain statement of what a store does."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count

from msgspec import Struct, field
from msgspec.structs import replace

from margelle.domain.measurement import Measurement, Revision
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.site import Account, Persona, PersonaKind, Probe, Recommendation, Site, User
from margelle.ports import Added, AuditEntry, Discovery, Grant, Incident, Receipt
from margelle.store import rules


class _Series(Struct):
    """Measurements of one quantity by one probe; `instants` are in order."""

    points: dict[datetime, Measurement] = field(default_factory=dict)
    instants: list[datetime] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)

    def add(self, new: Measurement, now: datetime) -> str:
        old = self.points.get(new.at)
        if old is None:
            insort(self.instants, new.at)
        elif rules.same(old, new):
            return "same"
        else:
            self.revisions.append(Revision(old, now))
        self.points[new.at] = new
        return "new" if old is None else "corrected"

    def until(self, limit: datetime) -> Measurement | None:
        index = bisect_right(self.instants, limit)
        return self.points[self.instants[index - 1]] if index else None


class _Link(Struct):
    """That an account of `owner` has, or had, a site."""

    account: str
    owner: str
    site: str
    gone_at: datetime | None = None


class MemoryStore:
    """Implements `ports.Store` with Python's own collections. Nothing survives the process."""

    def __init__(self) -> None:
        self._version = 0
        self._users: dict[str, User] = {}
        self._accounts: dict[str, Account] = {}
        self._sites: dict[str, Site] = {}
        self._links: dict[tuple[str, str, str], _Link] = {}
        self._probes: dict[str, Probe] = {}
        self._devices: defaultdict[str, list[tuple[datetime, Probe]]] = defaultdict(list)
        self._series: defaultdict[str, dict[str, _Series]] = defaultdict(dict)
        self._recommendations: dict[str, Recommendation] = {}
        self._personas: dict[tuple[str, PersonaKind, str], Persona] = {}
        self._subjects: dict[tuple[str, PersonaKind, int], str] = {}
        self._grants: dict[str, Grant] = {}
        self._secrets: dict[str, bytes] = {}
        self._memos: dict[str, bytes] = {}
        self._receipts: list[Receipt] = []
        self._incidents: list[Incident] = []
        self._audit: list[AuditEntry] = []

    async def version(self) -> int:
        return self._version

    async def close(self) -> None:
        pass

    # --- people ------------------------------------------------------------------------------------------------------

    async def users(self) -> list[User]:
        return [self._users[key] for key in sorted(self._users)]

    async def user(self, email: str) -> User | None:
        return self._users.get(rules.email_key(email))

    async def put_user(self, user: User) -> None:
        self._version += 1
        self._users[rules.email_key(user.email)] = user

    async def remove_user(self, email: str) -> None:
        key = rules.email_key(email)
        if key not in self._users:
            raise rules.no_user(email)
        if theirs := await self.accounts(email):
            raise rules.has_accounts(email, [account.id for account in theirs])
        self._version += 1
        del self._users[key]
        self._grants = {d: grant for d, grant in self._grants.items() if rules.email_key(grant.user) != key}
        self._relink([link for link in self._links.values() if link.owner == key], "")

    async def put_grant(self, grant: Grant) -> None:
        self._version += 1
        self._grants[grant.digest] = grant

    async def grant(self, digest: str) -> Grant | None:
        return self._grants.get(digest)

    async def take_grant(self, digest: str) -> Grant | None:
        self._version += 1
        return self._grants.pop(digest, None)

    # --- accounts and what they reach --------------------------------------------------------------------------------

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
        self._secrets = {name: v for name, v in self._secrets.items() if not rules.belongs(name, account)}
        self._memos = {name: v for name, v in self._memos.items() if not rules.belongs(name, account)}
        self._incidents = [incident for incident in self._incidents if incident.account != account]

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
            known = self._probes.get(probe.id)
            self._probes[probe.id] = probe
            if known is None or rules.device(known) != rules.device(probe):
                self._devices[probe.id].append((now, probe))

    def _reach(self, account: Account, discovery: Discovery, now: datetime) -> None:
        owner = rules.email_key(account.owner)
        if not discovery.faults:
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

    async def sites(self, *, owner: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        key = None if owner is None else rules.email_key(owner)
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

    async def devices(self, probe: str) -> list[tuple[datetime, Probe]]:
        return [*self._devices.get(probe, [])]

    # --- measurements ------------------------------------------------------------------------------------------------

    async def add(self, measurements: Sequence[Measurement], now: datetime) -> Added:
        rules.micros(now)
        judged = [(rules.micros(point.at), replace(point, value=rules.number(point))) for point in measurements]
        became = {"new": 0, "same": 0, "corrected": 0}
        for _, point in judged:
            series = self._series[point.probe].setdefault(point.quantity, _Series())
            became[series.add(point, now)] += 1
        if became["new"] or became["corrected"]:
            self._version += 1
        return Added(**became)

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        found = {
            quantity: series.until(now + CLOCK_TOLERANCE)
            for quantity, series in sorted(self._series.get(probe, {}).items())
        }
        return {quantity: point for quantity, point in found.items() if point is not None}

    async def history(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Measurement]:
        series = self._series.get(probe, {}).get(quantity, _Series())
        for bound in filter(None, (since, until)):
            rules.micros(bound)
        first = 0 if since is None else bisect_left(series.instants, since)
        last = None if until is None else bisect_left(series.instants, until)
        instants = series.instants[first:last]
        return [series.points[at] for at in (instants if limit is None else instants[: max(limit, 0)])]

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        series = self._series.get(probe, {}).get(quantity, _Series())
        return [revision for revision in series.revisions if revision.measurement.at == at]

    async def quantities(self, probe: str) -> list[str]:
        return sorted(self._series.get(probe, {}))

    async def count(self) -> int:
        return sum(len(series.points) for of_probe in self._series.values() for series in of_probe.values())

    # --- advice and public ids ---------------------------------------------------------------------------------------

    async def recommendations(self, site: str, *, waiting: bool = True) -> list[Recommendation]:
        of_site = [
            r for r in self._recommendations.values() if r.site == site and (not waiting or r.status == "waiting")
        ]
        return sorted(of_site, key=lambda r: (r.created_at, r.id))

    async def recommendation(self, recommendation: str) -> Recommendation | None:
        return self._recommendations.get(recommendation)

    async def put_recommendations(self, site: str, recommendations: Sequence[Recommendation]) -> None:
        rules.check_recommendations(site, recommendations)
        self._version += 1
        for over in await self.recommendations(site):
            self._recommendations[over.id] = replace(over, status="ended")
        for recommendation in recommendations:
            self._recommendations[recommendation.id] = recommendation

    async def put_recommendation(self, recommendation: Recommendation) -> None:
        self._version += 1
        self._recommendations[recommendation.id] = recommendation

    async def persona(self, face: str, kind: PersonaKind, subject: str, preferred: int | None = None) -> Persona:
        known = self._personas.get((face, kind, subject))
        if known is not None:
            return known
        wanted = preferred if preferred is not None and 0 < preferred <= rules.LAST_PERSONA else rules.FIRST_PERSONA
        if (face, kind, wanted) in self._subjects:
            wanted = next(n for n in count(rules.FIRST_PERSONA) if (face, kind, n) not in self._subjects)
        self._version += 1
        self._subjects[face, kind, wanted] = subject
        persona = self._personas[face, kind, subject] = Persona(face, kind, str(wanted), subject)
        return persona

    async def subject(self, face: str, kind: PersonaKind, public_id: str) -> str | None:
        number = rules.public_number(public_id)
        return None if number is None else self._subjects.get((face, kind, number))

    # --- secrets and notes -------------------------------------------------------------------------------------------

    async def secret(self, name: str) -> bytes | None:
        return self._secrets.get(name)

    async def put_secret(self, name: str, value: bytes) -> None:
        self._version += 1
        self._secrets[name] = value

    async def drop_secret(self, name: str) -> None:
        self._version += 1
        self._secrets.pop(name, None)

    async def memo(self, name: str) -> bytes | None:
        return self._memos.get(name)

    async def put_memo(self, name: str, value: bytes) -> None:
        self._version += 1
        self._memos[name] = value

    # --- the journal -------------------------------------------------------------------------------------------------

    async def receipts(self, account: str, since: datetime | None = None, limit: int = 100) -> list[Receipt]:
        found = [r for r in reversed(self._receipts) if r.account == account and (since is None or r.at >= since)]
        return sorted(found, key=lambda r: r.at, reverse=True)[: max(limit, 0)]

    async def keep_receipt(self, receipt: Receipt) -> None:
        self._version += 1
        self._receipts.append(receipt)

    async def incidents(self, account: str | None = None, *, open_only: bool = False) -> list[Incident]:
        found = [
            incident
            for incident in reversed(self._incidents)
            if account in {None, incident.account} and not (open_only and incident.ended_at)
        ]
        return sorted(found, key=lambda incident: incident.at, reverse=True)

    async def note_incident(self, incident: Incident) -> None:
        self._version += 1
        key = (incident.account, incident.where, incident.kind)
        for index, known in enumerate(self._incidents):
            if (known.account, known.where, known.kind) == key and known.ended_at is None:
                self._incidents[index] = rules.again(known, incident)
                return
        self._incidents.append(rules.again(None, incident))

    async def end_incident(self, account: str, where: str, kind: str | None, now: datetime) -> None:
        self._version += 1
        for index, known in enumerate(self._incidents):
            if (
                (known.account, known.where) == (account, where)
                and kind in {None, known.kind}
                and known.ended_at is None
            ):
                self._incidents[index] = replace(known, ended_at=now)

    async def audit(self, limit: int = 100) -> list[AuditEntry]:
        return self._audit[::-1][: max(limit, 0)]

    async def record(self, entry: AuditEntry) -> None:
        self._version += 1
        self._audit.append(entry)

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        self._version += 1
        self._receipts = [r for r in self._receipts if r.at >= now - timedelta(days=receipts_days)]
        self._grants = {digest: grant for digest, grant in self._grants.items() if not rules.spent(grant, now)}
        since = now - rules.INCIDENT_LIFE
        self._incidents = [i for i in self._incidents if i.ended_at is None or i.ended_at >= since]
