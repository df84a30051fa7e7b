"""What PostgreSQL's errors mean, in words."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from margelle.errors import BadInput, StoreError
from margelle.redaction import redact
from margelle.store.postgres.address import Address

_AGAIN: Final = (
    "Nothing of this was kept. A hub that runs tries again by itself; look at the server and the network if it lasts."
)
_RIGHTS: Final = "Its user must own the database, or at least the schema and all tables in it."
_DAMAGED: Final = (
    "Stop margelle and restore your latest backup, or let somebody who knows PostgreSQL look at the server's log."
)

_HINTS: Final[tuple[tuple[tuple[type[BaseException], ...], str, str], ...]] = (
    ((PoolClosed,), "It is closed", ""),
    ((PoolTimeout,), "No connection has become free", "All are busy: the server is slow, or has too much to do."),
    ((errors.ReadOnlySqlTransaction,), "It cannot be written: it is a standby, or set to be read only", "Nothing of this was kept. Name the primary, or all hosts and target_session_attrs=read-write, in the setting store."),
    ((errors.DiskFull,), "The server's disk is full", "Free some space there. Nothing of this was kept; all that was kept before is there."),
    ((errors.TooManyConnections,), "The server has too many connections", "Raise max_connections there, or run fewer hubs."),
    ((errors.DeadlockDetected, errors.SerializationFailure), "Another connection changed the same at the same time", _AGAIN),
    ((errors.LockNotAvailable, errors.QueryCanceled), "Another program has been writing to it for too long", "Try again once that program is done."),
    ((errors.InsufficientPrivilege,), "Its user may not do that", _RIGHTS),
    ((errors.InvalidCatalogName,), "There is no such database", "Make it: createdb, or CREATE DATABASE."),
    ((errors.DataCorrupted, errors.IndexCorrupted), "It is damaged", _DAMAGED),
    ((errors.IoError,), "The server's disk failed", _DAMAGED),
)  # fmt: skip
"""The first that fits is told."""

_PASSING: Final = (
    PoolTimeout,
    errors.ReadOnlySqlTransaction,
    errors.DiskFull,
    errors.TooManyConnections,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.QueryCanceled,
)
"""After these the same attempt can succeed later."""

UNDONE: Final = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.AdminShutdown,
    errors.IdleInTransactionSessionTimeout,
)
"""After these the server has undone the transaction, even where it was asked to commit it: they come instead of its end, never behind it."""


_ON_NODE: Final = "while executing command on "
"""So Citus says, in English always, that an error is one of a node, and of which."""
_KILLED: Final = "postmaster was shut down"
"""So it says that the server it runs in has been killed."""


class Undone(StoreError):
    """A transaction of which the server keeps nothing for certain: to make it again is safe."""

    retryable = True


def is_lost(error: BaseException) -> bool:
    """Whether a connection is gone with it: shut down, cut, or never made. On a cluster it may be one to a node."""
    if isinstance(error, errors.InternalError_):  # Citus has no other code for it
        return _is_of_node(error) or (error.diag.message_primary or "").startswith(_KILLED)
    if isinstance(
        error,
        errors.AdminShutdown | errors.CrashShutdown | errors.CannotConnectNow | errors.IdleInTransactionSessionTimeout,
    ):
        return True
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate[:2] == "08")


def told(
    error: psycopg.Error | PoolTimeout | PoolClosed | UnicodeEncodeError, address: Address
) -> BadInput | StoreError:
    """The error in our words, with nothing in it that the server was told."""
    if isinstance(error, UnicodeEncodeError):
        return BadInput(f"The text {error.object!a:.60} is not valid Unicode.")
    if isinstance(error, psycopg.DataError) and error.sqlstate is None:  # before anything was sent
        return BadInput("A text holds the character U+0000, which PostgreSQL cannot keep.")
    for kinds, what, hint in _HINTS:
        if isinstance(error, kinds):
            found = StoreError(f"{address.name}: {what}.", hint=hint)
            found.retryable = isinstance(error, _PASSING)
            return found
    if is_lost(error):
        return lost(error, address)
    said = redact(
        str(error.diag.message_primary or error) if isinstance(error, psycopg.Error) else str(error), address.secrets
    )
    return StoreError(
        f"{address.name}: PostgreSQL says: {said}.", hint="This is a fault of margelle: please report it."
    )


def undone(error: psycopg.Error, address: Address) -> Undone:
    """That the server keeps nothing of a transaction."""
    found = told(error, address)
    return Undone(found.what, hint=found.hint)


def unsure(error: BaseException, address: Address) -> StoreError:
    """That the connection was lost while the server was committing."""
    found = StoreError(
        f"{lost(error, address).what} A change was just being kept: whether it was is not known.",
        hint="To make the same change again is safe.",
    )
    found.retryable = True
    return found


def lost(error: BaseException, address: Address) -> StoreError:
    """That there is no connection, and why as far as libpq says."""
    lines = [line.strip() for line in redact(str(error), address.secrets).splitlines() if line.strip()]
    why = lines[0].rstrip(".") if lines else type(error).__name__
    if _is_of_node(error):
        found = StoreError(
            f"{address.name}: A server of the cluster is away: {why}.",
            hint="Look whether it runs. What the others have is answered and kept meanwhile; a hub that runs tries this again by itself.",
        )
    else:
        found = StoreError(
            f"{address.name}: There is no connection to the server: {why}.",
            hint="Look whether it runs, and whether the setting store names its host, port, database, login and password. A hub that runs tries again by itself.",
        )
    found.retryable = True
    return found


def _is_of_node(error: BaseException) -> bool:
    """Whether a server that is there says it of another one."""
    return isinstance(error, psycopg.Error) and (
        (error.sqlstate or "").startswith("08") or _ON_NODE in (error.diag.context or "")
    )
