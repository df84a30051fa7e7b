"""Who collects from which account, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from margelle.domain.site import OWN
from margelle.store import rules
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.database import Database, retried

_COLLECTORS: Final = """
SELECT name, (
    SELECT count(*) FROM lease JOIN account ON id = lease.account WHERE collector = name AND doc::jsonb ->> 'vendor' <> %s
) FROM collector WHERE until > %s ORDER BY name
"""
_CLAIM: Final = "INSERT INTO collector VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET until = excluded.until"
_OVER: Final = """
SELECT account FROM lease WHERE collector NOT IN (SELECT name FROM collector) OR account NOT IN (SELECT id FROM account)
"""
_OURS: Final = "SELECT account FROM lease WHERE collector = %s ORDER BY account"
_FREE: Final = "SELECT id FROM account WHERE id NOT IN (SELECT account FROM lease) ORDER BY id LIMIT %s"
_TAKE: Final = "INSERT INTO lease SELECT unnest(%s::text[]), %s"
_GIVE_BACK: Final = "DELETE FROM lease WHERE account = ANY(%s)"
_TURN: Final = "leases"
"""One collector claims after the other."""


class LeaseTables:
    """The part of the store by which collectors share the accounts: tables collector and lease."""

    _db: Database

    async def collectors(self, now: datetime) -> dict[str, int]:
        return {name: held for name, held in await self._db.read(_COLLECTORS, (OWN, rules.micros(now)))}  # noqa: C416

    @retried
    async def claim(self, collector: str, now: datetime, life_s: float, keep: Collection[str] = ()) -> list[str]:
        now_us = rules.micros(now)
        until_us = now_us + round(life_s * 1e6)
        async with self._db.writing() as transaction:
            await transaction.lock(_TURN)
            # An end beyond our own was written before the clock was set back.
            await transaction.run("DELETE FROM collector WHERE until <= %s OR until > %s", (now_us, until_us))
            await transaction.run(_CLAIM, (collector, until_us))
            over = await transaction.read(_OVER)
            await transaction.run(_GIVE_BACK, ([account for (account,) in over],))
            return await _shared(transaction, collector, keep)

    @retried
    async def release(self, collector: str) -> None:
        async with self._db.writing() as transaction:
            await transaction.lock(_TURN)
            await transaction.run("DELETE FROM collector WHERE name = %s", (collector,))
            await transaction.run("DELETE FROM lease WHERE collector = %s", (collector,))


async def _shared(transaction: Transaction, collector: str, keep: Collection[str]) -> list[str]:
    """What `collector` has after giving back what it has beyond its share, or taking what nobody has."""
    ((accounts, collectors),) = await transaction.read(
        "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM collector)"
    )
    held = [account for (account,) in await transaction.read(_OURS, (collector,))]
    share = rules.share(accounts, collectors)
    surplus = rules.surplus(held, share, keep)
    await transaction.run(_GIVE_BACK, (surplus,))
    free = await transaction.read(_FREE, (max(share - len(held), 0),))
    await transaction.run(_TAKE, ([account for (account,) in free], collector))
    return [account for (account,) in await transaction.read(_OURS, (collector,))]
