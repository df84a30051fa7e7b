"""What was done at sites, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from margelle.domain.event import Event
from margelle.store import rules
from margelle.store.postgres.database import Database, retried

_FAR: Final = 2**63 - 1
_EVENTS: Final = """
SELECT doc FROM event WHERE site = %s AND at >= %s AND at < %s AND removed <= %s ORDER BY at DESC, id LIMIT %s
"""
_PUT: Final = """
INSERT INTO event VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE
SET site = excluded.site, at = excluded.at, removed = excluded.removed, doc = excluded.doc
"""


class EventTables:
    """The part of the store that knows what was done: table event."""

    _db: Database

    async def events(
        self,
        site: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        removed: bool = False,
    ) -> list[Event]:
        bounds = (-_FAR if since is None else rules.micros(since), _FAR if until is None else rules.micros(until))
        most = None if limit is None else max(limit, 0)
        return await self._db.docs(Event, _EVENTS, (site, *bounds, removed, most))

    async def event(self, event: str) -> Event | None:
        return await self._db.doc(Event, "SELECT doc FROM event WHERE id = %s", (event,))

    @retried
    async def put_event(self, event: Event) -> None:
        row = (event.id, event.site, rules.micros(event.at), event.removed_at is not None)
        async with self._db.writing() as transaction:
            if not await transaction.read("SELECT 1 FROM site WHERE id = %s", (event.site,)):  # which are never removed
                raise rules.no_site(event.site)
            await transaction.run(_PUT, (*row, msgspec.json.encode(event).decode()))
