"""A million measurements into the store, against a plain table of the kind most hubs have, under the same durability."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from bench.report import Line
from bench.water import QUANTITIES, hours
from margelle.domain.measurement import Measurement
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault

POINTS = 1_000_000
BATCH = 10_000
ROUNDS = 3
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def measure(folder: Path) -> list[Line]:
    """Rows a second of a back-fill (probe by probe, batches of 10 000), and bytes on disk for each row."""
    batches = list(_batches())
    speed = Line(f"ingest of {POINTS:,} points", "points/s", [], [], "sqlite3, text keys, UNIQUE, FULL")
    size = Line("the file's size", "bytes/point", [], [], "sqlite3, text keys, UNIQUE, FULL", better="lower")
    for n in range(ROUNDS):
        ours, plain = folder / f"ours{n}.sqlite", folder / f"plain{n}.sqlite"
        speed.ours.append(POINTS / asyncio.run(_into_store(ours, batches)))
        speed.peers.append(POINTS / _into_plain_table(plain, batches))
        size.ours.append(ours.stat().st_size / POINTS)
        size.peers.append(plain.stat().st_size / POINTS)
        ours.unlink()
        plain.unlink()
    return [speed, size]


def _batches() -> Iterator[list[Measurement]]:
    per_probe = 24 * 365 * len(QUANTITIES)
    points: list[Measurement] = []
    for n in range(POINTS // per_probe + 1):
        points += hours(f"ondilo:{n}/ico", SINCE, 24 * 365)
        while len(points) >= BATCH:
            yield points[:BATCH]
            points = points[BATCH:]


async def _into_store(path: Path, batches: list[list[Measurement]]) -> float:
    store = SqliteStore(path, Vault(Fernet.generate_key()))
    begin = time.perf_counter()
    for batch in batches[: POINTS // BATCH]:
        await store.add(batch, SINCE + timedelta(days=366))
    spent = time.perf_counter() - begin
    assert await store.count() == POINTS
    await store.close()
    return spent


def _into_plain_table(path: Path, batches: list[list[Measurement]]) -> float:
    db = sqlite3.connect(path)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE reading (device TEXT, name TEXT, at TEXT, value REAL, valid INTEGER, reason TEXT, UNIQUE (device, name, at))"
    )
    begin = time.perf_counter()
    for batch in batches[: POINTS // BATCH]:
        with db:
            db.executemany(
                "INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                [
                    (
                        p.probe,
                        p.quantity,
                        p.at.isoformat(),
                        p.value,
                        not p.doubts,
                        p.doubts[0].reason if p.doubts else None,
                    )
                    for p in batch
                ],
            )
    spent = time.perf_counter() - begin
    db.close()
    return spent
