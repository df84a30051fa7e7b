"""Forms that do something once, however often they are sent and whichever process takes them: each has a number of its own (docs/decisions/0050)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from margelle.errors import StoreError
from margelle.ports import Clock, Store

FIELD: Final = "once"
LIFE: Final = timedelta(minutes=10)
"""So long after it was taken, a form that is sent again is answered as before."""

BUSY: Final = timedelta(minutes=1)
"""So long whoever takes a form may be about it, before another process does so in its place."""

MOST: Final = 500
"""Forms of people who have not signed in that are remembered, by each process for itself."""

_LOOK_S: Final = 0.05


def number() -> str:
    """A number for a new form."""
    return secrets.token_urlsafe(12)


class Here:
    """Knows forms as a store does, for one process: strangers make no hub write."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[datetime, bytes]] = {}

    async def form(self, digest: str, now: datetime) -> bytes | None:
        """See `ports.Store`, as of the others."""
        until, answer = self._taken.get(digest, (now, b""))
        return answer if until > now else None

    async def take_form(self, digest: str, now: datetime, life_s: float) -> bool:
        """True for the first."""
        self._taken = {key: one for key, one in list(self._taken.items())[-MOST:] if one[0] > now}
        until = now + timedelta(seconds=life_s)
        return self._taken.setdefault(digest, mine := (until, b"")) is mine

    async def answer_form(self, digest: str, answer: bytes, now: datetime, life_s: float) -> None:
        """Remember the answer."""
        self._taken[digest] = now + timedelta(seconds=life_s), answer

    async def drop_form(self, digest: str) -> None:
        """Forget it."""
        self._taken.pop(digest, None)


class _Kept(Struct, frozen=True, array_like=True):
    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


_decode: Final = msgspec.msgpack.Decoder(_Kept).decode


class Once:
    """Answers a form that was taken already as it was answered then. One that was refused, or says something else, is taken anew.

    Forms of who has signed in are known in the `store`, to all processes of the hub; one waits for another by `rest`.
    """

    def __init__(
        self, store: Store, clock: Clock, rest: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(_LOOK_S)
    ) -> None:
        self._store, self._strangers = store, Here()
        self._clock, self._rest = clock, rest
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self, request: Request, who: str, form: dict[str, str], take: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The answer to `form`, which `who` sent (empty: a stranger): by `take`, unless the same one was taken before, or is being taken."""
        if not form.get(FIELD):
            return await take()
        forms = self._store if who else self._strangers
        digest = _digest(request.url.path, str(request.url.query), who, await request.body())
        async with self._turns.setdefault(digest, asyncio.Lock()):
            if (known := await self._known(forms, digest)) is not None:
                return known
            return await self._taken(forms, digest, take)

    async def _known(self, forms: Store | Here, digest: str) -> Response | None:
        """How it was answered, once it is; None where it is ours to take."""
        while True:
            told = await forms.form(digest, self._clock())
            if told:
                return _answer(_decode(told))
            if told is None and await forms.take_form(digest, self._clock(), BUSY.total_seconds()):
                return None
            await self._rest()

    async def _taken(self, forms: Store | Here, digest: str, take: Callable[[], Awaitable[Response]]) -> Response:
        is_done = False
        try:
            found = await take()
            is_done = found.status_code < 400
        finally:
            if not is_done:
                with suppress(StoreError):  # what went wrong before is told
                    await forms.drop_form(digest)
        if is_done:
            kept = msgspec.msgpack.encode(_Kept(found.status_code, found.raw_headers, bytes(found.body)))
            with suppress(StoreError):  # it is done, whether or not it can be said again
                await forms.answer_form(digest, kept, self._clock(), LIFE.total_seconds())
        return found


def _digest(*said: str | bytes) -> str:
    """Of what a form says. Its number is in there: nobody finds a password again by trying."""
    parts = (part.encode() if isinstance(part, str) else part for part in said)
    return hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _answer(kept: _Kept) -> Response:
    answer = Response(kept.body, kept.status)
    answer.raw_headers = list(kept.headers)
    return answer
