"""Asking PostgreSQL: of one connection in a transaction, or of any."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import QueryNoTemplate as Query
from psycopg.rows import TupleRow

from margelle.domain.series import DayStatistics
from margelle.errors import StoreError
from margelle.store.chunk import Column
from margelle.store.postgres.failure import Undone
from margelle.store.remembered import Remembered

Bindings = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]
_Doc = TypeVar("_Doc", bound=msgspec.Struct)
THINGS: Final = 0x4D617267
"""The first half of the advisory locks of things with names: "Marg"."""
FIRSTS: Final = THINGS + 1
"""The same of those that stand for probes of which nothing is kept yet: no number of theirs is an account's, which is locked in another order."""
_BUCKETS: Final = 512
"""So many locks at most, whatever one transaction touches: the server has room for some thousands."""
_LOCK: Final = "SELECT pg_advisory_xact_lock(%s, bucket) FROM unnest(%s::int[]) bucket"


_OPTIONAL: Final = re.compile(r"\(\s*%\((\w+)\)s::[\w\[\]]+ IS NULL OR ")


def narrowed(sql: Query, args: Bindings) -> Query:
    """The statement without the conditions that do not count for these values: `(%(x)s::text IS NULL OR x = %(x)s)` is true where x is None, else its second half.

    A plan that is made for all values could use no index for them.
    """
    if isinstance(sql, str) and isinstance(args, Mapping) and " IS NULL OR " in sql:
        return _narrowed(sql, frozenset(name for name, value in args.items() if value is None))
    return sql


@lru_cache(256)
def _narrowed(sql: str, missing: frozenset[str]) -> str:
    found = _OPTIONAL.search(sql)
    if found is None:
        return sql
    depth, end = 1, found.end()
    while depth:
        depth += {"(": 1, ")": -1}.get(sql[end], 0)
        end += 1
    kept = "TRUE" if found[1] in missing else f"({sql[found.end() : end - 1]})"
    return _narrowed(f"{sql[: found.start()]}{kept}{sql[end:]}", missing)


class Asking:
    """What both can be asked."""

    name: str
    """Of the database, for messages."""
    remembered: Remembered[Column]
    """Of its chunks, what was decoded."""
    days: Remembered[list[DayStatistics]]
    """The days of its years, and of its chunks that still grow."""

    @abstractmethod
    async def read(self, sql: Query, args: Bindings = ()) -> list[Row]:
        """All rows that `sql` selects or returns."""

    async def docs(self, kind: type[_Doc], sql: Query, args: Bindings = ()) -> list[_Doc]:
        """The documents in the first column of what `sql` selects."""
        return [self.decoded(kind, row[0]) for row in await self.read(sql, args)]

    async def doc(self, kind: type[_Doc], sql: Query, args: Bindings = ()) -> _Doc | None:
        """The first of `docs`, or None."""
        found = await self.docs(kind, sql, args)
        return found[0] if found else None

    def decoded(self, kind: type[_Doc], doc: str) -> _Doc:
        """The document, which we have written ourselves: what cannot be read is damage."""
        try:
            found: _Doc = _decoder(kind).decode(doc)
        except msgspec.MsgspecError as error:
            raise StoreError(f"{self.name}: It is damaged: {error}.", hint="Restore your latest backup.") from None
        return found


class Transaction(Asking):
    """One transaction, on the connection that it has for itself."""

    def __init__(self, connection: AsyncConnection[TupleRow], of: Asking, *, is_spread: bool) -> None:
        self.connection = connection
        self.name, self.remembered, self.days = of.name, of.remembered, of.days
        self.is_spread = is_spread
        """Whether the tables are on a cluster."""
        self.changes = False
        """Whether anything was changed by it."""
        self._demanded: list[tuple[AsyncCursor[TupleRow], int]] = []

    async def read(self, sql: Query, args: Bindings = ()) -> list[Row]:
        cursor = await self.connection.execute(narrowed(sql, args), args, binary=True)
        return await cursor.fetchall()

    async def change(self, sql: Query, args: Bindings = ()) -> list[Row]:
        """All rows that `sql`, which changes something, returns."""
        rows = await self.read(sql, args)
        self.changes = self.changes or bool(rows)
        return rows

    async def run(self, sql: Query, args: Bindings = ()) -> int:
        """How many rows `sql` has changed."""
        count = (await self.connection.execute(narrowed(sql, args), args)).rowcount
        self.changes = self.changes or count > 0
        return count

    async def demand(self, sql: Query, args: Bindings, count: int) -> None:
        """Run `sql`, which is to change so many rows: else the transaction is undone, at the latest where what is sent `together` ends."""
        self.changes = True
        self._demanded.append((await self.connection.execute(sql, args), count))

    @asynccontextmanager
    async def together(self, *, at_once: bool) -> AsyncIterator[None]:
        """Whatever is run within is sent `at_once`; nothing may be copied then. Raises Undone where something was demanded and is not so."""
        async with self.connection.pipeline() if at_once else nullcontext():
            yield
        if any(cursor.rowcount != count for cursor, count in self._demanded):
            raise Undone(f"{self.name}: Another connection keeps measurements of the same probe at the same time.")

    async def read_each(self, sql: Query, rows: Sequence[Bindings]) -> list[Row]:
        """All rows that `sql` returns for each of `rows`, all sent at once."""
        async with self.connection.pipeline():
            cursors = [await self.connection.execute(sql, args, binary=True) for args in rows]
        return [row for cursor in cursors for row in await cursor.fetchall()]

    async def run_each(self, sql: Query, rows: Sequence[Bindings]) -> None:
        """Run `sql` for each of `rows`, all sent at once."""
        if rows:
            self.changes = True
            async with self.connection.cursor() as cursor:
                await cursor.executemany(sql, rows)

    async def copy(self, sql: Query, types: Sequence[str], rows: Iterable[Row]) -> None:
        """Send `rows`, whose columns are of these types, in binary form."""
        async with self.connection.cursor() as cursor, cursor.copy(sql) as copy:
            copy.set_types(types)
            for row in rows:
                await copy.write_row(row)

    async def lock(self, *names: str, kind: int = THINGS) -> None:
        """Wait until no other transaction has locked one of these things, and keep all others out until this one ends.

        A transaction locks all things of a kind at once, by number: so nobody waits in a circle.
        """
        buckets = {
            int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=2).digest()) % _BUCKETS
            for name in names
        }
        await self.read(_LOCK, (kind, sorted(buckets)))


@cache
def _decoder(kind: type[_Doc]) -> msgspec.json.Decoder[_Doc]:
    return msgspec.json.Decoder(kind)
