"""Forms that were taken lately, in SQLite."""

from __future__ import annotations

from datetime import datetime

from margelle.store import rules
from margelle.store.sqlite.database import Database
from margelle.store.vault import Vault


class FormTable:
    """The part of the store that knows which forms were taken: table form. Nothing that is shown depends on it, so it is no news."""

    _db: Database
    _vault: Vault

    async def form(self, digest: str, now: datetime) -> bytes | None:
        sql = "SELECT sealed FROM form WHERE digest = ? AND until > ?"
        rows = self._db.read(sql, (digest, rules.micros(now)))
        if not rows:
            return None
        return self._vault.unseal(digest, rows[0][0]) if rows[0][0] else b""

    async def take_form(self, digest: str, now: datetime, life_s: float) -> bool:
        now_us = rules.micros(now)
        with await self._db.writing(news=False) as connection:
            connection.execute("DELETE FROM form WHERE until <= ?", (now_us,))
            given = (digest, now_us + round(life_s * 1e6))
            connection.execute("INSERT OR IGNORE INTO form (digest, until) VALUES (?, ?)", given)
            return bool(connection.changes())

    async def answer_form(self, digest: str, answer: bytes, now: datetime, life_s: float) -> None:
        sealed = self._vault.seal(digest, answer)
        with await self._db.writing(news=False) as connection:
            until_us = rules.micros(now) + round(life_s * 1e6)
            connection.execute("REPLACE INTO form (digest, until, sealed) VALUES (?, ?, ?)", (digest, until_us, sealed))

    async def drop_form(self, digest: str) -> None:
        with await self._db.writing(news=False) as connection:
            connection.execute("DELETE FROM form WHERE digest = ?", (digest,))
