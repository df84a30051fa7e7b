"""Secrets and the rooms' small notes, in SQLite."""

from __future__ import annotations

from margelle.store.sqlite.database import Database
from margelle.store.vault import Vault


class NotesTables:
    """The part of the store that keeps bytes under a name: tables secret and memo."""

    _db: Database
    _vault: Vault

    async def secret(self, name: str) -> bytes | None:
        rows = self._db.read("SELECT sealed FROM secret WHERE name = ?", (name,))
        return self._vault.unseal(name, rows[0][0]) if rows else None

    async def put_secret(self, name: str, value: bytes) -> None:
        with await self._db.writing() as connection:
            connection.execute("REPLACE INTO secret VALUES (?, ?)", (name, self._vault.seal(name, value)))

    async def memo(self, name: str) -> bytes | None:
        rows = self._db.read("SELECT value FROM memo WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    async def put_memo(self, name: str, value: bytes) -> None:
        with await self._db.writing() as connection:
            connection.execute("REPLACE INTO memo VALUES (?, ?)", (name, value))
