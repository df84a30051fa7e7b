"""Answers over HTTP, kept for as long as they are true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from margelle.at_hand import AtHand, weight_of


class KeptAnswer(NamedTuple):
    """An answer that is true from one instant to before another."""

    since: datetime
    until: datetime
    answer: Response


class Kept:
    """Answers for as long as they are true: until the store changes, and for a second at most where windows move with the clock."""

    LIFE: Final = timedelta(seconds=1)
    MOST_BYTES: Final = 4 << 20
    LONGEST: Final = 4096
    """Bytes of a key under which something is kept. A question that has more (a query or an ETag of some kB) is answered anew each time."""

    def __init__(self, largest: int = MOST_BYTES, most: int = MOST_BYTES) -> None:
        """`largest` is how many bytes a body may have that is kept, `most` how many all answers may have, with their keys and heads."""
        self._largest = largest
        self._answers: AtHand[Any, KeptAnswer] = AtHand(most, _weight)
        self._version: int | None = None

    async def or_made(self, version: int, key: Any, now: datetime, make: Callable[[], Awaitable[Response]]) -> Response:
        """The answer kept under `key`, if it is true at `now`; else the one that `make` reads from the store at `version`, kept from now on."""
        answer = self.get(version, key, now)
        if answer is None:
            answer = await make()
            self.put(version, key, now, answer)
        return answer

    def get(self, version: int, key: Any, now: datetime) -> Response | None:
        """The answer kept under `key`, if it is true at `now`."""
        found = self.found(version, key, now)
        return found.answer if found is not None else None

    def found(self, version: int, key: Any, now: datetime) -> KeptAnswer | None:
        """The same, and until when it is true."""
        if version != self._version:
            self._answers.forget()
            self._version = version
            return None
        kept = self._answers.get(key)
        return kept if kept is not None and kept.since <= now < kept.until else None

    def put(self, version: int, key: Any, now: datetime, answer: Response, until: datetime | None = None) -> KeptAnswer:
        """Keep an answer that was read from the store at `version`, and is true before `until` (None: for a second), unless it or its key is too long."""
        kept = KeptAnswer(now, now + self.LIFE if until is None else until, answer)
        if version == self._version and len(answer.body) <= self._largest and weight_of(key) <= self.LONGEST:
            self._answers.keep(key, kept)
        return kept


def _weight(kept: KeptAnswer) -> int:
    """Bytes of an answer; a `Response` with the usual head has some 900 without its body."""
    return len(kept.answer.body) + sum(len(name) + len(value) for name, value in kept.answer.raw_headers) + 700
