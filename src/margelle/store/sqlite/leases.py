"""Who collects from which account, in SQLite."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import apsw

from margelle.domain.site import OWN
from margelle.store import rules
from margelle.store.sqlite.database import Database

_COLLECTORS: Final = """
SELECT name, (SELECT count(*) FROM lease JOIN account ON id = account WHERE collector = name AND doc ->> 'vendor' <> ?)
FROM collector WHERE until > ? ORDER BY name
"""


class LeaseTables:
    """The part of the store by which collectors share the accounts: tables collector and lease."""

    _db: Database

    async def collectors(self, now: datetime) -> dict[str, int]:
        return dict(self._db.read(_COLLECTORS, (OWN, rules.micros(now))))

    async def claim(self, collector: str, now: datetime, life_s: float, keep: Collection[str] = ()) -> list[str]:
        now_us = rules.micros(now)
        until_us = now_us + round(life_s * 1e6)
        with await self._db.writing() as connection:
            # An end beyond our own was written before the clock was set back.
            connection.execute("DELETE FROM collector WHERE until <= ? OR until > ?", (now_us, until_us))
            connection.execute("REPLACE INTO collector VALUES (?, ?)", (collector, until_us))
            connection.execute(
                "DELETE FROM lease WHERE collector NOT IN (SELECT name FROM collector)"
                " OR account NOT IN (SELECT id FROM account)"
            )
            return _shared(connection, collector, keep)

    async def release(self, collector: str) -> None:
        with await self._db.writing() as connection:
            connection.execute("DELETE FROM collector WHERE name = ?", (collector,))
            connection.execute("DELETE FROM lease WHERE collector = ?", (collector,))


def _shared(connection: apsw.Connection, collector: str, keep: Collection[str]) -> list[str]:
    """What `collector` has after giving back what it has beyond its share, or taking what nobody has."""
    ours = "SELECT account FROM lease WHERE collector = ? ORDER BY account"
    accounts, collectors = connection.execute("SELECT (SELECT count(*) FROM account), count(*) FROM collector").get
    held = [account for (account,) in connection.execute(ours, (collector,))]
    share = rules.share(accounts, collectors)
    surplus = rules.surplus(held, share, keep)
    connection.executemany("DELETE FROM lease WHERE account = ?", [(account,) for account in surplus])
    connection.execute(
        "INSERT INTO lease SELECT id, ?1 FROM account WHERE id NOT IN (SELECT account FROM lease) ORDER BY id LIMIT ?2",
        (collector, max(share - len(held), 0)),
    )
    return [account for (account,) in connection.execute(ours, (collector,))]
