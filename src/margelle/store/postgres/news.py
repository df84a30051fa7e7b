"""Whether anything was stored: this process's own count, and what the others tell by NOTIFY."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Literal

import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.rows import TupleRow

from margelle.errors import Outdated, StoreError
from margelle.store import rules
from margelle.store.postgres import failure
from margelle.store.postgres.address import Address

_log = logging.getLogger(__name__)

CHANNEL: Final = "margelle"
UPGRADED: Final = "schema"
LOOK_S: Final = 5.0
"""So often it is looked whether anything was committed at all: one who was killed between keeping and telling is noticed then."""
ANSWER_S: Final = 20.0
"""A server that does not answer for so long is taken for lost."""
AGAIN_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
"""How long it is waited between attempts to connect again; the last for ever."""
_LISTEN: Final = sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL))
_COMMITTED: Final = "SELECT pg_current_snapshot()::text, version FROM margelle"
_TELL: Final = "SELECT pg_notify(%s, %s)"

Connection = AsyncConnection[TupleRow]
Kind = Literal["points", "any"]
"""What was stored: measurements alone, or perhaps anything."""


class News:
    """Listens on a connection of its own, for as long as the store is open, and comes back by itself when that is lost.

    `connect` makes a connection or raises StoreError; `returned` is told when there is one again. `newest` is the last schema that is known.
    """

    def __init__(
        self,
        address: Address,
        connect: Callable[[], Awaitable[Connection]],
        returned: Callable[[], Awaitable[None]],
        newest: int,
    ) -> None:
        self.count = secrets.randbits(40)  # so that a version seen before a restart is not met again
        self.others = self.count
        """The same, but for measurements."""
        self.trouble: StoreError | None = None
        """Why there is no connection now."""
        self._outdated: Outdated | None = None
        self._address, self._connect, self._returned, self._newest = address, connect, returned, newest
        self._name = secrets.token_hex(8)
        self._up = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def start(self, connection: Connection) -> None:
        """Begin to listen on `connection`."""
        await _listen(connection)
        self._up.set()
        self._keeping = asyncio.create_task(self._keep(connection))

    async def stop(self) -> None:
        """Hang up."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])

    @property
    def hears(self) -> bool:
        """Whether there is a connection, and the schema is known."""
        return self._outdated is None and self._up.is_set()

    async def wait(self, patience_s: float) -> None:
        """Until there is a connection. Raises the StoreError of why there is none after `patience_s`, Outdated where there never will be one."""
        if self._outdated is not None:
            raise self._outdated
        if self._up.is_set():
            return
        try:
            async with asyncio.timeout(patience_s):
                await self._up.wait()
        except TimeoutError:
            raise self.trouble or failure.lost(TimeoutError(), self._address) from None

    def happened(self, kind: Kind) -> None:
        """Something was stored."""
        self.count += 1
        self.others += kind != "points"

    def told(self, kind: Kind) -> tuple[str, tuple[str, str]]:
        """The statement that tells the others that something was stored."""
        return _TELL, (CHANNEL, f"{self._name} {kind}")

    async def tell_upgraded(self, connection: Connection) -> None:
        """Tell the others that the schema was changed: they look at once."""
        await connection.execute(_TELL, (CHANNEL, UPGRADED))

    async def _keep(self, connection: Connection) -> None:
        while True:
            try:
                async with connection:
                    await self._follow(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                self.trouble = failure.lost(error, self._address)
                _log.warning("%s", self.trouble)
            self._up.clear()
            connection = await self._connected()
            self.happened("any")  # whatever was told meanwhile was missed
            self._up.set()
            await self._returned()

    async def _connected(self) -> Connection:
        waits = iter(AGAIN_S)
        while True:
            try:
                connection = await self._connect()
                await _listen(connection)
            except (StoreError, psycopg.Error) as error:
                self.trouble = error if isinstance(error, StoreError) else failure.lost(error, self._address)
            else:
                self.trouble = None
                return connection
            await asyncio.sleep(next(waits, AGAIN_S[-1]))

    async def _follow(self, connection: Connection) -> None:
        seen = await self._committed(connection)
        while True:
            async for note in connection.notifies(timeout=LOOK_S):
                name, _, kind = note.payload.partition(" ")
                if name != self._name:
                    self.happened("points" if kind == "points" else "any")
                if note.payload == UPGRADED:
                    break
            committed = await self._committed(connection)
            if committed != seen:  # among what was told may have been what nobody could tell of any more
                self.happened("any")
            seen = committed

    async def _committed(self, connection: Connection) -> str:
        """What changes with every transaction that begins or ends; with it, it is looked whether the schema is still known."""
        async with asyncio.timeout(ANSWER_S):
            cursor = await connection.execute(_COMMITTED)
            committed, version = await cursor.fetchone() or ("", 0)
        if version > self._newest:
            self._outdated = rules.outdated(self._address.name, version, self._newest)
        return str(committed)


async def _listen(connection: Connection) -> None:
    with suppress(
        errors.ReadOnlySqlTransaction, errors.FeatureNotSupported
    ):  # a standby tells nothing: it is looked at
        await connection.execute(_LISTEN)
