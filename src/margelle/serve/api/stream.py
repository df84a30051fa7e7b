"""`GET /api/v1/stream`: measurements as they come, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from starlette.responses import Response, StreamingResponse

from margelle.errors import Limited, Refused
from margelle.serve.api.endpoint import Endpoint, Visit
from margelle.serve.api.live import BEAT_S, END, Listener
from margelle.serve.api.params import Chosen
from margelle.serve.api.seen import probes_seen, series_seen

MOST: Final = 1000
"""Clients that may listen at once."""

MOST_EACH: Final = 50
"""Clients of one user."""

_KIND: Final = "text/event-stream"
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}


async def stream(visit: Visit, asked: Chosen) -> Response:
    """Measurements as they come."""
    watcher = visit.rooms.watcher
    if watcher.listeners >= MOST or watcher.listeners_of(visit.caller.user.email) >= MOST_EACH:
        raise Limited("Too many clients listen already.", retry_after_s=60)
    listener = await _listener(visit, asked)
    if visit.request.method == "HEAD":
        return Response(headers=_HEADERS, media_type=_KIND)
    return StreamingResponse(_events(visit, listener), headers=_HEADERS, media_type=_KIND)


async def _listener(visit: Visit, asked: Chosen) -> Listener:
    wanted = {probe.id: probe.site for probe in await probes_seen(visit, asked.site, asked.probe)}
    quantities = frozenset(one.quantity for one in await series_seen(visit, asked.site, asked.probe, asked.quantity))
    which = quantities | frozenset(asked.quantity) if asked.quantity else frozenset[str]()
    return Listener(wanted, which, visit.caller.user.email)


async def _events(visit: Visit, listener: Listener) -> AsyncIterator[bytes]:
    """Until the client leaves, the hub ends, or the caller may not listen any more, which is asked at every beat."""
    checked_at = visit.now
    async with visit.rooms.watcher.listening(listener, visit.request.headers.get("last-event-id", "")):
        yield b"retry: 3000\n\n"
        while True:
            told = await listener.next(BEAT_S)
            if told is END:
                return
            yield told
            if visit.now - checked_at >= timedelta(seconds=BEAT_S):
                checked_at = visit.now
                try:
                    caller = await visit.rooms.again(visit.request)
                except Refused:
                    return
                if "read" not in caller.scopes or not set(listener.wanted.values()) <= set(caller.roles):
                    return  # the client connects again, and is told what it may still see


ENDPOINTS: Final = (
    Endpoint("GET", "/stream", "measurements", "Measurements as they come, as server-sent events: `measurement` has one as a row, `reset` says that some were missed. With `Last-Event-ID` it goes on where it was interrupted.", stream, Chosen, told=_KIND, answer=str, errors=(404,)),
)  # fmt: skip
"""In the order of the docs."""
