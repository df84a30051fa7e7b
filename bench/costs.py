"""What a reading, an answer and an account cost in processor time, the hub's and the database's apart, and in room: what sizes are reckoned from.

On one PostgreSQL server, and where Citus is installed on a cluster too (then both are of the same build). Processor time is that of this process,
and of all processes of the servers, whatever they did it for; it depends on other work of the machine much less than how long something takes.
`ACCOUNTS=500` is how many the hour of collecting has.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

from cryptography.fernet import Fernet
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from tests import citus
from tests.postgres import Server, empty

from bench import fleet
from bench.peers.hub import DURABLE
from bench.postgres import NOW, SINCE, batched
from bench.postgres import fleet as of_fleet
from bench.process import cpu_s, family, over
from bench.water import QUANTITIES, hours
from margelle.ports import Receipt
from margelle.store import distribute
from margelle.store.postgres import PostgresStore
from margelle.store.vault import Vault

ROUNDS: Final = 3
TIMES: Final = 300
AT_ONCE: Final = 8
PROBES: Final = 1000
HOURS: Final = 20
ACCOUNTS: Final = int(os.environ.get("ACCOUNTS", "500"))
ALL_AT_ONCE: Final = "a point among 10 000 of a fleet"
_BODY: Final = (
    b'[{"data_type":"temperature","value":25.2,"value_time":"2026-01-01T09:17:00+0000","is_valid":true,"exclusion_reason":null}]'
    * 7
)
_T = TypeVar("_T")
Run = Callable[[], Awaitable[None]]


class Place(Struct):
    """A database: what it is on, its URL, and the first processes of its servers."""

    title: str
    url: str
    roots: list[int]

    @property
    def size(self) -> str:
        """The function that tells the room of a table."""
        return "citus_total_relation_size" if len(self.roots) > 1 else "pg_total_relation_size"

    def store(self) -> PostgresStore:
        return PostgresStore(self.url, Vault(Fernet.generate_key()), patience_s=60)

    def cpu_s(self) -> float:
        """Processor time that its servers have used so far."""
        return sum(over(family(root), cpu_s) for root in self.roots)


class Cost(Struct):
    """Processor time of so many of something, in milliseconds each: round by round."""

    work: str
    hub: list[float]
    database: list[float]


def measure(folder: Path) -> None:
    """Print what is measured of each place."""
    with _places(folder) as places:
        for place in places:
            costs, room = asyncio.run(_costs(place))
            _show(place, [*costs, _collecting(place, folder)], room)


@contextmanager
def _places(folder: Path) -> Iterator[list[Place]]:
    if (programs := citus.programs()) is None:
        server = Server(folder / "data", DURABLE)
        server.start()
        try:
            yield [Place("one server", server.create("costs"), [server.server.get_postmaster_info().pid])]
        finally:
            server.stop("immediate")
        return
    cluster = citus.Cluster(programs, DURABLE)
    try:
        spread = cluster.create("spread")
        cluster.run("postgres", "CREATE DATABASE plain")
        roots = [cluster.pid(node) for node in range(citus.NODES)]
        yield [
            Place("one server", cluster.url("plain"), roots[:1]),
            Place("a cluster, a coordinator and two workers", spread, roots),
        ]
    finally:
        cluster.remove()


async def _costs(place: Place) -> tuple[list[Cost], dict[str, float]]:
    store = place.store()
    await store.count()
    if len(place.roots) > 1:
        await store.close()
        _ = [table async for table in distribute(place.url)]
        store = place.store()
    costs: dict[str, Cost] = {}
    room: dict[str, float] = {}
    for _ in range(ROUNDS):
        await asyncio.to_thread(empty, place.url)
        for work, count, run in _work(store):
            hub_s, database_s = time.process_time(), place.cpu_s()
            await run()
            cost = costs.setdefault(work, Cost(work, [], []))
            cost.hub.append((time.process_time() - hub_s) / count * 1000)
            cost.database.append((place.cpu_s() - database_s) / count * 1000)
            if work == ALL_AT_ONCE and not room:  # later rounds have what is removed in it
                room = _room(place)
    await store.close()
    return [*costs.values()], room


def _work(store: PostgresStore) -> Iterator[tuple[str, int, Run]]:
    """What is done in a round, how many times, and how."""
    receipts = [
        Receipt(f"home{n}", NOW, "lastmeasures", f"https://cloud.example/{n}", 200, _BODY, 90) for n in range(TIMES)
    ]
    readings = [[*hours(f"alone:{n}/ico", SINCE, 1)] for n in range(TIMES)]
    batches = [*batched(of_fleet(PROBES, HOURS))]
    points = sum(map(len, batches))
    yield "a receipt", TIMES, _each(store.keep_receipt, receipts)
    yield "a reading of one probe alone, 7 points", TIMES, _each(lambda batch: store.add(batch, NOW), readings)
    yield ALL_AT_ONCE, points, _each(lambda batch: store.add(batch, NOW), batches, 1)
    yield "a point that is folded", points + TIMES * len(QUANTITIES), lambda: _fold(store)
    asked = [f"ondilo:{n}/ico" for n in range(TIMES)]
    yield "the newest values, anew", TIMES, _each(lambda probe: _anew(store, probe), asked)
    yield "a day of a series", TIMES, _each(lambda probe: store.history(probe, "ph"), asked)


def _each(do: Callable[[_T], Awaitable[Any]], things: Sequence[_T], at_once: int = AT_ONCE) -> Run:
    """Do it with each, several at once, as several requests or accounts would."""

    async def run() -> None:
        left = iter(things)

        async def go_on() -> None:
            for thing in left:
                await do(thing)

        await asyncio.gather(*(go_on() for _ in range(at_once)))

    return run


async def _fold(store: PostgresStore) -> None:
    while (await store.fold(everything=True)).more:
        pass


async def _anew(store: PostgresStore, probe: str) -> Any:
    store._snapshots.clear()
    return await store.latest(probe, NOW)


def _collecting(place: Place, folder: Path) -> Cost:
    """An hour of accounts, each with a probe, by the collector, over real HTTP."""
    empty(place.url)
    done = fleet.hour(folder / place.title, ACCOUNTS, place.url, place.roots)
    return Cost(
        f"collecting from an account for an hour, {done.requests / ACCOUNTS:.1f} answers",
        [done.hub_s / ACCOUNTS * 1000],
        [done.database_s / ACCOUNTS * 1000],
    )


def _room(place: Place) -> dict[str, float]:
    """Bytes that are always in use: of each probe, and of each point that is not folded yet."""
    sizes = {
        table: int(str(citus.run(place.url, f"SELECT {place.size}('{table}')")[0][0])) for table in ("head", "piece")
    }
    points = PROBES * HOURS * len(QUANTITIES) + TIMES * len(QUANTITIES)
    return {
        "the head of a probe": sizes["head"] / (PROBES + TIMES),
        "a point that is not folded": sizes["piece"] / points,
    }


def _show(place: Place, costs: Sequence[Cost], room: Mapping[str, float]) -> None:
    table = Table("processor time of", "the hub's, ms", "the database's, ms", title=place.title, title_justify="left")
    for cost in costs:
        table.add_row(cost.work, _spread(cost.hub), _spread(cost.database))
    for name, size in room.items():
        table.add_row(f"room: {name}", "", f"{size:.0f} bytes")
    Console(width=150).print(table)


def _spread(figures: Sequence[float]) -> str:
    return f"{median(figures):.3g}" + (f"  ({min(figures):.3g} to {max(figures):.3g})" if len(figures) > 1 else "")
