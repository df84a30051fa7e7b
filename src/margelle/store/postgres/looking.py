"""One PostgreSQL database as it was at one moment, for who reads all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

import msgspec

from margelle.store.layout import stretch as stretches
from margelle.store.layout.answers import ALWAYS
from margelle.store.layout.stretch import Past, Stretch
from margelle.store.layout.tables import Tables
from margelle.store.postgres import probes
from margelle.store.postgres.asking import Asking
from margelle.store.postgres.kept import Kept
from margelle.store.row import Row

_PAST: Final = """
SELECT quantity, replaced_at, at, point FROM revision WHERE probe = %s AND quantity = ANY(%s) AND at >= %s AND at < %s ORDER BY id
"""
_ROW: Final = msgspec.msgpack.Decoder(Row)
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Look:
    """Reads within one transaction. Of a probe it keeps what it read of the head, and forgets the points from one question to the next."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._kept: Kept | None = None

    async def ask(
        self, question: Callable[Concatenate[Tables, str, _P], _T], probe: str, *args: _P.args, **more: _P.kwargs
    ) -> _T:
        """What `question` answers from the tables of a probe."""
        kept = await self._of(probe)
        _, said = await probes.worked(self._asking, [kept], lambda image: question(image, probe, *args, **more))
        return said[probe]

    async def stretch(self, probe: str, since_us: int) -> Stretch:
        """What is kept of a probe from an instant on."""
        rows, until_us = await self.ask(stretches.read, probe, since_us)
        return Stretch(rows, await self._past(await self._of(probe), since_us, until_us), until_us)

    async def _past(self, kept: Kept, since_us: int, until_us: int | None) -> list[Past]:
        """What was replaced of the points with since <= at < until, oldest first."""
        wanted = (kept.probe, [*kept.newest], since_us, ALWAYS[1] if until_us is None else until_us)
        found = await self._asking.read(_PAST, wanted)
        rows = ((quantity, replaced_us, at_us, _ROW.decode(point)) for quantity, replaced_us, at_us, point in found)
        return [(quantity, replaced_us, (at_us, *row[1:])) for quantity, replaced_us, at_us, row in rows]

    async def _of(self, probe: str) -> Kept:
        if self._kept is None or self._kept.probe != probe:
            self._kept = (await probes.heads(self._asking, [probe]))[probe]
            await probes.fill(self._asking, {probe: self._kept})
        self._kept.chunks.clear()
        self._kept.years.clear()
        self._kept.asked.clear()
        return self._kept
