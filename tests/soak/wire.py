"""The way between the hub's HTTP and the clouds' faces without a socket: what aiohttp would hand over, and what it would raise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, cast

import aiohttp
from starlette.types import ASGIApp
from yarl import URL

from tests.asgi import Response, call
from tests.soak.mortal import Life

TIMEOUT_S = 30.0


class Body:
    """An answer as `aiohttp.ClientResponse` has it, as far as it is read."""

    def __init__(self, response: Response) -> None:
        self.status, self.headers, self._body = response.status, response.headers, response.body
        self.content_length = len(response.body)
        self.content = self

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._body


class Wire:
    """Stands where `aiohttp.ClientSession` would. `down` says whether the cloud cannot be reached; `now` is the true time, and `life` of whoever asks."""

    def __init__(
        self, app: ASGIApp, now: Callable[[], datetime], down: Callable[[], bool], life: Life | None = None
    ) -> None:
        self._app, self._now, self._down, self._life = app, now, down, life
        self.delayed: list[datetime] = []
        """When a request came that had been counted before its process slept."""

    def of(self, life: Life) -> aiohttp.ClientSession:
        """A process's own: it may die before a request goes out, and after the cloud has answered."""
        own = Wire(self._app, self._now, self._down, life)
        own.delayed = self.delayed
        return cast("aiohttp.ClientSession", own)

    def request(
        self, method: str, url: URL, *, data: bytes | None, headers: dict[str, str], **_: Any
    ) -> AbstractAsyncContextManager[Body]:
        return self._answered(method, url, data, headers)

    @asynccontextmanager
    async def _answered(
        self, method: str, url: URL, data: bytes | None, headers: dict[str, str]
    ) -> AsyncIterator[Body]:
        if self._down():
            raise aiohttp.ClientConnectionError("down")
        assert self._life is not None
        counted_at = self._now()
        await self._life.turn()
        asked_at = self._now()
        if asked_at > counted_at:
            self.delayed.append(asked_at)
        response = await call(self._app, method, url.raw_path_qs, headers, data or b"")
        await self._life.turn()
        if (self._now() - asked_at).total_seconds() > TIMEOUT_S:
            raise aiohttp.ServerTimeoutError("slow")
        if int(response.headers.get("content-length", "0")) > len(response.body):
            raise aiohttp.ClientPayloadError("cut")
        yield Body(response)
