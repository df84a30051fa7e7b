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
    if url == "memory:":
        return MemoryStore()
    path = file_of(url)
    if path is None:
        raise ConfigError(f"There is no store {url!r}.", hint="It is memory:, a path, or sqlite:/// and a path.")
    from margelle.store.sqlite import SqliteStore  # noqa: PLC0415

    return SqliteStore(path, vault)


def file_of(url: str) -> Path | None:
    """The file of the store at `url`; None where it is none."""
    scheme, colon, path = url.partition("://")
    if not colon:
        scheme, path = "sqlite", f"/{url}"
    is_file = scheme == "sqlite" and path.startswith("/") and len(path) > 1 and url != "memory:"
    return Path(path[1:]).expanduser() if is_file else None
