"""Collectors in processes of their own, on one SQLite store, killed (SIGKILL) while they ask the clouds over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import uvicorn
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from margelle.cli import house
from margelle.collect import plan, progress
from margelle.collect.line import REST
from margelle.domain.site import Account, User
from margelle.ports import Rate
from margelle.serve.sign_in import hash_password
from margelle.simulate.clouds import Clouds
from margelle.simulate.faults.log import Entry
from margelle.simulate.pool import FAMILY, POOLS
from margelle.simulate.station import STATIONS
from margelle.store.memory import MemoryStore
from tests.soak.clock import START
from tests.soak.collecting import Clock, settings_in
from tests.soak.schedule import DAY, HOUR
from tests.soak.verdict import Found, Key, look_for_revisions, look_for_wrong, points
from tests.soak.world import VENDORS, Tally

OWNERS, COLLECTORS = 4, 3
KILLS, HOURS, CALM = 8, 3, 1
PASSWORD = "correct horse"
QUIET_S, PATIENCE_S = 0.5, 150.0
FLIPR = next(one for one in POOLS[0] if one.vendor == "flipr")
ACCOUNTS = {**{f"ondilo-{n}": "ondilo" for n in range(OWNERS)}, "flipr-0": "flipr", "baxo-0": "baxo"}


def owner(account: str) -> str:
    return f"{account[-1]}@x.example"


def rates_of(vendor: str) -> list[Rate]:
    """What no window may exceed as the cloud counts: our pace by the hour, and by the second the vendor's quota, since requests do not travel equally fast."""
    return [rate for rate in VENDORS[vendor].pace if rate.seconds >= 3600] + [*VENDORS[vendor].quota]


class Sky:
    """The clouds, which count what each account asks (its address begins with its name), and collectors, of which some are killed in the middle of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ahead_s, self.begun = folder, 0.0, time.time()
        self._tell()
        self.clock, self.dice = Clock(folder / "clock"), Random(2026)
        self.truth = MemoryStore()
        pools = [
            replace(FAMILY, key=4000 + n, name=f"Pool {n}", serial=f"SN{n}", hardware=f"{n:016X}", shared_with=())
            for n in range(OWNERS)
        ]
        users = [User(f"{n}@x.example", hash_password(PASSWORD), "Ada", "L") for n in range(OWNERS)]
        self.clouds = Clouds(
            self.truth,
            list(VENDORS.values()),
            self._clouds_clock,
            seed="kill",
            users=users,
            pools=[[pool, *([replace(FLIPR, pump=None)] if n == 0 else [])] for n, pool in enumerate(pools)],
            stations=[STATIONS[0][:1] if n == 0 else () for n in range(OWNERS)],
            past=20 * DAY,
        )
        self._app = self.clouds.app(quotas=True)
        self.tallies = {name: Tally(rates_of(vendor)) for name, vendor in ACCOUNTS.items()}
        self.asked = asyncio.Event()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.killed, self.mourned = 0, 0
        self._countdown = 4

    def _clouds_clock(self) -> datetime:
        return START + timedelta(seconds=time.time() - self.begun + self.ahead_s)

    def _tell(self) -> None:
        """Let the collectors know the time."""
        new = self.folder / "clock.new"
        new.write_text(f"{self.begun!r} {self.ahead_s!r}")
        new.replace(self.folder / "clock")

    async def jump(self, by: timedelta) -> None:
        self.ahead_s += by.total_seconds()
        await self.clouds.advance()
        self._tell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: counted when it comes, and perhaps somebody's last."""
        account = scope["path"].split("/")[1]
        if account in ACCOUNTS:
            scope = {**scope, "path": scope["path"].removeprefix(f"/{account}")}
        else:
            account = "baxo-0"  # a next page, whose address the cloud has made
        self.tallies[account].add(
            Entry(0, self._clouds_clock(), "", "", ACCOUNTS[account], "", "", "", (), "", 0, 0, "")
        )
        self.asked.set()
        if self.dice.random() < 0.5:
            await self._app(scope, receive, send)
            self._strike()
        else:
            self._strike()
            await self._app(scope, receive, send)

    # --- the collectors

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.soak.collecting", str(self.folder)]
        self.processes.append(subprocess.Popen(command, cwd=Path(__file__).parents[2]))

    def _strike(self) -> None:
        self._countdown -= 1
        if self._countdown > 0 or self.killed >= KILLS or not self.processes:
            return
        self.killed += 1
        self._countdown = self.dice.randint(2, 12)
        self.kill(self.dice.randrange(len(self.processes)))
        if self.killed % 4:  # of every fourth only the others remain, until the hour is over
            self.start()

    def kill(self, n: int) -> None:
        process = self.processes.pop(n)
        process.kill()
        process.wait()

    async def settle(self, home: house.House) -> None:
        """Wait until all that run have claimed, and nothing is due any more; in a quiet moment time goes on a little."""
        ends_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at:
            self.asked.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.asked.wait(), QUIET_S)
            there = {name.split()[-2] for name in await home.store.collectors(self.clock())}
            assert [process.poll() for process in self.processes] == [None] * len(self.processes)
            if self.asked.is_set() or not there >= {str(process.pid) for process in self.processes}:
                continue
            if not await self._is_due(home):
                return
            await self.jump(REST)
        raise AssertionError(f"not settled after {PATIENCE_S} s")

    async def shared(self, home: house.House) -> dict[str, int]:
        """Who collects and how many accounts each has, once they have all of them."""
        ends_at = time.monotonic() + PATIENCE_S
        while sum((claimed := await home.store.collectors(self.clock())).values()) < len(ACCOUNTS):
            assert time.monotonic() < ends_at, claimed
            await asyncio.sleep(QUIET_S)
        return claimed

    async def _is_due(self, home: house.House) -> bool:
        """Whether any account's plan wants to ask something now."""
        now = self.clock()
        for account in await home.store.accounts():
            known, spending = await progress.load(home.store, account.id), home.spending(account)
            assert spending is not None
            if plan.asks(account.id, known, spending, now)[0].due_at <= now:
                return True
        return False

    def close(self) -> None:
        while self.processes:
            self.kill(0)


