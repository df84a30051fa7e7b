"""Who was refused lately, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from margelle.store import rules
from margelle.store.postgres.database import Database, retried

_REFUSALS: Final = "SELECT at FROM refusal WHERE subject = %s AND until > %s ORDER BY at"
_REFUSE: Final = "INSERT INTO refusal (subject, at, until) VALUES (%s, %s, %s)"


class RefusalTable:
    """The part of the store that counts refusals: table refusal. Nothing that is shown depends on it, so it is no news to others."""

    _db: Database

    async def refusals(self, subject: str, now: datetime) -> list[datetime]:
        rows = await self._db.read(_REFUSALS, (subject, rules.micros(now)))
        return [rules.instant(at_us) for (at_us,) in rows]

    @retried
    async def refuse(self, subject: str, now: datetime, life_s: float) -> None:
        now_us = rules.micros(now)
        async with self._db.writing(news=None) as transaction:
            await transaction.run("DELETE FROM refusal WHERE until <= %s", (now_us,))
            await transaction.run(_REFUSE, (subject, now_us, now_us + round(life_s * 1e6)))

    @retried
    async def pardon(self, subject: str) -> None:
        async with self._db.writing(news=None) as transaction:
            await transaction.run("DELETE FROM refusal WHERE subject = %s", (subject,))
