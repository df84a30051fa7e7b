"""Organisations, and who has which role where, in SQLite."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import msgspec

from margelle.domain.access import Membership, Organisation, Role, highest
from margelle.store import rules
from margelle.store.sqlite.database import Database

MEMBERS_SITES: Final = """
SELECT subject FROM membership WHERE user = :user AND kind = 'site'
UNION ALL
SELECT link.site FROM membership
JOIN account ON account.organisation = membership.subject
JOIN link ON link.account = account.id AND link.owner = account.owner
WHERE membership.user = :user AND membership.kind = 'organisation'
"""
"""The sites in which `:user` has a role by membership."""

_ROLES: Final = """
SELECT site, CASE
    WHEN EXISTS (SELECT 1 FROM account WHERE id = link.account AND owner = :user) THEN 'owner'
    WHEN EXISTS (SELECT 1 FROM link AS other JOIN account ON id = other.account AND account.owner = other.owner
        WHERE other.site = link.site AND other.gone_at IS NULL) THEN 'viewer'
    ELSE 'owner' END
FROM link WHERE owner = :user
UNION ALL
SELECT subject, role FROM membership WHERE user = :user AND kind = 'site'
UNION ALL
SELECT link.site, membership.role FROM membership
JOIN account ON account.organisation = membership.subject
JOIN link ON link.account = account.id AND link.owner = account.owner
WHERE membership.user = :user AND membership.kind = 'organisation'
"""

_BELONGING: Final = """
SELECT site, organisation FROM link JOIN account ON account.id = link.account AND account.owner = link.owner
WHERE gone_at IS NULL AND organisation <> '' ORDER BY account.id
"""


class AccessTables:
    """The part of the store that knows who may do what: tables organisation and membership."""

    _db: Database

    async def roles(self, user: str) -> dict[str, Role]:
        given: defaultdict[str, list[Role]] = defaultdict(list)
        for site, role in self._db.read(_ROLES, {"user": rules.email_key(user)}):
            given[site].append(role)
        return {site: role for site, roles in sorted(given.items()) if (role := highest(roles))}

    async def organisations(self) -> list[Organisation]:
        return self._db.docs(Organisation, "SELECT doc FROM organisation ORDER BY id")

    async def organisation_of_each(self) -> dict[str, str]:
        return dict(self._db.read(_BELONGING))

    async def put_organisation(self, organisation: Organisation) -> None:
        with await self._db.writing() as connection:
            row = (organisation.id, msgspec.json.encode(organisation).decode())
            connection.execute("REPLACE INTO organisation VALUES (?, ?)", row)

    async def remove_organisation(self, organisation: str) -> None:
        with await self._db.writing() as connection:
            if not self._db.read("SELECT 1 FROM organisation WHERE id = ?", (organisation,)):
                raise rules.no_organisation(organisation)
            if theirs := self._db.read("SELECT id FROM account WHERE organisation = ? ORDER BY id", (organisation,)):
                raise rules.has_accounts(organisation, [account for (account,) in theirs])
            connection.execute("DELETE FROM organisation WHERE id = ?", (organisation,))
            connection.execute("DELETE FROM membership WHERE kind = 'organisation' AND subject = ?", (organisation,))

    async def memberships(self, *, user: str | None = None, subject: str | None = None) -> list[Membership]:
        key = None if user is None else rules.email_key(user)
        return self._db.docs(
            Membership,
            "SELECT doc FROM membership WHERE (?1 IS NULL OR user = ?1) AND (?2 IS NULL OR subject = ?2) ORDER BY user, subject",
            (key, subject),
        )

    async def put_membership(self, membership: Membership) -> None:
        with await self._db.writing() as connection:
            table = "site" if membership.kind == "site" else "organisation"
            if not self._db.read(f"SELECT 1 FROM {table} WHERE id = ?", (membership.subject,)):  # noqa: S608 - of constants only
                raise rules.no_subject(membership)
            told = (rules.email_key(membership.user), membership.kind, membership.subject, membership.role)
            doc = msgspec.json.encode(membership).decode()
            connection.execute("REPLACE INTO membership VALUES (?, ?, ?, ?, ?)", (*told, doc))

    async def remove_membership(self, user: str, subject: str) -> None:
        key = (rules.email_key(user), subject)
        with await self._db.writing() as connection:
            sql = "DELETE FROM membership WHERE user = ? AND subject = ? RETURNING 1"
            if not connection.execute(sql, key).fetchall():
                raise rules.no_membership(user, subject)
