"""What was done at sites, in memory."""

from __future__ import annotations

from datetime import datetime

from margelle.domain.event import Event
from margelle.store import rules
from margelle.store.memory.places import PlacesPart


class EventsPart(PlacesPart):
    """The part of the store that knows what was done."""

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[str, Event] = {}

    async def events(
        self,
        site: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        removed: bool = False,
    ) -> list[Event]:
        for bound in filter(None, (since, until)):
            rules.micros(bound)
        found = [
            event
            for event in self._events.values()
            if event.site == site
            and (since is None or event.at >= since)
            and (until is None or event.at < until)
            and (removed or event.removed_at is None)
        ]
        found.sort(key=lambda event: (-rules.micros(event.at), event.id))
        return found if limit is None else found[: max(limit, 0)]

    async def event(self, event: str) -> Event | None:
        return self._events.get(event)

    async def put_event(self, event: Event) -> None:
        rules.micros(event.at)
        if event.site not in self._sites:
            raise rules.no_site(event.site)
        self._version += 1
        self._events[event.id] = event
