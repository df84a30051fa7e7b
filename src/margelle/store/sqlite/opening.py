"""Opening a file of SQLite: to write it, or only to read one that cannot be written here."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import apsw

from margelle.errors import StoreError


class Fixed:
    """The file at `path`, which this process cannot write: the file, its folder or the whole file system is read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._logs = tuple(path.with_name(f"{path.name}-{kind}") for kind in ("wal", "journal"))
        self._before: tuple[object, ...] | None = None

    @classmethod
    def at(cls, path: Path) -> Fixed | None:
        """The file, where it is one that cannot be written. What a link leads to is meant: beside that one lies its log."""
        path = path.resolve()
        own = os.access in os.supports_effective_ids
        is_open = all(os.access(one, os.W_OK, effective_ids=own) for one in (path, path.parent))
        return cls(path) if path.is_file() and not is_open else None

    def connect(self, patience_s: float) -> apsw.Connection:
        """A connection that only reads. Raises StoreError where some of what is kept may be in a log that cannot be read here, apsw.Error else.

        Where there is a log, SQLite reads it and minds who writes, for whom it waits. Where there is none, nobody has the file open, and
        nothing can be made beside it: it is read as it is.
        """
        connection = self._beside_a_log(patience_s) if any(_size(log) is not None for log in self._logs) else None
        if connection is None:
            self._before = self._now()
            connection = self._open("mode=ro&immutable=1")
        return connection

    def demand_unchanged(self) -> None:
        """Raises StoreError where somebody has written meanwhile, which could not be minded."""
        if self._before is not None and self._now() != self._before:
            raise StoreError(
                f"{self.path}: Somebody has written to it while it was read, so what was read may be wrong.",
                hint="Do it again, where no hub writes to it or in a folder that can be written.",
            )

    def outdated(self, version: int) -> StoreError:
        """The error for an earlier schema, which is brought up to date where that can be written, or for nothing at all."""
        if not _size(self.path):
            return StoreError(
                f"{self.path}: This file is empty.", hint="Name the one in which a hub keeps its measurements."
            )
        return StoreError(
            f"{self.path}: This database has schema {version}, of an earlier margelle, and cannot be written here.",
            hint="Copy it, with the files beside it, to a folder that can be written, and name that one.",
        )

    def _beside_a_log(self, patience_s: float) -> apsw.Connection | None:
        """A connection that reads the log too; None where there is nothing in it."""
        connection = self._open("mode=ro")
        connection.set_busy_timeout(round(patience_s * 1000))
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            connection.close()
            log = next((each for each in self._logs if _size(each)), None)
            if log is None:
                return None
            raise StoreError(
                f"{self.path}: What was stored last is in {log.name} beside it, which can only be read where the folder can be written.",
                hint=f"Copy both {self.path.name} and {log.name} to a folder that can be written, and name that one.",
            ) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, how: str) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return apsw.Connection(f"{self.path.absolute().as_uri()}?{how}", flags=flags)

    def _now(self) -> tuple[object, ...]:
        seen = self.path.stat()
        return seen.st_ino, seen.st_size, seen.st_mtime_ns, *(_size(log) for log in self._logs)


def _size(path: Path) -> int | None:
    """How many bytes a file has, None where there is none: one that is there may be gone when it is looked at."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return None


def prepare(path: Path) -> None:
    """Make the file and its folder, for their owner only, where they do not exist."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"{path}: It cannot be opened: {error.strerror}.",
            hint="The file and its folder must be writable by the user who runs margelle.",
        ) from None


def use_wal(connection: apsw.Connection, patience_s: float) -> None:
    """Switch to write-ahead logging, for which SQLite itself does not wait while another process does the same."""
    give_up = time.monotonic() + patience_s
    while True:
        try:
            connection.pragma("journal_mode", "WAL")
        except apsw.BusyError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
