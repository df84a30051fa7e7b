"""What collecting costs in requests, and how soon an outage is made good: the real collector against Ondilo's imitated cloud, whose quota is on.

Time is simulated. The vendor allows 30 requests an hour; we allow ourselves 20 (see `vendors/ondilo`), and those are what the least is of.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uvicorn
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from margelle.collect.loop import Collector
from margelle.collect.report import AccountReport, reports
from margelle.domain.site import Account, User
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.serve.sign_in import hash_password
from margelle.simulate.clouds import Clouds
from margelle.simulate.pool import FAMILY
from margelle.store.memory import MemoryStore
from margelle.vendors.answer import is_limit
from margelle.vendors.ondilo import ONDILO

START: Final = datetime(2026, 6, 1, 9, 17, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
OUTAGE: Final = 29 * DAY
LOGIN, PASSWORD = "bench@clouds.example", "a long enough one"
OTHERS: Final = (
    ("Home Assistant until 2024 (every 5 min)", 36.0, "over the quota, its entities vanished; no history"),
    ("Home Assistant with one pool, 2025 (hourly)", 3.0, "no failures; no history, no recommendations"),
    ("openHAB binding, one pool", 24.0, "two pools break the quota; no history"),
    ("ioBroker adapter, one pool", 4.0, "pools and device are asked each time; no history"),
)
"""Requests per pool and hour of other clients, as their users and sources tell."""


class Result(Struct):
    """What was measured with so many pools; `least_min` if the hour's requests were for the past alone, `beside_min` if each pool is also asked once for what is fresh."""

    pools: int
    per_pool_and_hour: float
    lost: int
    doubled: int
    first_min: float
    outage_min: float
    least_min: float
    beside_min: float
    refused: int


class World:
    """A cloud with `count` pools, and a hub that collects from it; `now` is everybody's clock."""

    def __init__(self, count: int, folder: Path) -> None:
        self.now = START
        self.truth, self.store = MemoryStore(), MemoryStore()
        pools = tuple(
            replace(
                FAMILY, key=4000 + n, name=f"Pool {n}", serial=f"SN{5000 + n}", hardware=f"{n:016X}", shared_with=()
            )
            for n in range(count)
        )
        users = [User(LOGIN, hash_password(PASSWORD), "Ada", "L")]
        self.clouds = Clouds(
            self.truth, [ONDILO], self.clock, seed="bench", users=users, pools=[pools], stations=[()], past=40 * DAY
        )
        folder.mkdir()
        self.folder = folder
        self.https: dict[str, CloudHttp] = {}
        self.collector = Collector(self.store, {"ondilo": ONDILO}, self.http, self.tokens, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def http(self, account: Account) -> CloudHttp:
        if account.id not in self.https:
            budget = Budget(self.folder / "budget.sqlite", account.id, ONDILO.pace)
            self.https[account.id] = CloudHttp(
                account.id, self.store, budget, self.clock, pause=self.pause, is_limit=is_limit
            )
        return self.https[account.id]

    def tokens(self, account: Account) -> TokenKeeper:
        return TokenKeeper(account.id, self.store, self.clock)

    async def join(self, url: str) -> None:
        account = Account("one", "ondilo", LOGIN, LOGIN, url)
        await self.store.put_user(User(LOGIN, "$argon2id$none"))
        await self.store.put_account(account)
        token = await ONDILO.connect(url, self.http(account), self.clock).sign_in(LOGIN, PASSWORD)
        await self.tokens(account).keep(token)

    async def live(self, until: datetime, *, filled: bool = False) -> None:
        """Let time pass; with `filled`, only until nothing that can be asked for is missing."""
        while self.now < until:
            due = await self.collector.round() or until
            if filled and (await self.report()).to_fill == 0:
                return
            self.now = min(max(due, self.now), until)
            await self.clouds.advance()

    async def report(self) -> AccountReport:
        (report,) = await reports(self.store, lambda one: self.http(one).spending(self.now), self.now)
        return report

    async def close(self) -> None:
        for http in self.https.values():
            await http.close()


def measure(folder: Path) -> None:
    """Measure and print."""
    logging.disable(logging.WARNING)
    _show([asyncio.run(_measured(count, folder / str(count))) for count in (1, 10)])


async def _measured(count: int, folder: Path) -> Result:
    world = World(count, folder)
    await world.clouds.start()
    async with _listening(world) as url:
        await world.join(url)
        await world.live(START + 10 * DAY, filled=True)
        first = world.now - START
        await world.live(world.now + DAY)
        began = world.now
        await world.live(began + 2 * DAY)
        usual = [one for one in await world.store.receipts("one", limit=100_000) if one.at >= began]
        world.now = back = world.now + OUTAGE
        await world.clouds.advance()
        await world.live(back + 10 * DAY, filled=True)
        took = world.now - back
        receipts = await world.store.receipts("one", limit=100_000)
        lost, doubled = await _compared(world, back)
        series = sum(one.act == "history" for one in (await world.report()).past)
    await world.close()
    return Result(
        count,
        len(usual) / 48 / count,
        lost,
        doubled,
        first / timedelta(minutes=1),
        took / timedelta(minutes=1),
        (-(-series // 20) - 1) * 60.0,
        (-(-series // (20 - count - 1)) - 1) * 60.0,
        sum(one.status in {400, 429} for one in receipts),
    )


async def _compared(world: World, until: datetime) -> tuple[int, int]:
    """How many readings the hub lacks of those that the cloud told since the hub knows it, and how many of its own are none."""
    lost = doubled = 0
    for site in await world.store.sites():
        for probe in await world.store.probes(site.id):
            (twin,) = [one for one in await world.truth.probes() if one.key == probe.key]
            for quantity in await world.store.quantities(probe.id):
                kept = {one.at.replace(microsecond=0) for one in await world.store.history(probe.id, quantity)}
                told = [one.at.replace(microsecond=0) for one in await world.truth.history(twin.id, quantity)]
                first = min(kept)
                lost += len([at for at in told if first <= at <= until - HOUR and at not in kept])
                doubled += len(kept - set(told))
    return lost, doubled


@asynccontextmanager
async def _listening(world: World) -> AsyncIterator[str]:
    app = world.clouds.app(quotas=True, pause=world.pause)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        served = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/ondilo"
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await served


def _show(results: list[Result]) -> None:
    console = Console(width=150)
    cost = Table(
        "client", "requests per pool and hour", "what came of it", title="steady collecting", title_justify="left"
    )
    for one in results:
        said = f"{one.lost} readings lost, {one.doubled} invented, {one.refused} requests refused; history and recommendations"
        cost.add_row(
            f"Margelle, {one.pools} pool{'s' * (one.pools > 1)} on an account", f"{one.per_pool_and_hour:.2f}", said
        )
    for name, figure, said in OTHERS:
        cost.add_row(name, f"{figure:.0f}", said)
    console.print(cost)
    outage = Table(
        "pools",
        "first connection, min",
        "29 days away, min",
        "least, with nothing fresh, min",
        "least, with fresh values, min",
        title="until all is there",
        title_justify="left",
    )
    for one in results:
        figures = (one.first_min, one.outage_min, one.least_min, one.beside_min)
        outage.add_row(str(one.pools), *(f"{figure:.0f}" for figure in figures))
    console.print(outage)
