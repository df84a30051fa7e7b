"""Live updates: one watcher of the store for the whole process, and for each client what it wants, as server-sent events.

The watcher runs while somebody listens. It looks at the store's version, and only when that is another one at the probes that anybody wants.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.errors import StoreError
from margelle.export.row import rows
from margelle.ports import Clock, Reader

LOOK_S: Final = 1.0
"""How often the store's version is looked at."""

BEAT_S: Final = 15.0
"""After how long a silence something is sent, so that nobody between takes the connection for dead."""

REMEMBERED: Final = 10_000
"""So many past events are kept for clients that come back."""

WAITING: Final = 1000
"""So many events may wait for one client; of a slower one, all are dropped, and it is told so."""

_AT_ONCE: Final = WAITING
_NEXT: Final = timedelta(microseconds=1)
RESET: Final = b"event: reset\ndata: {}\n\n"
BEAT: Final = b": beat\n\n"
END: Final = b""
"""What ends a client's stream: the hub does."""
_log: Final = logging.getLogger("margelle.serve")


class _Event(Struct, frozen=True):
    n: int
    key: tuple[str, str]
    told: bytes


class Listener:
    """What one client, of the user `who`, has still to be sent; `wanted` are the probes, each with its site, and the quantities, none for all."""

    def __init__(self, wanted: Mapping[str, str], quantities: frozenset[str] = frozenset(), who: str = "") -> None:
        self.wanted, self.quantities, self.who = wanted, quantities, who
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)

    def takes(self, key: tuple[str, str]) -> bool:
        """Whether the client wants this series."""
        return key[0] in self.wanted and (not self.quantities or key[1] in self.quantities)

    def put(self, told: bytes) -> None:
        """Have something sent."""
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            told = RESET
        self._queue.put_nowait(told)

    async def next(self, wait_s: float) -> bytes:
        """The next thing to send: a heartbeat, where nothing came for so long."""
        try:
            return await asyncio.wait_for(self._queue.get(), wait_s)
        except TimeoutError:
            return BEAT


class Watcher:
    """Tells listeners of measurements that are new or corrected."""

    def __init__(self, reader: Reader, clock: Clock, catalogue: Catalogue, look_s: float = LOOK_S) -> None:
        self._reader, self._clock, self._catalogue, self._look_s = reader, clock, catalogue, look_s
        self._listeners: list[Listener] = []
        self._sites: dict[str, str] = {}
        self._known: dict[str, dict[str, Measurement]] = {}
        self._version: int | None = None
        self._past: deque[_Event] = deque(maxlen=REMEMBERED)
        self._run = secrets.token_hex(4)  # the numbers of another process mean nothing here
        self._n = 0
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def end(self) -> None:
        """Let all clients go, and whoever comes yet: the hub ends, and another process of it will have them."""
        self._ended = True
        for listener in self._listeners:
            listener.put(END)

    def listeners_of(self, who: str) -> int:
        """How many of them are one user's."""
        return sum(listener.who == who for listener in self._listeners)

    @asynccontextmanager
    async def listening(self, listener: Listener, last_id: str = "") -> AsyncIterator[None]:
        """Tell the listener while this lasts; first of all what it missed since `last_id`."""
        await self.look()
        self._sites |= listener.wanted  # before their first value, which a look in between may already tell
        for probe in listener.wanted:
            if probe not in self._known:
                self._known[probe] = await self._reader.latest(probe, self._clock())
        for told in self._missed(listener, last_id):
            listener.put(told)
        self._listeners.append(listener)
        if self._ended:
            listener.put(END)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._listeners.remove(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    def _missed(self, listener: Listener, last_id: str) -> Sequence[bytes]:
        """What was told since then; a reset where nobody knows that any more."""
        run, _, number = last_id.partition("-")
        if not last_id:
            return ()
        oldest = self._past[0].n if self._past else self._n + 1
        if run != self._run or not (number.isascii() and number.isdecimal()) or int(number[:18]) + 1 < oldest:
            return (RESET,)
        return [event.told for event in self._past if event.n > int(number[:18]) and listener.takes(event.key)]

    async def look(self) -> None:
        """Tell what has changed since the last look."""
        version = await self._reader.version()
        if version == self._version:
            return
        self._version = version
        for n, (probe, known) in enumerate(list(self._known.items())):
            self._known[probe] = latest = await self._reader.latest(probe, self._clock())
            for quantity, point in latest.items():
                if known.get(quantity) != point:
                    await self._tell(known.get(quantity), point)
            if n % 100 == 99:
                await asyncio.sleep(0)  # others are served meanwhile

    async def _tell(self, before: Measurement | None, point: Measurement) -> None:
        """All that is newer than what was known, or what that is now."""
        new: Sequence[Measurement] = [point]
        if before is not None and point.at > before.at:
            series = (point.probe, point.quantity)
            new = await self._reader.history(*series, before.at + _NEXT, point.at + _NEXT, _AT_ONCE + 1)
        if len(new) > _AT_ONCE:
            self._n += 1
            self._publish(_Event(self._n, (point.probe, point.quantity), RESET))
            return
        for row in rows(new, self._sites[point.probe], self._catalogue):
            self._n += 1
            told = b"id: %s-%d\nevent: measurement\ndata: %s\n\n" % (
                self._run.encode(),
                self._n,
                msgspec.json.encode(row),
            )
            self._publish(_Event(self._n, (row.probe, row.quantity), told))

    def _publish(self, event: _Event) -> None:
        self._past.append(event)
        for listener in self._listeners:
            if listener.takes(event.key):
                listener.put(event.told)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            try:
                await self.look()
            except StoreError as error:
                _log.warning("live updates wait: %s", error)
