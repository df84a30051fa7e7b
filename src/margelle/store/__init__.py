"""Where measurements are kept, behind the ports Reader and Writer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from margelle.errors import ConfigError, StoreError
from margelle.ports import Store
from margelle.redaction import redact
from margelle.store.memory import MemoryStore
from margelle.store.vault import Vault

if TYPE_CHECKING:
    from margelle.store.copying import Copyable

__all__ = ["distribute", "file_of", "open_copyable", "open_store"]

_POSTGRES: Final = ("postgresql", "postgres")


def open_store(url: str, vault: Vault, *, only_reads: bool = False) -> Store:
    """The store at `url`: `memory:`, a path, `sqlite:///` and a path (`sqlite:////var/lib/margelle.sqlite` where it is absolute), or
    `postgresql://login:password@host:port/database`.

    An SQLite file that does not exist yet is created; one that cannot be written is opened for who `only_reads`, if nothing of it would be
    missed. Raises StoreError where there is something else or it cannot be used (of PostgreSQL,
    that shows at the first use), ConfigError for a kind of store that we do not know or that is not installed.
    """
    return MemoryStore() if url == "memory:" else open_copyable(url, vault, only_reads=only_reads)


def open_copyable(url: str, vault: Vault, *, new: bool = True, only_reads: bool = False) -> Copyable:
    """The database at `url`, which is not in memory. An SQLite file must exist already unless it may be `new`. Raises as `open_store` does."""
    if _is_postgres(url):
        return _postgres(url, vault)
    file = file_of(url)
    if file is None:
        raise ConfigError(
            "What is in memory only cannot be copied.", hint="Name a path, sqlite:/// and a path, or postgresql://."
        )
    from margelle.store.sqlite import SqliteStore  # noqa: PLC0415

    if not new and not file.is_file():
        raise StoreError(f"{file}: There is no such file.")
    return SqliteStore(file, vault, only_reads=only_reads)


def file_of(url: str) -> Path | None:
    """The file of the store at `url`; None where it has none on this machine. Raises ConfigError for a kind of store that we do not know."""
    if url == "memory:" or _is_postgres(url):
        return None
    scheme, colon, path = url.partition("://")
    if not colon:
        scheme, path = "sqlite", f"/{url}"
    if scheme != "sqlite" or not path.startswith("/") or len(path) < 2:
        raise ConfigError(
            f"There is no store {redact(url)!r}.",
            hint="It is a path, sqlite:/// and a path, postgresql://, or memory:.",
        )
    return Path(path[1:]).expanduser()


async def distribute(url: str) -> AsyncIterator[tuple[str, str | None]]:
    """Spread the tables of the database at `url` over its cluster's nodes: each table that is done, and the column by which (None: it is whole
    on every node). Interrupted, it goes on where it was.

    Raises StoreError where that cannot be, Conflict where it is not the time or is done, ConfigError where there is no PostgreSQL database.
    """
    if not _is_postgres(url):
        raise ConfigError("Only a PostgreSQL database can be spread over several servers.", hint="See docs/citus.md.")
    _need_psycopg()
    from margelle.store.postgres import distributing  # noqa: PLC0415

    async for table, column in distributing.distribute(url):
        yield table, column


def _is_postgres(url: str) -> bool:
    return url.partition("://")[0] in _POSTGRES and "://" in url


def _postgres(url: str, vault: Vault) -> Copyable:
    _need_psycopg()
    from margelle.store.postgres import PostgresStore  # noqa: PLC0415

    return PostgresStore(url, vault)


def _need_psycopg() -> None:
    try:
        import psycopg  # noqa: F401, PLC0415
        import psycopg_pool  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConfigError(
            f"The setting store names a PostgreSQL database, and {error.name or 'psycopg'} is not installed.",
            hint="Install margelle with it: pip install 'margelle[postgres]'.",
        ) from None
