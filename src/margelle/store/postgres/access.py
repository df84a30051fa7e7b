"""Organisations, and who has which role where, in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import msgspec

from margelle.domain.access import Membership, Organisation, Role, highest
from margelle.store import rules
from margelle.store.postgres import owning
from margelle.store.postgres.database import Database, retried

MEMBERS_SITES: Final = """
SELECT subject FROM membership WHERE "user" = %(user)s AND kind = 'site'
UNION ALL
SELECT link.site FROM membership
JOIN account ON account.organisation = membership.subject
JOIN link ON link.account = account.id AND link.owner = account.owner
WHERE membership."user" = %(user)s AND membership.kind = 'organisation'
"""
"""The sites in which a user has a role by membership."""
_ROLES: Final = """
SELECT site, CASE
    WHEN EXISTS (SELECT 1 FROM account WHERE id = link.account AND owner = %(user)s) THEN 'owner'
    WHEN EXISTS (SELECT 1 FROM link AS other JOIN account ON id = other.account AND account.owner = other.owner
        WHERE other.site = link.site AND other.gone_at IS NULL) THEN 'viewer'
    ELSE 'owner' END
FROM link WHERE owner = %(user)s
UNION ALL
SELECT subject, role FROM membership WHERE "user" = %(user)s AND kind = 'site'
UNION ALL
SELECT link.site, membership.role FROM membership
JOIN account ON account.organisation = membership.subject
JOIN link ON link.account = account.id AND link.owner = account.owner
WHERE membership."user" = %(user)s AND membership.kind = 'organisation'
"""
_BELONGING: Final = """
SELECT site, organisation FROM link JOIN account ON account.id = link.account AND account.owner = link.owner
WHERE gone_at IS NULL AND organisation <> '' ORDER BY account.id
"""
_MEMBERSHIPS: Final = """
SELECT doc FROM membership WHERE (%(user)s::text IS NULL OR "user" = %(user)s) AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY "user", subject
"""
_PUT_MEMBERSHIP: Final = """
INSERT INTO membership VALUES (%s, %s, %s, %s, %s)
ON CONFLICT ("user", subject) DO UPDATE SET kind = excluded.kind, role = excluded.role, doc = excluded.doc
"""
_SUBJECTS: Final = {
    "site": "SELECT 1 FROM site WHERE id = %s",
    "organisation": "SELECT 1 FROM organisation WHERE id = %s",
}


class AccessTables:
    """The part of the store that knows who may do what: tables organisation and membership."""

    _db: Database

    async def roles(self, user: str) -> dict[str, Role]:
        given: defaultdict[str, list[Role]] = defaultdict(list)
        for site, role in await self._db.read(_ROLES, {"user": rules.email_key(user)}):
            given[site].append(role)
        return {site: role for site, roles in sorted(given.items()) if (role := highest(roles))}

    async def organisations(self) -> list[Organisation]:
        return await self._db.docs(Organisation, "SELECT doc FROM organisation ORDER BY id")

    async def organisation_of_each(self) -> dict[str, str]:
        return {site: organisation for site, organisation in await self._db.read(_BELONGING)}  # noqa: C416

    @retried
    async def put_organisation(self, organisation: Organisation) -> None:
        async with self._db.writing() as transaction:
            await transaction.run(
                "INSERT INTO organisation VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc",
                (organisation.id, msgspec.json.encode(organisation).decode()),
            )

    @retried
    async def remove_organisation(self, organisation: str) -> None:
        mine = (organisation,)
        async with self._db.writing() as transaction:
            await owning.lock_organisation(transaction, organisation)
            if not await transaction.run("DELETE FROM organisation WHERE id = %s", mine):
                raise rules.no_organisation(organisation)
            theirs = await transaction.read("SELECT id FROM account WHERE organisation = %s ORDER BY id", mine)
            if theirs:
                raise rules.has_accounts(organisation, [account for (account,) in theirs])
            await transaction.run("DELETE FROM membership WHERE kind = 'organisation' AND subject = %s", mine)

    async def memberships(self, *, user: str | None = None, subject: str | None = None) -> list[Membership]:
        key = None if user is None else rules.email_key(user)
        return await self._db.docs(Membership, _MEMBERSHIPS, {"user": key, "subject": subject})

    @retried
    async def put_membership(self, membership: Membership) -> None:
        told = (rules.email_key(membership.user), membership.kind, membership.subject, membership.role)
        async with self._db.writing() as transaction:
            await owning.lock_organisation(transaction, membership.subject)  # so that it is not removed meanwhile
            if not await transaction.read(_SUBJECTS[membership.kind], (membership.subject,)):
                raise rules.no_subject(membership)
            await transaction.run(_PUT_MEMBERSHIP, (*told, msgspec.json.encode(membership).decode()))

    @retried
    async def remove_membership(self, user: str, subject: str) -> None:
        key = (rules.email_key(user), subject)
        async with self._db.writing() as transaction:
            if not await transaction.run('DELETE FROM membership WHERE "user" = %s AND subject = %s', key):
                raise rules.no_membership(user, subject)
