"""Every store, each fresh, for the tests that all of them pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from margelle.ports import Store
from margelle.store import open_store
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.store.things import KEY


@pytest.fixture
def vault() -> Vault:
    return Vault(KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database is, or will be."""
    return tmp_path / "margelle.sqlite"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, path: Path, vault: Vault) -> AsyncIterator[Store]:
    """Each kind of store, empty."""
    store = open_store("memory:" if request.param == "memory" else str(path), vault)
    yield store
    await store.close()


@pytest.fixture
async def sqlite(path: Path, vault: Vault) -> AsyncIterator[SqliteStore]:
    """An empty SQLite store."""
    store = SqliteStore(path, vault, busy_timeout_s=0.05)
    yield store
    await store.close()
