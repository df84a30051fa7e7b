"""The store on PostgreSQL against a plain table on the same server, filled by INSERT … ON CONFLICT, both durable (synchronous_commit=on, fsync)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from cryptography.fernet import Fernet
from tests.postgres import Server

from bench.report import Line
from bench.water import QUANTITIES, hours
from margelle.domain.measurement import Measurement
from margelle.store.chunk import Column
from margelle.store.postgres import PostgresStore
from margelle.store.row import told
from margelle.store.vault import Vault

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NOW = SINCE + timedelta(days=400)
BATCH = 10_000
PROBES = 4
ROUNDS = 3
PLAIN: Final = "one row a point, text keys, INSERT … ON CONFLICT"
_DURABLE: Final = (
    "fsync = on\nfull_page_writes = on\nshared_buffers = 256MB\nmax_wal_size = 4GB\nsynchronous_commit = on\n"
)
_TABLE: Final = """
CREATE TABLE reading (
    probe text, quantity text, at bigint, value double precision, raw text, unit text, origin text, doubts text, PRIMARY KEY (probe, quantity, at)
)
"""
_INSERT: Final = """
INSERT INTO reading VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (probe, quantity, at) DO UPDATE SET value = excluded.value
"""
_LATEST: Final = """
SELECT DISTINCT ON (quantity) quantity, at, value, raw, unit, origin, doubts FROM reading WHERE probe = %s ORDER BY quantity, at DESC
"""
_RANGE: Final = "SELECT at, value, raw, unit, origin, doubts FROM reading WHERE probe = %s AND quantity = %s AND at >= %s AND at < %s ORDER BY at"
_DAYS: Final = """
SELECT at / 86400000000, count(*), min(value), max(value), avg(value), percentile_cont(0.5) WITHIN GROUP (ORDER BY value)
FROM reading WHERE probe = %s AND quantity = %s AND at >= %s AND at < %s AND doubts IS NULL GROUP BY 1 ORDER BY 1
"""


def measure(folder: Path) -> list[Line]:
    """Taking in and reading."""
    server = Server(folder / "data", _DURABLE)
    server.start()
    try:
        return asyncio.run(_measured(server))
    finally:
        server.stop("immediate")


async def _measured(server: Server) -> list[Line]:
    of_fleet, of_past = [*batched(fleet(1000, 12))], [*batched(past(PROBES))]
    lines = [
        await _ingest(server, "fleet, each hour of 1 000 probes", of_fleet, 3),
        await _ingest(server, "back-fill, a year of each probe", of_past, ROUNDS),
    ]
    return lines + await _reads(server, of_past)


def fleet(probes: int, count: int) -> Iterator[Measurement]:
    """Hour by hour, as measurements arrive, of so many probes."""
    of_each = [[*hours(f"ondilo:{n}/ico", SINCE, count)] for n in range(probes)]
    for hour in range(count):
        for points in of_each:
            yield from points[hour * len(QUANTITIES) : (hour + 1) * len(QUANTITIES)]


def past(probes: int) -> Iterator[Measurement]:
    """A year of each probe."""
    for n in range(probes):
        yield from hours(f"ondilo:{n}/ico", SINCE, 24 * 365)


def batched(points: Iterator[Measurement]) -> Iterator[list[Measurement]]:
    """As many together as a collector sends."""
    batch: list[Measurement] = []
    for point in points:
        batch.append(point)
        if len(batch) == BATCH:
            yield batch
            batch = []


async def _ingest(server: Server, name: str, batches: Sequence[Sequence[Measurement]], rounds: int) -> Line:
    line = Line(f"ingest: {name}", "points/s", [], [], PLAIN)
    count = sum(map(len, batches))
    for _ in range(rounds):
        async with await _Plain.begun(server) as plain:
            line.peers.append(count / await _spent(plain.add, batches))
        store = _store(server)
        await store.count()
        line.ours.append(count / await _spent(partial(_add, store), batches))
        assert await store.count() == count
        await store.close()
    return line


async def _add(store: PostgresStore, batch: Sequence[Measurement]) -> None:
    await store.add(batch, NOW)


async def _spent(add: Callable[[Any], Awaitable[Any]], batches: Sequence[Any]) -> float:
    begin = time.perf_counter()
    for batch in batches:
        await add(batch)
    return time.perf_counter() - begin


async def _reads(server: Server, batches: Sequence[Sequence[Measurement]]) -> list[Line]:
    store, since, days = _store(server), SINCE + timedelta(days=100), (date(2026, 1, 1), date(2027, 1, 1))
    month = (since, since + timedelta(days=30))
    async with await _Plain.begun(server) as plain:
        for batch in batches:
            await store.add(batch, NOW)
            await plain.add(batch)
        while (await store.fold(everything=True)).more:
            pass
        await plain.settle()
        questions: list[tuple[str, Callable[[str], Awaitable[Any]], Callable[[str], Awaitable[Any]]]] = [
            ("newest of 7 quantities, anew", lambda probe: _anew(store, probe), plain.latest),
            ("newest of 7 quantities, nothing new", lambda probe: store.latest(probe, NOW), plain.latest),
            ("a month of one series", lambda p: store.history(p, "ph", *month), lambda p: plain.range(p, *month)),
            ("a year of days with median", lambda p: store.statistics(p, "ph", *days), plain.days),
        ]
        lines = [Line(name, "answers/s", [], [], PLAIN) for name, _, _ in questions]
        for _ in range(ROUNDS):
            for line, (_, ours, peers) in zip(lines, questions, strict=True):
                line.ours.append(await _rate(ours))
                line.peers.append(await _rate(peers))
        lines.append(await _sizes(server, sum(map(len, batches))))
    await store.close()
    return lines


async def _anew(store: PostgresStore, probe: str) -> Any:
    store._snapshots.clear()
    return await store.latest(probe, NOW)


async def _rate(ask: Callable[[str], Awaitable[Any]]) -> float:
    """Answers a second, one after the other."""
    begin, count = time.perf_counter(), 0
    while time.perf_counter() < begin + 1.0:
        await ask(f"ondilo:{count % PROBES}/ico")
        count += 1
    return count / (time.perf_counter() - begin)


async def _sizes(server: Server, count: int) -> Line:
    ours, plain = (
        sum(int(str(server.run(f"SELECT pg_total_relation_size('{table}')", name)[0][0])) for table in tables)
        for name, tables in (
            ("ours", ("head", "piece", "chunk", "revision", "rolled", "year")),
            ("plain", ("reading",)),
        )
    )
    return Line("room on disk, folded", "bytes/point", [ours / count], [plain / count], PLAIN, better="lower")


def _store(server: Server) -> PostgresStore:
    return PostgresStore(server.create("ours"), Vault(Fernet.generate_key()), patience_s=30)


class _Plain:
    """The plain table, over one connection."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def begun(cls, server: Server) -> _Plain:
        connection = await psycopg.AsyncConnection.connect(server.create("plain"), autocommit=True)
        await connection.execute(_TABLE)
        return cls(connection)

    async def __aenter__(self) -> _Plain:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def add(self, points: Sequence[Measurement]) -> None:
        rows = [
            (
                p.probe,
                p.quantity,
                _us(p.at),
                p.value,
                p.raw,
                p.raw_unit.value,
                p.origin,
                told(p.doubts),
            )
            for p in points
        ]
        async with self._connection.transaction(), self._connection.cursor() as cursor:
            await cursor.executemany(_INSERT, rows)

    async def settle(self) -> None:
        await self._connection.execute("VACUUM (FULL, ANALYZE) reading")

    async def latest(self, probe: str) -> list[Any]:
        return await self._asked(_LATEST, (probe,))

    async def range(self, probe: str, since: datetime, until: datetime) -> list[Any]:
        rows = await self._asked(_RANGE, (probe, "ph", _us(since), _us(until)))
        return Column.of(rows).measurements(probe, "ph")  # the other side answers with these too

    async def days(self, probe: str) -> list[Any]:
        return await self._asked(_DAYS, (probe, "ph", _us(SINCE), _us(SINCE + timedelta(days=365))))

    async def _asked(self, sql: str, args: Sequence[Any]) -> list[Any]:
        return await (await self._connection.execute(sql, args, binary=True)).fetchall()


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1e6)
