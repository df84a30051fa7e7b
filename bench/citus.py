"""The store on a cluster (Citus: a coordinator and two workers on this machine) against the store on one server of the same build, both durable.

Nodes that share a machine share its processors: what is measured is what a cluster costs for each point, not what it gains.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from tests import citus
from tests.postgres import empty

from bench.postgres import NOW, SINCE, batched, fleet, past
from bench.report import Line
from bench.water import hours
from margelle.domain.measurement import Measurement
from margelle.store import distribute
from margelle.store.postgres import PostgresStore
from margelle.store.vault import Vault

ROUNDS: Final = 5
PROBES: Final = 2
AT_ONCE: Final = 8
PLAIN: Final = "one server"
BEFORE: Final = "the same cluster at rest"
_DURABLE: Final = "max_wal_size = 4GB\nsynchronous_commit = on\n"


def measure(folder: Path) -> list[Line]:  # noqa: ARG001 - PostgreSQL wants a folder of another user
    """Taking in and reading, on a database that MARGELLE_TEST_CITUS names, or on a cluster of our own."""
    if given := os.environ.get(citus.GIVEN):
        return asyncio.run(_measured(given, None))
    programs = citus.programs()
    if programs is None:
        sys.exit(citus.MISSING)
    cluster = citus.Cluster(programs, _DURABLE)
    try:
        return asyncio.run(_measured(cluster.create("spread"), cluster))
    finally:
        cluster.remove()


async def _measured(url: str, cluster: citus.Cluster | None) -> list[Line]:
    plain = await _prepared(url)
    lines = []
    for name, batches in (
        ("fleet, each hour of 1 000 probes, 10 000 points at once", [*batched(fleet(1000, 4))]),
        ("one probe's reading of 7 points at once", [[*hours(f"p{n}", SINCE, 1)] for n in range(300)]),
        ("back-fill, a year of each probe, 10 000 points at once", [*batched(past(PROBES))]),
    ):
        line = Line(f"ingest: {name}", "points/s", [], [], PLAIN)
        for _ in range(ROUNDS):
            for place, figures in ((url, line.ours), (plain, line.peers)):
                empty(place)
                store = PostgresStore(place, Vault(Fernet.generate_key()), patience_s=60)
                await store.count()
                figures.append(await _points_s(store, batches))
                await store.close()
        lines.append(line)
    lines += await _reads(url, plain)
    if cluster is not None:
        lines.append(await _moving(cluster, url))
    return lines


async def _prepared(url: str) -> str:
    """Spread the tables of the database at `url`; the URL of another one, on the coordinator alone."""
    citus.clear(url)
    _ = [table async for table in distribute(url)]
    citus.run(url, "DROP DATABASE IF EXISTS plain WITH (FORCE)")
    citus.run(url, "CREATE DATABASE plain")
    plain = urlsplit(url)._replace(path="/plain").geturl()
    store = PostgresStore(plain, Vault(Fernet.generate_key()), patience_s=60)
    await store.count()
    await store.close()
    return plain


async def _points_s(store: PostgresStore, batches: Sequence[Sequence[Measurement]]) -> float:
    """Several batches at once, as several requests or collectors send them."""
    begin, left = time.perf_counter(), iter(batches)

    async def add() -> None:
        for batch in left:
            await store.add(batch, NOW)

    await asyncio.gather(*(add() for _ in range(AT_ONCE)))
    spent = time.perf_counter() - begin
    assert await store.count() == sum(map(len, batches))
    return sum(map(len, batches)) / spent


async def _reads(url: str, plain: str) -> list[Line]:
    stores = [PostgresStore(one, Vault(Fernet.generate_key()), patience_s=60) for one in (url, plain)]
    for store in stores:
        while (await store.fold(everything=True)).more:
            pass
    since, days = SINCE + timedelta(days=100), (date(2026, 1, 1), date(2027, 1, 1))
    questions: list[tuple[str, Callable[[PostgresStore, str], Awaitable[Any]]]] = [
        ("newest of 7 quantities, anew", _anew),
        ("a month of one series", lambda store, p: store.history(p, "ph", since, since + timedelta(days=30))),
        ("a year of days with median", lambda store, p: store.statistics(p, "ph", *days)),
    ]
    lines = [Line(name, "answers/s", [], [], PLAIN) for name, _ in questions]
    for _ in range(ROUNDS):
        for line, (_, ask) in zip(lines, questions, strict=True):
            for store, figures in zip(stores, (line.ours, line.peers), strict=True):
                figures.append(await _rate(partial(ask, store)))
    for store in stores:
        await store.close()
    return lines


async def _anew(store: PostgresStore, probe: str) -> Any:
    store._snapshots.clear()
    return await store.latest(probe, NOW)


async def _rate(ask: Callable[[str], Awaitable[Any]]) -> float:
    """Answers a second, several at once."""
    begin, count = time.perf_counter(), 0

    async def go_on() -> None:
        nonlocal count
        while time.perf_counter() < begin + 1.0:
            count += 1
            await ask(f"ondilo:{count % PROBES}/ico")

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - begin)


async def _moving(cluster: citus.Cluster, url: str) -> Line:
    """How much a hub takes in while the shards that it writes to move to another node."""
    line = Line("ingest: one probe's reading while its shards move", "points/s", [], [], BEFORE)
    store = PostgresStore(url, Vault(Fernet.generate_key()), patience_s=60)
    probe, written = "moving", 0

    async def write(until: Callable[[], bool]) -> float:
        nonlocal written
        begin, count = time.perf_counter(), 0
        while not until():
            points = [*hours(probe, SINCE + timedelta(hours=written), 1)]
            count, written = count + (await store.add(points, NOW)).new, written + 1
        return count / (time.perf_counter() - begin)

    for _ in range(ROUNDS):
        end = time.perf_counter() + 2
        line.peers.append(await write(lambda end=end: time.perf_counter() > end))  # type: ignore[misc]
        target = 3 - cluster.node_of("spread", probe)
        move = asyncio.create_task(asyncio.to_thread(cluster.move, "spread", probe, target))
        line.ours.append(await write(move.done))
        await move
    await store.check()
    await store.close()
    return line
