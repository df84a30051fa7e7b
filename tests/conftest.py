"""What every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import settings

from tests.postgres import Server

settings.register_profile("margelle", deadline=None)  # speed is never asserted by a clock
settings.load_profile("margelle")

NOW = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    """The instant at which tests happen."""
    return NOW


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server, started when the first test wants it."""
    server = Server.begun()
    yield server
    server.remove()
