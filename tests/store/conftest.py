"""Every store, each fresh, for the tests that all of them pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from margelle.ports import Store
from margelle.store import open_store
from margelle.store.postgres import PostgresStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.postgres import Server, empty
from tests.store.things import KEY


@pytest.fixture
def vault() -> Vault:
    return Vault(KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database is, or will be."""
    return tmp_path / "margelle.sqlite"


@pytest.fixture(scope="session")
def database(server: Server) -> str:
    """The URL of a database with our schema, for all tests that leave nothing but rows in it."""
    url = server.create("shared")
    asyncio.run(migrate(url))
    return url


async def migrate(url: str) -> None:
    store = PostgresStore(url, Vault(KEY))
    await store.count()
    await store.close()


@pytest.fixture
def url(database: str) -> str:
    """The URL of an empty PostgreSQL database with our schema."""
    empty(database)
    return database


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest, path: Path) -> str:
    """The URL of each kind of store."""
    if request.param == "postgres":
        return str(request.getfixturevalue("url"))
    return "memory:" if request.param == "memory" else str(path)


@pytest.fixture
async def store(place: str, vault: Vault) -> AsyncIterator[Store]:
    """Each kind of store, empty."""
    store = open_store(place, vault)
    yield store
    await store.close()


@pytest.fixture
async def postgres(url: str, vault: Vault) -> AsyncIterator[PostgresStore]:
    """An empty PostgreSQL store."""
    store = PostgresStore(url, vault, patience_s=2)
    yield store
    await store.close()


@pytest.fixture
async def sqlite(path: Path, vault: Vault) -> AsyncIterator[SqliteStore]:
    """An empty SQLite store."""
    store = SqliteStore(path, vault, busy_timeout_s=0.05)
    yield store
    await store.close()
