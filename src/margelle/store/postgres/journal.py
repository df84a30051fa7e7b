"""What happened: receipts, incidents and the audit log, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from psycopg.abc import QueryNoTemplate as Query

from margelle.ports import AuditEntry, Incident, Receipt
from margelle.store import rules
from margelle.store.postgres.database import Database, retried

FORGOTTEN_AT_ONCE: Final = 1000
"""So many things are pruned in one transaction, so that none lasts long."""
_OVER: Final = (
    (
        "SELECT id, account FROM receipt WHERE at < %s LIMIT %s",
        "DELETE FROM receipt WHERE id = ANY(%s) AND account = ANY(%s) AND at < %s",
    ),
    (
        "SELECT digest FROM granted WHERE kind <> 'refresh' AND expires_at <= %s LIMIT %s",
        "DELETE FROM granted WHERE digest = ANY(%s) AND expires_at <= %s",
    ),
    (
        "SELECT id FROM incident WHERE ended_at < %s LIMIT %s",
        "DELETE FROM incident WHERE id = ANY(%s) AND ended_at < %s",
    ),
    (
        "SELECT digest FROM form WHERE until <= %s LIMIT %s",
        "DELETE FROM form WHERE digest = ANY(%s) AND until <= %s",
    ),
)
"""What is over, and how it is forgotten: in two statements, since on a cluster each node would choose some of its own."""
_AUDIT: Final = """
SELECT doc FROM audit WHERE at >= %(since)s AND at < %(until)s
AND (%(user)s::text IS NULL OR doc::json ->> 'user' = %(user)s) AND (%(act)s::text IS NULL OR doc::json ->> 'act' = %(act)s)
AND (
    %(sites)s::text[] IS NULL OR doc::json ->> 'site' = ANY(%(sites)s)
    OR (doc::json ->> 'account', doc::json ->> 'owner') IN (
        SELECT account, owner FROM link WHERE gone_at IS NULL AND site = ANY(%(sites)s)
    )
)
ORDER BY id DESC LIMIT %(limit)s OFFSET %(skip)s
"""
_FAR: Final = 2**63 - 1
_RECEIPTS: Final = """
SELECT account, at, name, url, status, duration_ms, packed, body FROM receipt
WHERE account = %s AND at >= %s ORDER BY at DESC, id DESC LIMIT %s
"""
KEEP_RECEIPT: Final = """
INSERT INTO receipt (account, at, name, url, status, duration_ms, packed, body) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_INCIDENTS: Final = """
SELECT doc FROM incident WHERE (%(account)s::text IS NULL OR account = %(account)s) AND (NOT %(open_only)s OR ended_at IS NULL)
ORDER BY at DESC, id DESC
"""
_OPEN: Final = "SELECT id, doc FROM incident WHERE account = %s AND place = %s AND kind = %s AND ended_at IS NULL"
_BEGIN: Final = "INSERT INTO incident (account, place, kind, at, doc) VALUES (%s, %s, %s, %s, %s)"
_TO_END: Final = """
SELECT id, doc FROM incident
WHERE account = %(account)s AND place = %(place)s AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND ended_at IS NULL
"""


class JournalTables:
    """The part of the store that remembers what happened: tables receipt, incident and audit."""

    _db: Database

    async def receipts(self, account: str, since: datetime | None = None, limit: int = 100) -> list[Receipt]:
        since_us = -(2**63) if since is None else rules.micros(since)
        rows = await self._db.read(_RECEIPTS, (account, since_us, max(limit, 0)))
        return [_receipt(*row) for row in rows]

    @retried
    async def keep_receipt(self, receipt: Receipt) -> None:
        told = (receipt.account, rules.micros(receipt.at), receipt.name, receipt.url, receipt.status)
        async with self._db.writing() as transaction:
            await transaction.run(KEEP_RECEIPT, (*told, receipt.duration_ms, *rules.packed(receipt.body)))

    async def incidents(self, account: str | None = None, *, open_only: bool = False) -> list[Incident]:
        return await self._db.docs(Incident, _INCIDENTS, {"account": account, "open_only": open_only})

    @retried
    async def note_incident(self, incident: Incident) -> None:
        key = (incident.account, incident.where, incident.kind)
        async with self._db.writing() as transaction:
            await transaction.lock(f"incident {incident.account}")
            known = await transaction.read(_OPEN, key)
            told = rules.again(self._db.decoded(Incident, known[0][1]) if known else None, incident)
            row = (rules.micros(told.at), msgspec.json.encode(told).decode())
            if known:
                await transaction.run("UPDATE incident SET at = %s, doc = %s WHERE id = %s", (*row, known[0][0]))
            else:
                await transaction.run(_BEGIN, (*key, *row))

    @retried
    async def end_incident(self, account: str, where: str, kind: str | None, now: datetime) -> None:
        now_us = rules.micros(now)
        async with self._db.writing() as transaction:
            await transaction.lock(f"incident {account}")
            for row, doc in await transaction.read(_TO_END, {"account": account, "place": where, "kind": kind}):
                ended = msgspec.json.encode(replace(self._db.decoded(Incident, doc), ended_at=now)).decode()
                await transaction.run("UPDATE incident SET ended_at = %s, doc = %s WHERE id = %s", (now_us, ended, row))

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
            "sites": None if sites is None else [*sites],
            "user": user,
            "act": act,
            "since": -_FAR if since is None else rules.micros(since),
            "until": _FAR if until is None else rules.micros(until),
            "limit": max(limit, 0),
            "skip": max(skip, 0),
        }
        return await self._db.docs(AuditEntry, _AUDIT, wanted)

    @retried
    async def record(self, entry: AuditEntry) -> None:
        row = (rules.micros(entry.at), msgspec.json.encode(rules.recorded(entry)).decode())
        async with self._db.writing() as transaction:
            await transaction.run("INSERT INTO audit (at, doc) VALUES (%s, %s)", row)

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        oldest, ended = now - timedelta(days=receipts_days), now - rules.INCIDENT_LIFE
        for (over, forget), before in zip(_OVER, (oldest, now, ended, now), strict=True):
            while await self._forget_some(over, forget, rules.micros(before)):
                pass

    @retried
    async def _forget_some(self, over: Query, forget: Query, before_us: int) -> bool:
        """Forget some of what is over; whether there may be more."""
        rows = await self._db.read(over, (before_us, FORGOTTEN_AT_ONCE))
        if rows:
            async with self._db.writing() as transaction:
                await transaction.run(forget, [*map(list, zip(*rows, strict=True)), before_us])
        return len(rows) == FORGOTTEN_AT_ONCE


def _receipt(account: str, at_us: int, name: str, url: str, status: int, *rest: Any) -> Receipt:
    duration_ms, packed, body = rest
    return Receipt(account, rules.instant(at_us), name, url, status, rules.unpacked(packed, body), duration_ms)
