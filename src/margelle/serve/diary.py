"""What people write down of a site, and take back: by page and by the API. Every act is recorded."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from margelle.domain.event import Event, EventKind
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Store

MEASURED: Final = frozenset[EventKind]({"dose", "water_change", "refill"})
"""Kinds of which there is an amount."""


class Diary:
    """Keeps events; whoever calls has seen to it that `by` (an e-mail) may do so at their site."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def write(self, event: Event) -> None:
        """Keep an event."""
        await self._store.put_event(event)
        await self._record(event, "noted", event.by)

    async def take_back(self, event: Event, by: str) -> Event:
        """Have an event stay as one that was taken back, by whom and when."""
        gone = replace(event, removed_at=self._clock(), removed_by=by)
        await self._store.put_event(gone)
        await self._record(gone, "taken back", by)
        return gone

    async def _record(self, event: Event, outcome: str, by: str) -> None:
        amount = "" if event.amount is None else f" {event.amount:g} {event.unit or ''}".rstrip()
        what = f"{event.product or event.kind}{amount} at {event.at:%Y-%m-%dT%H:%M}Z: {outcome}"
        phrase = Phrase(
            f"event.{outcome}",
            {
                "what": Phrase(f"product.{event.product}" if event.product else f"event.{event.kind}"),
                "amount": amount,
                "at": f"{event.at:%Y-%m-%d %H:%M} UTC",
            },
        )
        await self._store.record(AuditEntry(self._clock(), by, "event", event.id, what, event.site, phrase=phrase))
