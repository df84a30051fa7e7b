"""What happened: receipts, incidents and the audit log, in SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from margelle.ports import AuditEntry, Incident, Receipt
from margelle.store import rules
from margelle.store.sqlite.database import Database

FORGOTTEN_AT_ONCE: Final = 250
"""So many things are pruned in one transaction, so that others can use the store in between."""
_OVER: Final = (
    "DELETE FROM receipt WHERE id IN (SELECT id FROM receipt WHERE at < ? LIMIT ?)",
    "DELETE FROM granted WHERE digest IN (SELECT digest FROM granted WHERE kind <> 'refresh' AND expires_at <= ? LIMIT ?)",
    "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE ended_at < ? LIMIT ?)",
    "DELETE FROM form WHERE digest IN (SELECT digest FROM form WHERE until <= ? LIMIT ?)",
)
_AUDIT: Final = """
SELECT doc FROM audit WHERE at >= :since AND at < :until
AND (:user IS NULL OR doc ->> 'user' = :user) AND (:act IS NULL OR doc ->> 'act' = :act)
AND (
    :sites IS NULL OR doc ->> 'site' IN (SELECT value FROM json_each(:sites))
    OR (doc ->> 'account', doc ->> 'owner') IN (
        SELECT account, owner FROM link WHERE gone_at IS NULL AND site IN (SELECT value FROM json_each(:sites))
    )
)
ORDER BY id DESC LIMIT :limit OFFSET :skip
"""
_FAR: Final = 2**63 - 1
_OPEN: Final = "SELECT doc FROM incident WHERE account = ? AND place = ? AND kind = ? AND ended_at IS NULL"


class JournalTables:
    """The part of the store that remembers what happened: tables receipt, incident and audit."""

    _db: Database

    async def receipts(self, account: str, since: datetime | None = None, limit: int = 100) -> list[Receipt]:
        since_us = -(2**63) if since is None else rules.micros(since)
        rows = self._db.read(
            "SELECT account, at, name, url, status, duration_ms, packed, body FROM receipt"
            " WHERE account = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?",
            (account, since_us, max(limit, 0)),
        )
        return [_receipt(*row) for row in rows]

    async def keep_receipt(self, receipt: Receipt) -> None:
        packed, body = rules.packed(receipt.body)
        told = (
            receipt.account,
            rules.micros(receipt.at),
            receipt.name,
            receipt.url,
            receipt.status,
            receipt.duration_ms,
        )
        with await self._db.writing() as connection:
            connection.execute("INSERT INTO receipt VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", (*told, packed, body))

    async def incidents(self, account: str | None = None, *, open_only: bool = False) -> list[Incident]:
        wanted = ["account = ?1"] * (account is not None) + [
            "ended_at IS NULL"
        ] * open_only  # words that an index knows
        sql = f"SELECT doc FROM incident WHERE {' AND '.join(wanted) or 'TRUE'} ORDER BY at DESC, id DESC"  # noqa: S608
        return self._db.docs(Incident, sql, () if account is None else (account,))

    async def note_incident(self, incident: Incident) -> None:
        key = (incident.account, incident.where, incident.kind)
        with await self._db.writing() as connection:
            known = self._db.doc(Incident, _OPEN, key)
            told = rules.again(known, incident)
            row = (rules.micros(told.at), msgspec.json.encode(told).decode())
            if known is None:
                connection.execute("INSERT INTO incident VALUES (NULL, ?, ?, ?, ?, NULL, ?)", (*key, *row))
            else:
                connection.execute(
                    "UPDATE incident SET at = ?, doc = ? WHERE account = ? AND place = ? AND kind = ? AND ended_at IS NULL",
                    (*row, *key),
                )

    async def end_incident(self, account: str, where: str, kind: str | None, now: datetime) -> None:
        sql = "SELECT id, doc FROM incident WHERE account = ?1 AND place = ?2 AND (?3 IS NULL OR kind = ?3) AND ended_at IS NULL"
        with await self._db.writing() as connection:
            for row, doc in self._db.read(sql, (account, where, kind)):
                ended = replace(self._db.decoded(Incident, doc), ended_at=now)
                update = "UPDATE incident SET ended_at = ?, doc = ? WHERE id = ?"
                connection.execute(update, (rules.micros(now), msgspec.json.encode(ended).decode(), row))

    async def audit(
        self,
        limit: int = 100,
        *,
        skip: int = 0,
        sites: Collection[str] | None = None,
        user: str | None = None,
        act: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditEntry]:
        wanted = {
            "sites": None if sites is None else msgspec.json.encode(sorted(sites)).decode(),
            "user": user,
            "act": act,
            "since": -_FAR if since is None else rules.micros(since),
            "until": _FAR if until is None else rules.micros(until),
            "limit": max(limit, 0),
            "skip": max(skip, 0),
        }
        return self._db.docs(AuditEntry, _AUDIT, wanted)

    async def record(self, entry: AuditEntry) -> None:
        with await self._db.writing() as connection:
            row = (rules.micros(entry.at), msgspec.json.encode(rules.recorded(entry)).decode())
            connection.execute("INSERT INTO audit VALUES (NULL, ?, ?)", row)

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        oldest, ended = now - timedelta(days=receipts_days), now - rules.INCIDENT_LIFE
        for sql, before in zip(_OVER, (oldest, now, ended, now), strict=True):
            while await self._forget_some(sql, rules.micros(before)):  # noqa: ASYNC110 - it waits for nothing: others have their turn
                await asyncio.sleep(0)

    async def _forget_some(self, sql: str, before_us: int) -> bool:
        """Forget some of what is over; whether there may be more."""
        with await self._db.writing() as connection:
            connection.execute(sql, (before_us, FORGOTTEN_AT_ONCE))
            return connection.changes() == FORGOTTEN_AT_ONCE


def _receipt(account: str, at_us: int, name: str, url: str, status: int, *rest: Any) -> Receipt:
    duration_ms, packed, body = rest
    return Receipt(account, rules.instant(at_us), name, url, status, rules.unpacked(packed, body), duration_ms)
