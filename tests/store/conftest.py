"""Every store, each fresh, for the tests that all of them pass."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from margelle.ports import Store
from margelle.store import distribute, open_store
from margelle.store.postgres import PostgresStore
from margelle.store.sqlite import SqliteStore, schema
from margelle.store.vault import Vault
from tests.postgres import Databases, empty
from tests.store.things import KEY


@pytest.fixture
def vault() -> Vault:
    return Vault(KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database is, or will be."""
    return tmp_path / "margelle.sqlite"


@pytest.fixture(scope="session")
def database(server: Databases) -> str:
    """The URL of a database with our schema, for all tests that leave nothing but rows in it."""
    url = server.create("shared")
    asyncio.run(migrate(url))
    return url


async def migrate(url: str) -> None:
    store = PostgresStore(url, Vault(KEY))
    await store.count()
    await store.close()


@pytest.fixture(scope="session")
def spread(coordinator: str) -> str:
    """The URL of a database whose tables are spread over a cluster, likewise."""
    asyncio.run(distribute_all(coordinator))
    return coordinator


async def distribute_all(url: str) -> None:
    assert [table async for table, _ in distribute(url)]


@pytest.fixture
def url(database: str) -> str:
    """The URL of an empty PostgreSQL database with our schema."""
    empty(database)
    return database


@pytest.fixture
def spread_url(spread: str) -> str:
    """The URL of an empty PostgreSQL database whose tables are spread over a cluster."""
    empty(spread)
    return spread


@pytest.fixture(params=["url", "spread_url"])
def each_url(request: pytest.FixtureRequest) -> str:
    """Both of them."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(params=["memory", "sqlite", "url", "spread_url"])
def place(request: pytest.FixtureRequest, path: Path) -> str:
    """The URL of each kind of store."""
    if "url" in request.param:
        return str(request.getfixturevalue(request.param))
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


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder, for as long as which this process may not do whatever root may."""
    schema.scripts()  # from our own folder, which nobody else may be allowed to read
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)
    shutil.rmtree(folder)
