"""Forms that do something once, however often they are sent: each has a number of its own (docs/decisions/0050)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from margelle.ports import Clock

FIELD: Final = "once"
LIFE: Final = timedelta(minutes=10)
"""So long after it was taken, a form that is sent again is answered as before."""

MOST: Final = 500
"""Answers that are kept, in memory alone: some show a secret."""


def number() -> str:
    """A number for a new form."""
    return secrets.token_urlsafe(12)


class _Taken(Struct):
    turn: asyncio.Lock
    until: datetime
    answer: Response | None = None


class Once:
    """Answers a form that was taken already as it was answered then. One that was refused, or says something else, is taken anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._taken: dict[bytes, _Taken] = {}

    async def answer(
        self, request: Request, who: str, form: dict[str, str], take: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The answer to `form`, which `who` sent: by `take`, unless the same one was taken before, or is being taken."""
        if not form.get(FIELD):
            return await take()
        known = self._of(request.url.path, str(request.url.query), who, await request.body())
        async with known.turn:
            if known.answer is None:
                found = await take()
                if found.status_code >= 400:
                    return found
                known.answer = found
            return known.answer

    def _of(self, *said: str | bytes) -> _Taken:
        now = self._clock()
        self._taken = {key: one for key, one in list(self._taken.items())[-MOST:] if one.until > now}
        parts = (part.encode() if isinstance(part, str) else part for part in said)
        key = hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()
        return self._taken.setdefault(key, _Taken(asyncio.Lock(), now + LIFE))
