"""One PostgreSQL database: a pool of connections, reads, and transactions that are durable when they are left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypedDict, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import QueryNoTemplate as Query
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from margelle.errors import StoreError
from margelle.store import rules
from margelle.store.postgres import cluster, failure, schema
from margelle.store.postgres.address import Address
from margelle.store.postgres.asking import Asking, Bindings, Row, Transaction, narrowed
from margelle.store.postgres.news import Kind, News
from margelle.store.remembered import DAYS, REMEMBERED, Remembered

CONNECTIONS: Final = 8
"""The most that one process has, besides the one that listens."""
TRIES: Final = 4
"""How often a transaction is made that the server undoes."""
_BLINK_S: Final = 1.0
"""A connection that listens is soon there again where only that one was lost."""
_ABANDONED_MS: Final = 60_000
"""The server undoes what a process that hangs has begun."""
_CONFIGURE: Final = """
SELECT set_config('lock_timeout', %s, false), set_config('idle_in_transaction_session_timeout', %s, false),
    CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT version FROM margelle"
"""Who has asked holds the table until the end: the schema does not change meanwhile."""
_LOOK: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_Connection = AsyncConnection[TupleRow]
_P = ParamSpec("_P")


class _How(TypedDict, total=False):
    """How psycopg executes a statement."""

    prepare: bool
    binary: bool


_T = TypeVar("_T")


