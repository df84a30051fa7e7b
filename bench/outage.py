"""What collecting costs in requests, and how soon an outage is made good: the real collector against Ondilo's imitated cloud, whose quota is on.

Time is simulated. The vendor allows 30 requests an hour. We allow ourselves 22, two of them for what users do themselves: the 20 that the plan has are what the
least is of.
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
from margelle.collect.share import KEPT
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
MONTH: Final = 30 * DAY
PLANNED: Final = ONDILO.pace[-1].requests - KEPT
OUTAGE: Final = 29 * DAY
LOGIN, PASSWORD = "bench@clouds.example", "a long enough one"
ONE, TWO = "one pool", "two pools"
OTHERS: Final = (
    (
        "Home Assistant's integration until 2024, every 5 minutes",
        ONE,
        36.0,
        "over the quota of 30: its entities vanished",
    ),
    ("Home Assistant's integration until 2024, every 5 minutes", TWO, 60.0, "over the quota of 30"),
    ("Home Assistant's integration at 20 minutes", ONE, 9.0, "failures were still seen"),
    ("Home Assistant's integration at 20 minutes", TWO, 15.0, "failures were still seen"),
    ("Home Assistant's integration at 60 minutes", ONE, 3.0, "no failures"),
    ("Home Assistant's integration at 60 minutes", TWO, 5.0, "no failures"),
    ("openHAB's binding, as it comes", ONE, 24.0, ""),
    ("openHAB's binding, as it comes", TWO, 40.0, "over the quota of 30"),
    ("the least: latest values and advice, once an hour", ONE, 2.0, "what any client needs that tells both"),
    ("the least: latest values and advice, once an hour", TWO, 4.0, "what any client needs that tells both"),
)
"""Requests an hour of other clients, as their sources, settings and users tell. None of them fetches what it has missed."""
POOLS: Final = (1, 2, 10)


class Result(Struct):
    """What was measured with so many pools; `least_min` if the hour's requests were for the past alone, `beside_min` if each pool is also asked once for what is fresh.

    Of all readings of every quantity that the cloud `told` since it was asked for the first time, `forgotten` had left its month before the quota let anybody ask; `lost` are
    others that the hub has not."""

    pools: int
    per_hour: float
    told: int
    forgotten: int
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
        """Let time pass; with `filled`, only until every probe has told how it is now, and nothing that can be asked for is missing."""
        while self.now < until:
            due = await self.collector.round() or until
            if filled and await self.lacks_nothing() and await self.knows_present():
                return
            self.now = min(max(due, self.now), until)
            await self.clouds.advance()

    async def lacks_nothing(self) -> bool:
        """Whether nothing that can be asked for is missing, nor waits to be asked for."""
        report = await self.report()
        return report.to_fill == 0 and not report.filling

    async def knows_present(self) -> bool:
        """Whether the hub's newest reading of each probe is at most two hours behind its cloud's, which may be silent: before, it cannot know what it lacks."""
        for twin in await self.truth.probes():
            true = max(one.at for one in (await self.truth.latest(twin.id, self.now)).values())
            mine = [probe for probe in await self.store.probes() if probe.key == twin.key]
            kept = [one.at for probe in mine for one in (await self.store.latest(probe.id, self.now)).values()]
            if not kept or max(kept) < true - 2 * HOUR:
                return False
        return True

    async def report(self) -> AccountReport:
        (report,) = await reports(self.store, lambda one: self.http(one).spending(self.now), self.now)
        return report

    async def close(self) -> None:
        for http in self.https.values():
            await http.close()


def measure(folder: Path) -> None:
    """Measure and print."""
    logging.disable(logging.WARNING)
    _show([asyncio.run(_measured(count, folder / str(count))) for count in POOLS])


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
        counts = await _compared(world, first, back + took)
        series = sum(one.act == "history" for one in (await world.report()).past)
    await world.close()
    return Result(
        count,
        len(usual) / 48,
        *counts,
        first / timedelta(minutes=1),
        took / timedelta(minutes=1),
        (-(-series // PLANNED) - 1) * 60.0,
        (-(-series // (PLANNED - count - 1)) - 1) * 60.0,
        sum(one.status in {400, 429} for one in receipts),
    )


async def _compared(world: World, first: timedelta, until: datetime) -> tuple[int, int, int, int]:
    """Of what the cloud told, the truth of every quantity held against the hub's store: how many readings it told, how many it forgot before anybody could ask,
    how many the hub lacks besides, and how many of its own are none."""
    told = forgotten = lost = doubled = 0
    for twin in await world.truth.probes():
        probe = next((one for one in await world.store.probes() if one.key == twin.key), None)
        for quantity in await world.truth.quantities(twin.id):
            true = [one.at.replace(microsecond=0) for one in await world.truth.history(twin.id, quantity)]
            true = [at for at in true if START - MONTH < at <= until - HOUR]
            rows = await world.store.history(probe.id, quantity) if probe else []
            kept = {one.at.replace(microsecond=0) for one in rows}
            missing = [at for at in true if at not in kept]
            early = sum(at <= START + first - MONTH for at in missing)
            told, forgotten, lost = told + len(true), forgotten + early, lost + len(missing) - early
            doubled += len(rows) - len(kept & {*true, *(at for at in kept if at <= START - MONTH or at > until - HOUR)})
    return told, forgotten, lost, doubled


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
    console = Console(width=170)
    cost = Table(
        "client",
        "account of",
        "requests an hour",
        "a pool",
        "what came of it",
        title="steady collecting, Ondilo (the vendor allows 30 requests an hour)",
        title_justify="left",
    )
    for one in results:
        said = f"of {one.told} readings {one.lost} lost, {one.doubled} doubled or invented; {one.refused} requests refused; with advice and the past"
        pools = "1 pool" if one.pools == 1 else f"{one.pools} pools"
        cost.add_row("Margelle", pools, f"{one.per_hour:.2f}", f"{one.per_hour / one.pools:.2f}", said)
    for name, pools, figure, said in OTHERS:
        cost.add_row(name, pools, f"{figure:.0f}", f"{figure / (1 if pools == ONE else 2):.1f}", said)
    console.print(cost)
    outage = Table(
        "pools",
        "first connection, min",
        "its month's end forgotten meanwhile, readings",
        "29 days away, min",
        "least, with nothing fresh, min",
        "least, with fresh values, min",
        title="until all is there",
        title_justify="left",
    )
    for one in results:
        figures = (one.first_min, one.forgotten, one.outage_min, one.least_min, one.beside_min)
        outage.add_row(str(one.pools), *(f"{figure:.0f}" for figure in figures))
    console.print(outage)
