"""Where measurements are kept, behind the ports Reader and Writer."""

from __future__ import annotations

from pathlib import Path

from margelle.errors import ConfigError
from margelle.ports import Store
from margelle.store.memory import MemoryStore
from margelle.store.vault import Vault

__all__ = ["file_of", "open_store"]


def open_store(url: str, vault: Vault) -> Store:
    """The store at `url`: `memory:`, a path, or `sqlite:///` and a path (`sqlite:////var/lib/margelle.sqlite` where it is absolute).

    A database that does not exist yet is created. Raises StoreError where there is something else or it cannot be used,
    ConfigError for a kind of store that we do not know.
    """
    file = file_of(url)
    if file is None:
        return MemoryStore()
    from margelle.store.sqlite import SqliteStore  # noqa: PLC0415

    return SqliteStore(file, vault)


def file_of(url: str) -> Path | None:
    """The file of the store at `url`; None where it is in memory only. Raises ConfigError for a kind of store that we do not know."""
    if url == "memory:":
        return None
    scheme, colon, path = url.partition("://")
    if not colon:
        scheme, path = "sqlite", f"/{url}"
    if scheme != "sqlite" or not path.startswith("/") or len(path) < 2:
        raise ConfigError(f"There is no store {url!r}.", hint="It is memory:, a path, or sqlite:/// and a path.")
    return Path(path[1:]).expanduser()
