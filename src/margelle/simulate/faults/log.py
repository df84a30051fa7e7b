"""What each client asked, and what it was told. No secret gets in, and no more than so many entries stay."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final

from msgspec import Struct

LONGEST: Final = 1_000
"""Entries kept; older ones are forgotten."""

EXCERPT: Final = 300
"""Characters of an answer's body that an entry has."""


class Entry(Struct, frozen=True):
    """One request and its answer.

    `at` is by the clouds' clock; `client` the address, `agent` what the client calls itself. `target` and `told` (the beginning of the body) have their secrets masked;
    of a form only the names of its fields are kept. `operation` is empty for what is no known operation, `fault` where nothing befell the request.
    """

    n: int
    at: datetime
    client: str
    agent: str
    vendor: str
    operation: str
    method: str
    target: str
    form: tuple[str, ...]
    fault: str
    status: int
    size_bytes: int
    told: str


class Log:
    """The last `longest` entries. May be read from any thread."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._entries: deque[Entry] = deque(maxlen=longest)
        self._count = 0

    def number(self) -> int:
        """The number of the next entry; numbers only grow."""
        self._count += 1
        return self._count

    def add(self, entry: Entry) -> None:
        """Keep an entry."""
        self._entries.append(entry)

    def entries(self, after: int = 0) -> list[Entry]:
        """Those with numbers above `after`, the oldest first."""
        return [entry for entry in self._entries.copy() if entry.n > after]

    def clear(self) -> None:
        """Forget all entries; their numbers are not given again."""
        self._entries.clear()
