"""One SQLite database: opened safely, read, and written in transactions that are durable when they return."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import apsw
import msgspec

from margelle.errors import BadInput, StoreError
from margelle.store import rules
from margelle.store.sqlite import schema
from margelle.store.sqlite.opening import Fixed, prepare, use_wal

CHECKED_SIZE: Final = 8 * 2**20
"""Databases up to this many bytes are checked whole when they are opened (about 10 ms); a damaged page of others shows when it is read."""

_RESTS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025)
"""How long is rested between attempts to begin while another process writes, as SQLite itself would: the last for ever."""

Bindings = Sequence[Any] | Mapping[str, Any]
_PRAGMAS: Final = {
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "cell_size_check": "ON",
    "trusted_schema": "OFF",
    "cache_size": -16_000,  # kB, at most
    "wal_autocheckpoint": 4000,  # pages: fewer, larger checkpoints write a page that changes often fewer times
}
_Doc = TypeVar("_Doc", bound=msgspec.Struct)
_DAMAGED: Final = "Stop margelle and keep a copy of the file. Restore your latest backup, or recover what can be read: sqlite3 {path} .recover"
_HINTS: Final[tuple[tuple[type[apsw.Error], str, str], ...]] = (
    (
        apsw.FullError,
        "The disk is full",
        "Free some space. Nothing of this was kept; all that was kept before is there.",
    ),
    (
        apsw.ReadOnlyError,
        "It cannot be written",
        "The file and its folder must be writable by the user who runs margelle.",
    ),
    (
        apsw.CantOpenError,
        "It cannot be opened",
        "The file and its folder must be writable by the user who runs margelle.",
    ),
    (
        apsw.PermissionsError,
        "It cannot be opened",
        "The file and its folder must be writable by the user who runs margelle.",
    ),
    (apsw.NotADBError, "It is not an SQLite database, or its beginning is damaged", _DAMAGED),
    (apsw.CorruptError, "It is damaged", _DAMAGED),
    (apsw.BusyError, "Another program has been writing to it for too long", "Try again once that program is done."),
    (apsw.LockedError, "Another program has been writing to it for too long", "Try again once that program is done."),
    (apsw.ConnectionClosedError, "It is closed", ""),
    (apsw.IOError, "The disk failed", "Look at the system's log, and keep a copy of the file before anything else."),
)


class Database:
    """A connection to the SQLite file at `path`, which is created, readable by its owner only, where there is none. Who `only_reads` may open
    one that cannot be written.

    For `busy_timeout_s` it waits for what another process writes, without holding up the event loop. Raises StoreError, and changes nothing,
    where the file is damaged, not ours, of a newer schema, or cannot be written.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0, only_reads: bool = False) -> None:
        self.path = path
        self._fixed = Fixed.at(path) if only_reads else None
        self._patience_s = busy_timeout_s
        self._newest = len(schema.scripts())
        self._seen = -1
        with self._told():
            self.connection = self._connect()
        try:
            with self._told():
                self._open()
        except BaseException:
            self.connection.close()
            raise
        self._watch = self.connection.cursor()
        self._others: int | None = None
        self._unseen = 0  # changes by this connection that are no news
        self._start = secrets.randbits(40)  # so that a version seen before a restart is not met again

    @property
    def is_fixed(self) -> bool:
        """Whether it cannot be written, and is only read."""
        return self._fixed is not None

    def _connect(self) -> apsw.Connection:
        if self._fixed is not None:
            return self._fixed.connect(self._patience_s)
        prepare(self.path)
        return apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)

    def _open(self) -> None:
        connection, migrations = self.connection, schema.scripts()
        self._wait(self._patience_s)
        version = schema.recognise(connection, len(migrations))
        if self.path.stat().st_size <= CHECKED_SIZE:
            self._check()
        if self._fixed is None:
            use_wal(connection, self._patience_s)
        elif version < len(migrations):
            raise self._fixed.outdated(version)
        for pragma, value in _PRAGMAS.items():
            connection.pragma(pragma, value)
        if version < len(migrations):
            connection.execute("BEGIN IMMEDIATE")
            with self._transaction():
                schema.migrate(connection, migrations)

    def _wait(self, seconds: float) -> None:
        """Have SQLite itself wait so long for others, on the event loop: only what nobody takes for long may be waited for so."""
        self.connection.set_busy_timeout(round(seconds * 1000))

    def _check(self) -> None:
        said = self.connection.execute("PRAGMA quick_check(1)").get
        if said != "ok":
            raise apsw.CorruptError(said)

    def check(self) -> None:
        """Read the whole file. Raises StoreError where it is damaged."""
        with self._told():
            self._check()

    async def compact(self) -> None:
        """Write the file anew without the pages that are free, and put the log into it. Others may write as soon as the first is done."""
        with self._told():
            self.connection.execute("VACUUM")
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            await self._patiently(self._empty_log)  # which would keep others from writing for as long as somebody reads

    def _empty_log(self) -> None:
        self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def close(self) -> None:
        """Let go of the file; the last one to do so folds the write-ahead log into it.

        Raises StoreError where it could only be read, and somebody else has written.
        """
        with self._told():
            self.connection.close()
        if self._fixed is not None:
            self._fixed.demand_unchanged()

    def version(self) -> int:
        """Grows when anything was stored, by this connection (total_changes) or by any other (data_version).

        Others are looked at once in a turn of the event loop: all who ask in that turn see the same, without four system calls each. What
        is no `news` does not count here; others cannot tell, and count it.
        """
        others = self._others if self._others is not None else self._look()
        return self._start + others + self.connection.total_changes() - self._unseen

    def _look(self) -> int:
        others = self.others()
        with suppress(RuntimeError):  # no loop, no turn
            asyncio.get_running_loop().call_soon(self._look_again)
            self._others = others
        return others

    def _look_again(self) -> None:
        self._others = None

    def read(self, sql: str, args: Bindings = ()) -> list[tuple[Any, ...]]:
        """All rows that `sql` selects."""
        try:
            return self.connection.execute(sql, args).fetchall()
        except (apsw.Error, UnicodeEncodeError) as error:
            raise self._error(error) from None

    def stream(self, sql: str, args: Bindings = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that `sql` selects, one after another: who stops early reads no more than they need."""
        with self._told():
            yield from self.connection.execute(sql, args)

    def docs(self, kind: type[_Doc], sql: str, args: Bindings = ()) -> list[_Doc]:
        """The documents in the first column of what `sql` selects."""
        return [self.decoded(kind, row[0]) for row in self.read(sql, args)]

    def doc(self, kind: type[_Doc], sql: str, args: Bindings = ()) -> _Doc | None:
        """The first of `docs`, or None."""
        found = self.docs(kind, sql, args)
        return found[0] if found else None

    def decoded(self, kind: type[_Doc], doc: str) -> _Doc:
        """The document, which we have written ourselves: what cannot be read is damage."""
        try:
            found: _Doc = _decoder(kind).decode(doc)
        except msgspec.MsgspecError as error:
            raise self._error(apsw.CorruptError(str(error))) from None
        return found

    def damaged(self, what: object) -> StoreError:
        """The error for something in the file that is not as we have written it."""
        return cast("StoreError", self._error(apsw.CorruptError(str(what))))

    def others(self) -> int:
        """Another number after another connection has stored something. Within a transaction it cannot change.

        Raises Outdated where that was a newer schema.
        """
        with self._told():
            found: int = self._watch.execute("PRAGMA data_version").get
            if found != self._seen:
                self._demand_known()
                self._seen = found
        return found

    def _demand_known(self) -> None:
        """Raises Outdated where the schema is newer than this process knows."""
        version = self.connection.execute("PRAGMA user_version").get
        if version > self._newest:
            raise rules.outdated(str(self.path), version, self._newest)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Several reads that see the same, whatever others store meanwhile."""
        if self.connection.in_transaction:
            yield
            return
        with self._told():
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    async def writing(self, *, news: bool = True) -> AbstractContextManager[apsw.Connection]:
        """Begin a transaction, which is to be entered: on disk when it is left normally, undone when it is left by an exception. What it changes is `news` to who asks for the version.

        To begin may take a while, in which others have their turn; what has begun must wait for nothing, since they share the connection.
        Raises StoreError where another process writes for longer than `busy_timeout_s`, and Outdated when it is entered.
        """
        try:
            await self._patiently(self._begin)
        except apsw.Error as error:
            raise self._error(error) from None
        return self._transaction(news=news)

    def _begin(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    async def _patiently(self, act: Callable[[], None]) -> None:
        """Do what others may keep us from doing, as soon as they do not. Raises BusyError where they do for too long."""
        if self._has_done(act):
            return
        give_up = time.monotonic() + self._patience_s
        for rest_s in chain(_RESTS_S, repeat(_RESTS_S[-1])):
            await asyncio.sleep(rest_s)
            if self._has_done(act, at_last=time.monotonic() > give_up):
                return

    def _has_done(self, act: Callable[[], None], *, at_last: bool = False) -> bool:
        """Whether nobody else keeps us from it now. Raises BusyError where somebody does `at_last`."""
        self._wait(0)
        try:
            act()
        except apsw.BusyError:
            if at_last:
                raise
            return False
        finally:
            self._wait(self._patience_s)
        return True

    @contextmanager
    def _transaction(self, *, news: bool = True) -> Iterator[apsw.Connection]:
        """What has begun; kept in the end, or undone."""
        with self._told():
            changes = self.connection.total_changes()
            try:
                self._demand_known()  # nobody can change it now until this ends
                yield self.connection
                self.connection.execute("COMMIT")
            finally:
                if self.connection.in_transaction:  # SQLite itself may have undone it
                    self.connection.execute("ROLLBACK")
                if not news:
                    self._unseen += self.connection.total_changes() - changes

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, UnicodeEncodeError) as error:
            raise self._error(error) from None

    def _error(self, error: apsw.Error | UnicodeEncodeError) -> BadInput | StoreError:
        if isinstance(error, UnicodeEncodeError):
            return BadInput(f"The text {error.object!a:.60} is not valid Unicode.")
        if getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:  # no room for the index of the log
            error = apsw.FullError(str(error))
        for kind, what, hint in _HINTS:
            if isinstance(error, kind):
                told = StoreError(f"{self.path}: {what}.", hint=hint.format(path=self.path))
                told.retryable = isinstance(error, apsw.BusyError | apsw.LockedError | apsw.FullError)
                return told
        return StoreError(f"{self.path}: SQLite says: {error}.", hint="This is a fault of margelle: please report it.")


@cache
def _decoder(kind: type[_Doc]) -> msgspec.json.Decoder[_Doc]:
    return msgspec.json.Decoder(kind)
