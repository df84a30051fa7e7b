"""A folder that only one process may use at a time; the system lets go of it however that process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from margelle.errors import Conflict, StoreError


@contextmanager
def held(path: Path, what: str, hint: str) -> Iterator[None]:
    """Hold the lock file `path` while inside. Raises Conflict (`what` is going on already, `hint`), StoreError where it cannot be made."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreError(f"{path.parent} is no folder.", hint="Choose another one.") from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose a folder that is yours."
        ) from error
    try:
        _take(number, what, hint)
        yield
    finally:
        os.close(number)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock file `path`."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(number)


def _take(number: int, what: str, hint: str) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(number, 20).decode(errors="replace").strip()
        raise Conflict(f"{what} (process {holder}).", hint=hint) from None
    os.ftruncate(number, 0)
    os.write(number, f"{os.getpid()}\n".encode())
