"""Users and what they were granted, in SQLite."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from margelle.domain.site import User
from margelle.ports import Grant
from margelle.store import rules
from margelle.store.sqlite.database import Database


class PeopleTables:
    """The part of the store that knows users: tables user and granted."""

    _db: Database

    async def users(self) -> list[User]:
        return self._db.docs(User, "SELECT doc FROM user ORDER BY email")

    async def user(self, email: str) -> User | None:
        return self._db.doc(User, "SELECT doc FROM user WHERE email = ?", (rules.email_key(email),))

    async def put_user(self, user: User) -> None:
        with await self._db.writing() as connection:
            row = (rules.email_key(user.email), msgspec.json.encode(user).decode())
            connection.execute("REPLACE INTO user VALUES (?, ?)", row)

    async def remove_user(self, email: str) -> None:
        key = (rules.email_key(email),)
        with await self._db.writing() as connection:
            if not self._db.read("SELECT 1 FROM user WHERE email = ?", key):
                raise rules.no_user(email)
            if theirs := self._db.read("SELECT id FROM account WHERE owner = ? ORDER BY id", key):
                raise rules.has_accounts(email, [account for (account,) in theirs])
            connection.execute("DELETE FROM user WHERE email = ?", key)
            connection.execute("DELETE FROM granted WHERE user = ?", key)
            connection.execute("DELETE FROM membership WHERE user = ?", key)
            # A later user with this e-mail may be somebody else, who must not see these sites.
            connection.execute("UPDATE OR REPLACE link SET owner = '' WHERE owner = ?", key)

    async def put_grant(self, grant: Grant) -> None:
        expires_at = None if grant.expires_at is None else rules.micros(grant.expires_at)
        with await self._db.writing() as connection:
            doc = msgspec.json.encode(grant).decode()
            row = (grant.digest, rules.email_key(grant.user), grant.kind, expires_at, doc, grant.id, grant.site)
            connection.execute("REPLACE INTO granted VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    async def grant(self, digest: str) -> Grant | None:
        return self._db.doc(Grant, "SELECT doc FROM granted WHERE digest = ?", (digest,))

    async def grants(self, *, user: str | None = None, site: str | None = None) -> list[Grant]:
        key = None if user is None else rules.email_key(user)
        sql = "SELECT doc FROM granted WHERE id <> '' AND (?1 IS NULL OR user = ?1) AND (?2 IS NULL OR site = ?2)"
        found = self._db.docs(Grant, sql, (key, site))
        return sorted(found, key=lambda grant: (-rules.micros(grant.issued_at), grant.id))

    async def take_grant(self, digest: str) -> Grant | None:
        with await self._db.writing():
            return self._db.doc(Grant, "DELETE FROM granted WHERE digest = ? RETURNING doc", (digest,))

    async def drop_grants(self, user: str, *, keep: Collection[str] = ()) -> None:
        kept = msgspec.json.encode(sorted(keep)).decode()
        with await self._db.writing() as connection:
            sql = "DELETE FROM granted WHERE user = ? AND id NOT IN (SELECT value FROM json_each(?))"
            connection.execute(sql, (rules.email_key(user), kept))
