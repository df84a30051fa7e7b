"""The last requests at each face, kept in memory: whether a client arrives, and what was wrong with what it asked.

Nothing secret is kept: neither query, body nor headers but the client's name of itself. What stands here is the shortest that can be
written down while a request is under way; it is read when somebody looks.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.types import Scope

from margelle.ports import Clock, NoSiblings, Siblings, understood
from margelle.redaction import redact

MOST: Final = 50
"""So many calls of a face are remembered, and as many that failed."""

LONGEST: Final = 400
"""Bytes of what was said to a call that failed."""

FACE: Final = "margelle.face"
"""Under which the server's record of a request says at which face it arrived."""

_TOPIC: Final = "calls"

_Entry = tuple[datetime, tuple[str, int] | None, str, bytes, int, float, bytes, bytes]


class Call(Struct, frozen=True):
    """A request at a face, without its query; `said` is what was answered where it failed."""

    at: datetime
    address: str
    method: str
    path: str
    status: int
    duration_ms: float
    agent: str
    said: str = ""

    @property
    def failed(self) -> bool:
        """Whether it was refused, or could not be answered."""
        return self.status >= 400


class _Told(Struct, array_like=True):
    """What one process remembers of a face."""

    recent: list[Call]
    failed: Call | None


class Calls:
    """Remembers the last calls of each face; those that the hub's other processes have answered, they tell."""

    def __init__(self, clock: Clock, siblings: Siblings | None = None) -> None:
        self._clock = clock
        self._siblings = siblings or NoSiblings()
        self._siblings.answer(_TOPIC, lambda face: msgspec.msgpack.encode(self._of(face.decode())))
        self._all: defaultdict[str, deque[_Entry]] = defaultdict(lambda: deque(maxlen=MOST))
        self._failed: defaultdict[str, deque[_Entry]] = defaultdict(lambda: deque(maxlen=MOST))

    def note(self, face: str, scope: Scope, status: int, duration_s: float, said: bytes) -> None:
        """Remember a call that was answered."""
        agent = b""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value
                break
        path = scope.get("raw_path") or scope["path"].encode("utf-8", "backslashreplace")
        entry = self._clock(), scope.get("client"), scope["method"], path, status, duration_s, agent, said
        self._all[face].append(entry)
        if status >= 400:
            self._failed[face].append(entry)

    async def recent(self, face: str) -> tuple[list[Call], Call | None]:
        """The last calls, the newest first; and the last one that failed, however many have been answered since."""
        told = await self._siblings.ask(_TOPIC, face.encode())
        all_of_it = [self._of(face), *understood(_TOPIC, told, partial(msgspec.msgpack.decode, type=_Told))]
        recent = sorted((call for one in all_of_it for call in one.recent), key=_instant, reverse=True)
        failed = max((one.failed for one in all_of_it if one.failed is not None), key=_instant, default=None)
        return recent[:MOST], failed

    def _of(self, face: str) -> _Told:
        """What this process itself has answered."""
        failed = self._failed[face]
        return _Told([_call(entry) for entry in reversed(self._all[face])], _call(failed[-1]) if failed else None)


def _instant(call: Call) -> datetime:
    return call.at


def _call(entry: _Entry) -> Call:
    at, client, method, path, status, duration_s, agent, said = entry
    return Call(
        at,
        client[0] if client else "",
        method[:10],
        _plain(path, 200),
        status,
        round(duration_s * 1000, 1),
        _plain(agent, 120),
        _words(said),
    )


def _plain(text: bytes, most: int) -> str:
    """As it was sent, on one line; a token that somebody has put there is masked."""
    return redact(text[: 4 * most].decode("latin-1").encode("unicode_escape").decode())[:most]


def _words(said: bytes) -> str:
    """What a face's error says to people: the texts in its JSON; nothing of a page."""
    text = said.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        return ""
    try:
        told = list(_texts(msgspec.json.decode(said)))
    except msgspec.MsgspecError:
        told = re.findall(r'"[^"]*"\s*:\s*"([^"]+)"', text) or [text]
    return redact(" · ".join(dict.fromkeys(one for one in told if one)))[:LONGEST]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(inner)
