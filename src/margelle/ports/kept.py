"""Answers over HTTP, kept for as long as they are true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.responses import Response


class Kept:
    """Answers for as long as they are true: until the store changes, and for a second at most, since windows move with the clock."""

    LIFE: Final = timedelta(seconds=1)
    MOST_BYTES: Final = 4 << 20

    def __init__(self, largest: int = MOST_BYTES) -> None:
        """`largest` is how many bytes a body may have that is kept."""
        self._largest = largest
        self._answers: dict[Any, tuple[datetime, Response]] = {}
        self._version: int | None = None
        self._bytes = 0

    async def or_made(self, version: int, key: Any, now: datetime, make: Callable[[], Awaitable[Response]]) -> Response:
        """The answer kept under `key`, if it is true at `now`; else the one that `make` reads from the store at `version`, kept from now on."""
        answer = self.get(version, key, now)
        if answer is None:
            answer = await make()
            self.put(version, key, now, answer)
        return answer

    def get(self, version: int, key: Any, now: datetime) -> Response | None:
        """The answer kept under `key`, if it is true at `now`."""
        if version != self._version:
            self._forget(version)
            return None
        made_at, answer = self._answers.get(key, (None, None))
        return answer if made_at is not None and made_at <= now < made_at + self.LIFE else None

    def put(self, version: int, key: Any, now: datetime, answer: Response) -> None:
        """Keep an answer that was read from the store at `version`."""
        if version != self._version or len(answer.body) > self._largest:
            return
        self._bytes += len(answer.body) + 500
        if self._bytes > self.MOST_BYTES:
            self._forget(version)
        self._answers[key] = now, answer

    def _forget(self, version: int) -> None:
        self._answers.clear()
        self._version, self._bytes = version, 0
