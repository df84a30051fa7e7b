"""Answers that are given once more without reading the question: the very bytes of it came before, and nothing was stored since.

Who may see what is decided where an answer is made, and nowhere else. Here it is only known that it cannot have changed: keys, roles, sites
and measurements are in the store, whose version is asked for each time, and what moves with the clock has said until when it is true.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from time import perf_counter
from typing import Final

from msgspec import Struct
from starlette.types import Scope

from margelle.at_hand import AtHand
from margelle.errors import MargelleError
from margelle.ports import Clock, Reader
from margelle.serve.traffic import Traffic

ASKED: Final = "margelle.asked"
"""Under which a scope has the bytes of a request, if that is one without a body, on a connection that goes on."""
REPEATABLE: Final = "margelle.repeatable"
"""Under which an answer leaves in the scope that it is `Repeatable`."""
LONGEST: Final = 4096
"""Bytes of a request that is remembered."""
MOST_BYTES: Final = 16 << 20
"""So much is kept at hand, by each process: requests, heads and bodies. A body that the API has kept as well (`api.answering`) is counted by both, and is there once."""

_QUOTA: Final = frozenset({b"ratelimit", b"ratelimit-policy"})
_access: Final = logging.getLogger("margelle.access")


class Repeatable(Struct, frozen=True):
    """What an answer says of itself: it may be given again to the same request, while the store has `version`, from `since` to before `until`.

    `count` counts a request for its caller and tells the headers of their quota. Raises Limited.
    """

    version: int
    since: datetime
    until: datetime
    count: Callable[[], Mapping[str, str]]


class _Answer(Struct, frozen=True):
    about: Repeatable
    scope: Scope
    head: bytes
    body: bytes


class Repeats:
    """Keeps answers with status 200 under the bytes to which they were given. One process's own; `traffic` counts those that are given again."""

    def __init__(
        self, store: Reader, clock: Clock, traffic: Traffic | None = None, most_bytes: int = MOST_BYTES
    ) -> None:
        self._store, self._clock, self._traffic = store, clock, traffic
        self._answers: AtHand[bytes, _Answer] = AtHand(most_bytes, _weight)  # true of the store's version
        self._version: int | None = None

    def keep(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep what was answered with status 200 to the request of `scope`, if both say that it can be given again."""
        asked, about = scope.get(ASKED), scope.get(REPEATABLE)
        if asked is None or about is None or len(asked) > LONGEST:
            return
        if about.version != self._version:
            self._forget(about.version)
        head = b"".join([b"%b: %b\r\n" % header for header in headers if header[0] not in _QUOTA])
        self._answers.keep(asked, _Answer(about, {"type": "http", "path": scope["path"]}, head, body))

    def told(self, asked: bytes) -> tuple[bytes, bytes] | None:
        """The lines of headers and the body that answer the request with these bytes; None where it has to be read. It is counted like any other."""
        answer = self._answers.get(asked)
        if answer is None or _access.isEnabledFor(logging.INFO):  # each request has a line of its own there
            return None
        begin_s = perf_counter()
        with suppress(MargelleError):  # whoever reads the request tells of it
            version = self._store.version_at_once()
            if version != self._version:
                self._forget(version)
            elif answer.about.since <= self._clock() < answer.about.until:
                quota = b"".join([f"{name}: {value}\r\n".encode() for name, value in answer.about.count().items()])
                if self._traffic is not None:
                    self._traffic.note(answer.scope, 200, perf_counter() - begin_s)
                return quota + answer.head, answer.body
            else:
                self._answers.drop(asked)
        return None

    def _forget(self, version: int | None) -> None:
        self._answers.forget()
        self._version = version


def _weight(answer: _Answer) -> int:
    """Bytes of an answer; what it says of itself, its scope and whom it counts have some 1000."""
    return len(answer.head) + len(answer.body) + len(answer.scope["path"]) + 1000