class Database(Asking):
    """The database at `address`, opened at the first use: then the schema is brought up to date.

    A connection is waited for `patience_s`, and so is a lock that somebody else has. Raises StoreError; what is `retryable` was a
    connection, a lock or a server that may come back, which then is used without opening anything again.
    """

    def __init__(self, address: Address, *, patience_s: float = 5.0, connections: int = CONNECTIONS) -> None:
        self.name = address.name
        self.remembered, self.days = Remembered(REMEMBERED), Remembered(DAYS)
        self._address = address
        self._patience_s = patience_s
        self._connections = connections
        self._pool: AsyncConnectionPool[_Connection] | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._manner = cluster.ALONE
        self._newest = len(schema.scripts())
        self._news = News(address, self._connect, self._returned, self._newest)
        self._telling: asyncio.Task[None] | None = None
        self._untold: Kind | None = None

    async def version(self, *, but_points: bool = False) -> int:
        """Another number after anything was stored, `but_points`: by this process at once, by another as soon as that has told so.

        Raises StoreError soon where there is no connection.
        """
        if self._pool is None or self._closed:
            await self._open()
        await self._news.wait(min(self._patience_s, _BLINK_S))
        return self._news.others if but_points else self._news.count

    def version_at_once(self) -> int | None:
        """The same but for measurements too, where there is a connection that hears of others; else None."""
        return self._news.count if self._pool is not None and not self._closed and self._news.hears else None

    async def read(self, sql: Query, args: Bindings = ()) -> list[Row]:
        with self.told():
            connection, cursor = await self._first(narrowed(sql, args), args)
            try:
                return await cursor.fetchall()
            finally:
                await self._give_back(connection)

    @asynccontextmanager
    async def writing(self, *, news: Kind | None = "any") -> AsyncIterator[Transaction]:
        """A transaction: on disk when it is left normally, undone when it is left by an exception. What it changes is `news` of this kind.

        Raises Undone where the server keeps nothing of it and it may be made again, Outdated where it is of a newer margelle now.
        """
        committing = False
        with self.told():
            connection, begun = await self._first(_BEGIN, at_once=True)
            transaction = self._transaction(connection)
            try:
                async with connection:  # left by an exception, it is undone
                    await self._demand_known(begun)
                    if self._manner.within:
                        await connection.execute(self._manner.within)
                    yield transaction
                    committing = True
                    await connection.execute(self._manner.commit if transaction.changes else "COMMIT")
            except psycopg.Error as error:
                raise self._broken(error, committing=committing) from None
            finally:
                await self._give_back(connection)
                if committing and transaction.changes and news is not None:
                    self._tell(news)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Asking]:
        """Several reads that see the same."""
        with self.told():
            connection, _ = await self._first(_LOOK)
            try:
                async with connection:
                    yield self._transaction(connection)
                    await connection.execute("COMMIT")
            finally:
                await self._give_back(connection)

    def _transaction(self, connection: _Connection) -> Transaction:
        return Transaction(connection, self, is_spread=self._manner is not cluster.ALONE)

    async def _demand_known(self, begun: AsyncCursor[TupleRow]) -> None:
        """Raises Outdated where the schema is newer than this process knows."""
        begun.nextset()
        version = next(iter(await begun.fetchone() or ()), 0)
        if version > self._newest:
            raise rules.outdated(self.name, version, self._newest)

    def _broken(self, error: psycopg.Error, *, committing: bool) -> Exception:
        """What a transaction's end by `error` means."""
        if isinstance(error, failure.UNDONE) or (failure.is_lost(error) and not committing):
            return failure.undone(error, self._address)
        return failure.unsure(error, self._address) if failure.is_lost(error) else error

    async def close(self) -> None:
        """Let go of the database, once the others have been told of what was kept."""
        self._closed = True
        if self._telling is not None:
            await asyncio.wait([self._telling])
        await self._news.stop()
        if self._pool is not None:
            await self._pool.close()

    # --- connections

    async def _open(self) -> AsyncConnectionPool[_Connection]:
        if self._closed:
            raise StoreError(f"{self.name}: It is closed.")
        async with self._opening:
            if self._pool is None:
                self._pool = await self._opened()
        return self._pool

    async def _opened(self) -> AsyncConnectionPool[_Connection]:
        connection = await self._connect()
        try:
            with self.told():
                if await schema.migrate(connection, schema.scripts(), self.name):
                    await self._news.tell_upgraded(connection)  # an older margelle that runs is to end
                if await cluster.is_spread(connection):
                    self._manner = cluster.together(self._patience_ms)
                await self._news.start(connection)
        except BaseException:
            await connection.close()
            raise
        pool = AsyncConnectionPool(
            self._address.conninfo,
            kwargs={"autocommit": True},
            connection_class=AsyncConnection[TupleRow],
            configure=self._configure,
            min_size=0,
            max_size=self._connections,
            timeout=self._patience_s,
            reconnect_timeout=1.0,
            open=False,
        )
        await pool.open()
        return pool

    async def _connect(self) -> _Connection:
        try:
            connection = await AsyncConnection.connect(self._address.conninfo, autocommit=True)
        except psycopg.Error as error:
            raise failure.lost(error, self._address) from None
        return connection

    async def _configure(self, connection: _Connection) -> None:
        await connection.execute(_CONFIGURE, (f"{self._patience_ms}", f"{_ABANDONED_MS}"))
        await connection.execute(self._manner.settings)

    @property
    def _patience_ms(self) -> int:
        return round(self._patience_s * 1000)

    async def _returned(self) -> None:
        """The connections from before the server went away are of no use."""
        if self._pool is not None:
            await self._pool.drain()

    async def _first(
        self, sql: Query, args: Bindings = (), *, at_once: bool = False
    ) -> tuple[_Connection, AsyncCursor[TupleRow]]:
        """A connection with `sql` executed on it: another one where one turns out to be lost, since nothing has happened yet.

        Several statements without parameters are sent `at_once`.
        """
        how: _How = {"prepare": False} if at_once else {"binary": True}
        pool = self._pool or await self._open()
        give_up = asyncio.get_running_loop().time() + self._patience_s
        while True:
            await self._news.wait(self._patience_s)
            connection = await pool.getconn()
            try:
                return connection, await connection.execute(sql, args, **how)
            except BaseException as error:
                is_other = not connection.closed  # of a cluster's other servers, one is away
                await pool.putconn(connection)
                if is_other or not failure.is_lost(error) or asyncio.get_running_loop().time() > give_up:
                    raise

    async def _give_back(self, connection: _Connection) -> None:
        if self._pool is not None:
            await self._pool.putconn(connection)

    # --- telling the others

    def _tell(self, kind: Kind) -> None:
        """Count it, and tell the others soon: one message for all that is kept while the last one is under way."""
        self._news.happened(kind)
        self._untold = kind if self._untold in {None, kind} else "any"
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        while self._untold is not None:
            kind, self._untold = self._untold, None
            with suppress(StoreError, psycopg.Error):  # they find out by themselves, a little later
                connection, _ = await self._first(*self._news.told(kind))
                await self._give_back(connection)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Whatever goes wrong within is raised in our words."""
        try:
            yield
        except (psycopg.Error, PoolTimeout, PoolClosed, UnicodeEncodeError) as error:
            if isinstance(error, PoolTimeout) and self._news.trouble is not None:
                raise self._news.trouble from None
            raise failure.told(error, self._address) from None


class Kept(Protocol):
    """A part of the store, over its database."""

    _db: Database


_Part = TypeVar("_Part", bound=Kept)


def retried(
    method: Callable[Concatenate[_Part, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate[_Part, _P], Coroutine[Any, Any, _T]]:
    """`method`, made again where its transaction was undone: by a deadlock, or by a server that went away before the commit."""

    @wraps(method)
    async def again(part: _Part, /, *args: _P.args, **more: _P.kwargs) -> _T:
        with part._db.told():
            for _ in range(TRIES - 1):
                with suppress(failure.Undone):
                    return await method(part, *args, **more)
            return await method(part, *args, **more)

    return again
