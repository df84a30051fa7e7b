"""What was done at sites, in SQLite."""

from __future__ import annotations

from datetime import datetime

import msgspec

from margelle.domain.event import Event
from margelle.store import rules
from margelle.store.sqlite.database import Database

_FAR = 2**63 - 1


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
        return self._db.docs(
            Event,
            "SELECT doc FROM event WHERE site = ? AND at >= ? AND at < ? AND removed <= ? ORDER BY at DESC, id LIMIT ?",
            (site, *bounds, removed, -1 if limit is None else max(limit, 0)),
        )

    async def event(self, event: str) -> Event | None:
        return self._db.doc(Event, "SELECT doc FROM event WHERE id = ?", (event,))

    async def put_event(self, event: Event) -> None:
        row = (event.id, event.site, rules.micros(event.at), event.removed_at is not None)
        with await self._db.writing() as connection:
            if not self._db.read("SELECT 1 FROM site WHERE id = ?", (event.site,)):
                raise rules.no_site(event.site)
            connection.execute("REPLACE INTO event VALUES (?, ?, ?, ?, ?)", (*row, msgspec.json.encode(event).decode()))
