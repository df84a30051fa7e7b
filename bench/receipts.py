"""How much room the receipts of an account take: what the clouds answered, as PostgreSQL keeps it, against the answers as they came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
import stamina
from cryptography.fernet import Fernet
from tests.collect.cloud import DAY, START, VirtualClock, drive
from tests.collect.test_over_http import Hub, Ondilo
from tests.evidence import exchange
from tests.hostile import HostileCloud
from tests.postgres import Server

from bench.report import Line
from margelle.ports import Receipt
from margelle.store.postgres import PostgresStore
from margelle.store.postgres.journal import KEEP_RECEIPT
from margelle.store.rules import micros, packed
from margelle.store.vault import Vault

DAYS: Final = 2
ACCOUNTS: Final = 10
CAME: Final = "the answers as they came"
HOURLY: Final = {"flipr": ("survey-last",), "baxo": ("realtimes",)}
"""What is asked of the other clouds once an hour, as their documents print the answers."""


def measure(folder: Path) -> list[Line]:
    """Bytes of an account in a day."""
    server = Server(folder / "data")
    server.start()
    try:
        return asyncio.run(_measured(server, folder))
    finally:
        server.stop("immediate")


async def _measured(server: Server, folder: Path) -> list[Line]:
    ondilo = await _of_ondilo(folder)
    lines = [await _room(server, f"Ondilo, a pool, collected ({len(ondilo) / DAYS:.0f} answers a day)", ondilo)]
    for vendor, names in HOURLY.items():
        answers = [exchange(vendor, name).response.text.encode() for name in names] * 24 * DAYS
        receipts = [
            Receipt(
                "home", START + n * timedelta(hours=1), names[0], f"https://{vendor}.example/api/{n}", 200, body, 90
            )
            for n, body in enumerate(answers)
        ]
        lines.append(await _room(server, f"{vendor}, an answer of its document each hour", receipts))
    return lines


async def _of_ondilo(folder: Path) -> Sequence[Receipt]:
    """What is kept of some days of collecting one pool over HTTP, after the first, which asks for the past."""
    stamina.set_testing(True, attempts=2)
    clock = VirtualClock()
    async with HostileCloud() as server:
        Ondilo(clock, server, days=40)
        hub = Hub(clock, server, folder)
        await hub.add("home", "good")
        await drive(hub.collector, clock, START + (DAYS + 1) * DAY)
        receipts = await hub.store.receipts("home", START + DAY, 10_000)
        await hub.close()
    stamina.set_testing(False)
    return receipts


async def _room(server: Server, name: str, receipts: Sequence[Receipt]) -> Line:
    url = server.create("receipts")
    store = PostgresStore(url, Vault(Fernet.generate_key()), patience_s=30)
    await store.count()
    await store.close()
    rows = [
        (f"home{n}", micros(one.at), one.name, one.url, one.status, one.duration_ms, *packed(one.body))
        for n in range(ACCOUNTS)
        for one in receipts
    ]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(KEEP_RECEIPT, rows)
    ((size,),) = server.run("SELECT pg_total_relation_size('receipt')", "receipts")
    came = sum(len(one.body) for one in receipts)
    return Line(
        f"receipts: {name}", "bytes/day", [int(str(size)) / ACCOUNTS / DAYS], [came / DAYS], CAME, better="lower"
    )
