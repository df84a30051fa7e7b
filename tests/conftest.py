"""What every test may use."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from tests import citus
from tests.citus import Cluster
from tests.postgres import GIVEN, Databases, Server
from tests.system import untested

settings.register_profile("margelle", deadline=None)  # speed is never asserted by a clock
settings.load_profile("margelle")

NOW = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
MEMORY: Final = Path("/dev/shm")
ROOM_BYTES: Final = 4 * 1024**3
"""What the servers and files of some workers take at most, several times over."""


def in_memory() -> None:
    """Where there is room, files of tests are in memory: a database waits for a disk at every commit, and what a power cut leaves is tested without one.

    A TMPDIR that somebody has set is where they want them.
    """
    if not os.environ.get("TMPDIR") and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)


in_memory()


@pytest.fixture
def now() -> datetime:
    """The instant at which tests happen."""
    return NOW


@pytest.fixture(scope="session")
def server() -> Iterator[Databases]:
    """A PostgreSQL server: one that was named, or one started when the first test wants it."""
    if given := os.environ.get(GIVEN):
        yield Databases(given)
        return
    server = Server.begun()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with Citus, started when the first test wants it."""
    cluster = citus.begun()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def coordinator(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database on a cluster: one that was named, or one of our own."""
    if given := os.environ.get(citus.GIVEN):
        citus.clear(given)
        return given
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.create("shared")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """No test is left out in silence."""
    skipped = terminalreporter.stats.get("skipped", [])
    for line in untested([str(one.longrepr[2]).removeprefix("Skipped: ") for one in skipped]):
        terminalreporter.write_line(line, yellow=True)
