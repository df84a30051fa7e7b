"""Users and what they were granted, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from margelle.domain.site import User
from margelle.ports import Grant
from margelle.store import rules
from margelle.store.postgres import owning
from margelle.store.postgres.database import Database, retried

_PUT_GRANT: Final = """
INSERT INTO granted VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (digest) DO UPDATE
SET "user" = excluded."user", kind = excluded.kind, expires_at = excluded.expires_at, doc = excluded.doc, id = excluded.id,
    site = excluded.site
"""
_WITH_ID: Final = """
SELECT doc FROM granted WHERE id <> '' AND (%(user)s::text IS NULL OR "user" = %(user)s) AND (%(site)s::text IS NULL OR site = %(site)s)
"""


class PeopleTables:
    """The part of the store that knows users: tables user and granted."""

    _db: Database

    async def users(self) -> list[User]:
        return await self._db.docs(User, 'SELECT doc FROM "user" ORDER BY email')

    async def user(self, email: str) -> User | None:
        return await self._db.doc(User, 'SELECT doc FROM "user" WHERE email = %s', (rules.email_key(email),))

    @retried
    async def put_user(self, user: User) -> None:
        async with self._db.writing() as transaction:
            await transaction.run(
                'INSERT INTO "user" VALUES (%s, %s) ON CONFLICT (email) DO UPDATE SET doc = excluded.doc',
                (rules.email_key(user.email), msgspec.json.encode(user).decode()),
            )

    @retried
    async def remove_user(self, email: str) -> None:
        key = rules.email_key(email)
        async with self._db.writing() as transaction:
            await owning.lock_owner(transaction, key)
            if not await transaction.run('DELETE FROM "user" WHERE email = %s', (key,)):
                raise rules.no_user(email)
            if theirs := await transaction.read("SELECT id FROM account WHERE owner = %s ORDER BY id", (key,)):
                raise rules.has_accounts(email, [account for (account,) in theirs])
            await transaction.run('DELETE FROM granted WHERE "user" = %s', (key,))
            await transaction.run('DELETE FROM membership WHERE "user" = %s', (key,))
            # A later user with this e-mail may be somebody else, who must not see these sites.
            await owning.hand_over(transaction, key, "")

    @retried
    async def put_grant(self, grant: Grant) -> None:
        expires_at = None if grant.expires_at is None else rules.micros(grant.expires_at)
        told = (grant.digest, rules.email_key(grant.user), grant.kind, expires_at)
        doc = msgspec.json.encode(grant).decode()
        async with self._db.writing() as transaction:
            await transaction.run(_PUT_GRANT, (*told, doc, grant.id, grant.site))

    async def grant(self, digest: str) -> Grant | None:
        return await self._db.doc(Grant, "SELECT doc FROM granted WHERE digest = %s", (digest,))

    async def grants(self, *, user: str | None = None, site: str | None = None) -> list[Grant]:
        key = None if user is None else rules.email_key(user)
        found = await self._db.docs(Grant, _WITH_ID, {"user": key, "site": site})
        return sorted(found, key=lambda grant: (-rules.micros(grant.issued_at), grant.id))

    @retried
    async def take_grant(self, digest: str) -> Grant | None:
        async with self._db.writing() as transaction:
            taken = await transaction.change("DELETE FROM granted WHERE digest = %s RETURNING doc", (digest,))
            return transaction.decoded(Grant, taken[0][0]) if taken else None

    @retried
    async def drop_grants(self, user: str, *, keep: Collection[str] = ()) -> None:
        sql = 'DELETE FROM granted WHERE "user" = %s AND id <> ALL(%s)'
        async with self._db.writing() as transaction:
            await transaction.run(sql, (rules.email_key(user), [*keep]))