@asynccontextmanager
async def listening(sky: Sky) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(sky, log_config=None, access_log=False, ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        served = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            sky.close()
            server.should_exit = True
            await served


async def furnish(home: house.House, url: str) -> None:
    for name, vendor in ACCOUNTS.items():
        if await home.store.user(owner(name)) is None:
            await home.store.put_user(User(owner(name), "$argon2id$none"))
        account = Account(name, vendor, owner(name), owner(name), f"{url}/{name}/{vendor}")
        await home.store.put_account(account)
        await home.tokens(account).keep(await home.connector(account).sign_in(owner(name), PASSWORD))


async def compared(home: house.House, sky: Sky, vendor: str, until: datetime) -> tuple[Found, list[Key]]:
    """What is wrong with what is kept, and what of the truth is not."""
    doubled: list[Key] = []
    true, kept = await points(sky.truth, vendor), await points(home.store, vendor, doubled)
    found = Found(DAY, doubled=doubled)
    look_for_wrong(found, true, kept, ahead=False)
    await look_for_revisions(found, home.store, true, kept, ahead=False)
    known = [await progress.load(home.store, name) for name, of in ACCOUNTS.items() if of == vendor]
    past = {(probe, quantity) for one in known for probe, track in one.probes.items() for quantity in track.remembered}
    assert past
    return found, [key for key in true if key[:2] in past and key[2] < until and key not in kept]


@pytest.mark.timeout(900)
async def test_collectors_that_are_killed_lose_and_double_nothing_and_take_over_from_each_other(tmp_path: Path) -> None:
    sky = Sky(tmp_path)
    await sky.clouds.start()
    async with listening(sky) as url, house.opened(settings_in(tmp_path), sky.clock) as home:
        await furnish(home, url)
        for hour in range(HOURS + CALM):
            while len(sky.processes) < COLLECTORS - (hour >= HOURS):
                sky.start()
            if hour == HOURS:  # nobody comes back, and one more is gone
                sky.kill(0)
            await sky.settle(home)
            await sky.jump(HOUR + timedelta(minutes=1))
        await sky.settle(home)
        claimed = await sky.shared(home)
        living = {str(process.pid) for process in sky.processes}
        assert {name.split()[-2] for name in claimed} == living
        for vendor in VENDORS:
            found, lost = await compared(home, sky, vendor, sky.clock() - HOUR)
            assert (lost, found.strangers, found.wrong, found.doubled, found.revised) == ([], [], [], [], [])
    assert sky.killed == KILLS
    assert len(living) == COLLECTORS - 1
    assert {name: tally.beyond for name, tally in sky.tallies.items()} == dict.fromkeys(ACCOUNTS, 0)
    assert min(tally.requests for tally in sky.tallies.values()) > HOURS + CALM
