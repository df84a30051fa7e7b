"""A store that lasts as long as its process: for tests, simulations, and as the plain statement of what a store does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec.structs import replace

from margelle.domain.site import User
from margelle.ports import AuditEntry, Grant, Incident, Receipt
from margelle.store import rules
from margelle.store.memory.access import AccessPart
from margelle.store.memory.advice import AdvicePart
from margelle.store.memory.events import EventsPart
from margelle.store.memory.forms import FormsPart
from margelle.store.memory.gaps import GapsPart
from margelle.store.memory.leases import LeasesPart
from margelle.store.memory.refusals import RefusalsPart
from margelle.store.memory.series import SeriesPart


class MemoryStore(SeriesPart, GapsPart, AccessPart, EventsPart, LeasesPart, AdvicePart, RefusalsPart, FormsPart):
    """Implements `ports.Store` with Python's own collections. Nothing survives the process."""

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[str, User] = {}
        self._grants: dict[str, Grant] = {}
        self._secrets: dict[str, bytes] = {}
        self._memos: dict[str, bytes] = {}
        self._receipts: list[Receipt] = []
        self._incidents: list[Incident] = []
        self._audit: list[AuditEntry] = []

    async def close(self) -> None:
        pass

    async def remove_account(self, account: str) -> None:
        await super().remove_account(account)
        self._secrets = {name: value for name, value in self._secrets.items() if not rules.belongs(name, account)}
        self._memos = {name: value for name, value in self._memos.items() if not rules.belongs(name, account)}
        self._incidents = [incident for incident in self._incidents if incident.account != account]

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
        await self.drop_grants(email)
        self._memberships = {at: one for at, one in self._memberships.items() if at[0] != key}
        self._relink([link for link in self._links.values() if link.owner == key], "")

    async def put_grant(self, grant: Grant) -> None:
        if grant.expires_at is not None:
            rules.micros(grant.expires_at)
        self._version += 1
        self._grants[grant.digest] = grant

    async def grant(self, digest: str) -> Grant | None:
        return self._grants.get(digest)

    async def take_grant(self, digest: str) -> Grant | None:
        self._version += 1
        return self._grants.pop(digest, None)

    async def drop_grants(self, user: str, *, keep: Collection[str] = ()) -> None:
        key = rules.email_key(user)
        self._version += 1
        self._grants = {
            d: grant for d, grant in self._grants.items() if rules.email_key(grant.user) != key or grant.id in keep
        }

    async def grants(self, *, user: str | None = None, site: str | None = None) -> list[Grant]:
        key = None if user is None else rules.email_key(user)
        found = [
            grant
            for grant in self._grants.values()
            if grant.id and key in {None, rules.email_key(grant.user)} and site in {None, grant.site}
        ]
        return sorted(found, key=lambda grant: (-rules.micros(grant.issued_at), grant.id))

    # --- secrets and notes -------------------------------------------------------------------------------------------

    async def secret(self, name: str) -> bytes | None:
        return self._secrets.get(name)

    async def put_secret(self, name: str, value: bytes) -> None:
        self._version += 1
        self._secrets[name] = value

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
        rules.micros(receipt.at)
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
        rules.micros(incident.at)
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

    async def audit(
        self,
        limit: int = 100,
        *,
        skip: int = 0,
        sites: Collection[str] | None = None,
        user: str | None = None,
        act: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditEntry]:
        for bound in filter(None, (since, until)):
            rules.micros(bound)
        brought = {
            (link.account, link.owner)
            for link in self._links.values()
            if link.site in (sites or ()) and link.gone_at is None
        }
        found = [
            entry
            for entry in reversed(self._audit)
            if (sites is None or entry.site in sites or (entry.account, entry.owner) in brought)
            and user in {None, entry.user}
            and act in {None, entry.act}
            and (since is None or entry.at >= since)
            and (until is None or entry.at < until)
        ]
        return found[max(skip, 0) :][: max(limit, 0)]

    async def record(self, entry: AuditEntry) -> None:
        rules.micros(entry.at)
        self._version += 1
        self._audit.append(rules.recorded(entry))

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        self._version += 1
        self._receipts = [r for r in self._receipts if r.at >= now - timedelta(days=receipts_days)]
        self._grants = {digest: grant for digest, grant in self._grants.items() if not rules.spent(grant, now)}
        since = now - rules.INCIDENT_LIFE
        self._incidents = [i for i in self._incidents if i.ended_at is None or i.ended_at >= since]
        self._forms = {digest: form for digest, form in self._forms.items() if form[0] > now}
