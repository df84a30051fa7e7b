"""Organisations, and who has which role where, in memory."""

from __future__ import annotations

from collections import defaultdict

from margelle.domain.access import Membership, Organisation, Role, highest
from margelle.domain.site import Site
from margelle.store import rules
from margelle.store.memory.places import PlacesPart


class AccessPart(PlacesPart):
    """The part of the store that knows who may do what."""

    def __init__(self) -> None:
        super().__init__()
        self._organisations: dict[str, Organisation] = {}
        self._memberships: dict[tuple[str, str], Membership] = {}

    async def sites(self, *, seen_by: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        found = await super().sites(account=account, gone=gone)
        if seen_by is None:
            return found
        own = {site.id for site in await super().sites(seen_by=seen_by, account=account, gone=gone)}
        member = self._by_membership(seen_by)
        return [site for site in found if site.id in own or site.id in member]

    async def roles(self, user: str) -> dict[str, Role]:
        given = self._by_membership(user)
        for link in self._links.values():
            if link.owner == rules.email_key(user):
                given[link.site].append("owner" if self._lives(link) or not self._collected(link.site) else "viewer")
        return {site: role for site, roles in sorted(given.items()) if (role := highest(roles))}

    def _collected(self, site: str) -> bool:
        return any(one.site == site and one.gone_at is None and self._lives(one) for one in self._links.values())

    def _by_membership(self, user: str) -> defaultdict[str, list[Role]]:
        given: defaultdict[str, list[Role]] = defaultdict(list)
        for (key, subject), membership in self._memberships.items():
            if key == rules.email_key(user):
                for site in [subject] if membership.kind == "site" else self._sites_of(subject):
                    given[site].append(membership.role)
        return given

    def _sites_of(self, organisation: str) -> list[str]:
        accounts = {account.id for account in self._accounts.values() if account.organisation == organisation}
        return [link.site for link in self._links.values() if link.account in accounts and self._lives(link)]

    async def organisations(self) -> list[Organisation]:
        return [one for _, one in sorted(self._organisations.items())]

    async def organisation_of_each(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for account in await self.accounts():
            if account.organisation:
                there = [link.site for link in self._links_of(account) if link.gone_at is None]
                found |= dict.fromkeys(there, account.organisation)
        return found

    async def put_organisation(self, organisation: Organisation) -> None:
        self._version += 1
        self._organisations[organisation.id] = organisation

    async def remove_organisation(self, organisation: str) -> None:
        if organisation not in self._organisations:
            raise rules.no_organisation(organisation)
        if theirs := [one.id for _, one in sorted(self._accounts.items()) if one.organisation == organisation]:
            raise rules.has_accounts(organisation, theirs)
        self._version += 1
        del self._organisations[organisation]
        self._memberships = {
            key: one
            for key, one in self._memberships.items()
            if (one.kind, one.subject) != ("organisation", organisation)
        }

    async def memberships(self, *, user: str | None = None, subject: str | None = None) -> list[Membership]:
        key = None if user is None else rules.email_key(user)
        return [
            one for at, one in sorted(self._memberships.items()) if key in {None, at[0]} and subject in {None, at[1]}
        ]

    async def put_membership(self, membership: Membership) -> None:
        if membership.subject not in (self._sites if membership.kind == "site" else self._organisations):
            raise rules.no_subject(membership)
        self._version += 1
        self._memberships[rules.email_key(membership.user), membership.subject] = membership

    async def remove_membership(self, user: str, subject: str) -> None:
        if (rules.email_key(user), subject) not in self._memberships:
            raise rules.no_membership(user, subject)
        self._version += 1
        del self._memberships[rules.email_key(user), subject]
