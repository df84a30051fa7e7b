"""Secrets and the rooms' small notes, in PostgreSQL."""

from __future__ import annotations

from margelle.store.postgres.database import Database, retried
from margelle.store.vault import Vault


class NotesTables:
    """The part of the store that keeps bytes under a name: tables secret and memo."""

    _db: Database
    _vault: Vault

    async def secret(self, name: str) -> bytes | None:
        rows = await self._db.read("SELECT sealed FROM secret WHERE name = %s", (name,))
        return self._vault.unseal(name, rows[0][0]) if rows else None

    @retried
    async def put_secret(self, name: str, value: bytes) -> None:
        async with self._db.writing() as transaction:
            await transaction.run(
                "INSERT INTO secret VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
                (name, self._vault.seal(name, value)),
            )

    async def memo(self, name: str) -> bytes | None:
        rows = await self._db.read("SELECT value FROM memo WHERE name = %s", (name,))
        return rows[0][0] if rows else None

    @retried
    async def put_memo(self, name: str, value: bytes) -> None:
        async with self._db.writing() as transaction:
            await transaction.run(
                "INSERT INTO memo VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
