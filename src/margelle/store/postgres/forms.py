"""Forms that were taken lately, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from margelle.store import rules
from margelle.store.postgres.database import Database, retried
from margelle.store.vault import Vault

_FORM: Final = "SELECT sealed FROM form WHERE digest = %s AND until > %s"
_TAKE: Final = "INSERT INTO form (digest, until) VALUES (%s, %s) ON CONFLICT (digest) DO NOTHING"
_ANSWER: Final = """
INSERT INTO form (digest, until, sealed) VALUES (%s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET until = excluded.until, sealed = excluded.sealed
"""


class FormTable:
    """The part of the store that knows which forms were taken: table form. Nothing that is shown depends on it, so it is no news to others."""

    _db: Database
    _vault: Vault

    async def form(self, digest: str, now: datetime) -> bytes | None:
        rows = await self._db.read(_FORM, (digest, rules.micros(now)))
        if not rows:
            return None
        return self._vault.unseal(digest, rows[0][0]) if rows[0][0] else b""

    @retried
    async def take_form(self, digest: str, now: datetime, life_s: float) -> bool:
        now_us = rules.micros(now)
        async with self._db.writing(news=None) as transaction:
            await transaction.run("DELETE FROM form WHERE until <= %s", (now_us,))
            return await transaction.run(_TAKE, (digest, now_us + round(life_s * 1e6))) > 0

    @retried
    async def answer_form(self, digest: str, answer: bytes, now: datetime, life_s: float) -> None:
        sealed = self._vault.seal(digest, answer)
        async with self._db.writing(news=None) as transaction:
            await transaction.run(_ANSWER, (digest, rules.micros(now) + round(life_s * 1e6), sealed))

    @retried
    async def drop_form(self, digest: str) -> None:
        async with self._db.writing(news=None) as transaction:
            await transaction.run("DELETE FROM form WHERE digest = %s", (digest,))
