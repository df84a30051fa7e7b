"""Who was refused lately, in SQLite."""

from __future__ import annotations

from datetime import datetime

from margelle.store import rules
from margelle.store.sqlite.database import Database


class RefusalTable:
    """The part of the store that counts refusals: table refusal. Nothing that is shown depends on it, so it is no news."""

    _db: Database

    async def refusals(self, subject: str, now: datetime) -> list[datetime]:
        sql = "SELECT at FROM refusal WHERE subject = ? AND until > ? ORDER BY at"
        return [rules.instant(at_us) for (at_us,) in self._db.read(sql, (subject, rules.micros(now)))]

    async def refuse(self, subject: str, now: datetime, life_s: float) -> None:
        now_us = rules.micros(now)
        with await self._db.writing(news=False) as connection:
            connection.execute("DELETE FROM refusal WHERE until <= ?", (now_us,))
            until_us = now_us + round(life_s * 1e6)
            connection.execute("INSERT INTO refusal (subject, at, until) VALUES (?, ?, ?)", (subject, now_us, until_us))

    async def pardon(self, subject: str) -> None:
        with await self._db.writing(news=False) as connection:
            connection.execute("DELETE FROM refusal WHERE subject = ?", (subject,))
