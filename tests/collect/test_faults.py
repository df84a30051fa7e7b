"""The collector against the clouds' catalogue of faults: over HTTP, with virtual time, it loses nothing and invents nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina
import uvicorn
from starlette.types import ASGIApp

from margelle.collect.loop import Collector
from margelle.collect.progress import States, none_is_on_or_off
from margelle.domain.site import Account, User
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.ports import Store, Vendor
from margelle.serve.sign_in import hash_password
from margelle.simulate.clouds import Clouds
from margelle.simulate.faults import CATALOGUE, Faults, Log
from margelle.simulate.faults.content import AHEAD
from margelle.simulate.pool import POOLS
from margelle.simulate.station import STATIONS
from margelle.store import open_store
from margelle.store.memory import MemoryStore
from margelle.store.vault import Vault
from margelle.vendors.answer import is_limit
from margelle.vendors.baxo import BAXO
from margelle.vendors.flipr import FLIPR
from margelle.vendors.ondilo import ONDILO
from tests.collect.cloud import DAY, DECIMALS, HOUR, START, VirtualClock
from tests.simulate.faults.client import ask

LOGIN, PASSWORD = "ada@x.example", "correct horse"
BEFORE, DURING, AFTER = 4 * HOUR, 9 * HOUR, 18 * HOUR
"""By when all is well, when the fault is over, and when nothing may be missing any more."""
STEP = timedelta(minutes=10)
VENDORS = {vendor.name: vendor for vendor in (ONDILO, FLIPR, BAXO)}
CASES = [
    (vendor, fault.name)
    for vendor in VENDORS
    for fault in CATALOGUE
    if any(one.startswith(f"{vendor}/") for one in fault.operations)
]
SELDOM_ASKED = {"pools-400", "pools-none", "pool-vanished", "device-null", "thresholds-null", "readings-10min"}
ASKED_FOR_AGAIN = {"keys-renamed"}
"""Faults of which something came, so that only the weekly look back mends them."""
"""Faults of what the collector asks once a day, and a few more."""
FACES: dict[str, dict[str, Any]] = {"baxo": {"page_rows": 30}, "flipr": {"access_token_life_s": 5400.0}}
FROM_THE_START = {"next-expired", "next-circles", "rows-doubled", "rows-reordered"}
"""Faults of the past, which is asked for at first."""
REFUSING = {"token-revoked", "login-refused", "not-activated", "forbidden-403"}
NOT_COLLECTED = {
    ("baxo", "keys-renamed"),  # of several devices at once, of which the collector asks one by one
    ("ondilo", "login-refused"),  # of a form that only people fill in
    ("flipr", "login-refused"),  # likewise: the hub has a refresh token
}
TOLD_WELL = {"times-naive", "times-zoned", "rows-doubled", "rows-reordered", "keys-renamed", "disinfectant-bare", "temperature-null",
             "device-null", "thresholds-null", "refresh-token-absent", "readings-10min", "object-empty", "last-gone", "current-empty",
             "token-expired", "next-expired", "next-circles", "slow"}  # fmt: skip
"""Faults that a collector gets over without a word."""
Key = tuple[str, str, datetime]
Points = dict[Key, float]


class World:
    """A vendor's cloud with one pool or station, and a hub that collects from it."""

    def __init__(self, folder: Path, vendor: Vendor, states: States = none_is_on_or_off) -> None:
        self.vendor, self.states = vendor, states
        self.clock = VirtualClock()
        self.folder = folder
        self.truth = MemoryStore()
        self.faults, self.log = Faults(), Log(100_000)
        users = [User(LOGIN, hash_password(PASSWORD), "Ada", "L")]
        self.clouds = Clouds(
            self.truth,
            [vendor],
            self.clock,
            seed="m",
            users=users,
            pools=[[next((pool for pool in POOLS[0] if pool.vendor == vendor.name), POOLS[0][0])]],
            stations=[STATIONS[0][:1]],
            past=timedelta(days=2),
        )
        self.store: Store = open_store(str(folder / "hub.sqlite"), Vault.open(folder / "key"))
        self.https: list[CloudHttp] = []

    @property
    def app(self) -> ASGIApp:
        return self.clouds.app(FACES, quotas=True, faults=self.faults, log=self.log, pause=self.pause)

    async def pause(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)

    def http(self, account: Account) -> CloudHttp:
        budget = Budget(self.folder / "budget.sqlite", account.id, self.vendor.pace)
        self.https.append(CloudHttp(account.id, self.store, budget, self.clock, pause=self.pause, is_limit=is_limit))
        return self.https[-1]

    def tokens(self, account: Account) -> TokenKeeper:
        return TokenKeeper(account.id, self.store, self.clock)

    async def join(self, url: str) -> None:
        """The hub's user signs in, and collecting can begin."""
        await self.clouds.start()
        account = Account("one", self.vendor.name, LOGIN, LOGIN, f"{url}/{self.vendor.name}")
        await self.store.put_user(User(LOGIN, "$argon2id$none"))
        await self.store.put_account(account)
        token = await self.vendor.connect(account.base_url, self.http(account), self.clock).sign_in(LOGIN, PASSWORD)
        await self.tokens(account).keep(token)
        vendors = {self.vendor.name: self.vendor}
        self.collector = Collector(self.store, vendors, self.http, self.tokens, self.clock, states=self.states)

    async def live(self, until: datetime) -> None:
        """Let virtual time pass, for the cloud's probe and for the hub."""
        while self.clock.now < until:
            due = await self.collector.round() or until
            self.clock.now = min(max(due, self.clock.now), until, self.clock.now + STEP)
            await self.clouds.advance()

    async def sign_in_again(self) -> None:
        """What the hub asks of its user: the token was good all the time, and is entered once more."""
        (account,) = await self.store.accounts()
        token = await self.vendor.connect(account.base_url, self.http(account), self.clock).sign_in(LOGIN, PASSWORD)
        await self.tokens(account).keep(token)
        await self.store.end_incident(account.id, account.id, "sign-in", self.clock())

    async def close(self) -> None:
        for http in self.https:
            await http.close()
        await self.store.close()
        await self.truth.close()


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    config = uvicorn.Config(app, log_level="critical", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as door:
        served = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            await served


@asynccontextmanager
async def closing(world: World) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await world.close()


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """No real waiting between two attempts."""
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


async def points(store: Store) -> Points:
    """Every measurement with a value, by its second: the wire has no more."""
    found: Points = {}
    for site in await store.sites():
        for probe in await store.probes(site.id):
            for quantity in await store.quantities(probe.id):
                if quantity in DECIMALS or quantity.startswith("baxo."):
                    for point in await store.history(probe.id, quantity):
                        if point.value is not None:
                            at = point.at.replace(microsecond=0)
                            found[probe.id, quantity, at] = round(point.value, DECIMALS.get(quantity, 2))
    return found


@pytest.mark.parametrize(("vendor", "name"), [case for case in CASES if case not in NOT_COLLECTED])
async def test_the_collector_survives_a_fault_without_loss_and_invents_nothing(
    tmp_path: Path, vendor: str, name: str
) -> None:
    world = World(tmp_path, VENDORS[vendor])
    longer = 3.5 * DAY if name in ASKED_FOR_AGAIN else DAY if name in SELDOM_ASKED else 0 * HOUR
    async with listening(world.app) as url, closing(world):
        await world.join(url)
        if name not in FROM_THE_START:
            await world.live(START + BEFORE)
            assert await world.store.incidents(open_only=True) == []
        world.faults.choose(name)
        if name == "readings-10min":
            await _restarted_by_another_client(world, url)
        if name == "current-empty":  # of a path that is asked where the other one fails
            world.faults.choose("last-gone")
        await world.live(START + DURING + longer)
        noted = await world.store.incidents()
        world.faults.clear()
        asked_for = {one.kind for one in noted if one.needs_user and one.ended_at is None}
        assert ("sign-in" in asked_for) == (name in REFUSING)
        if name in REFUSING:
            await world.sign_in_again()
        await world.live(START + AFTER + 2 * longer)
        assert name in {entry.fault for entry in world.log.entries()}
        assert await world.store.incidents(open_only=True) == []
        true, kept = await points(world.truth), await points(world.store)
    assert len(kept) > 150
    if name not in TOLD_WELL:
        assert all(len(one.what) > 20 for one in noted)
        assert noted
    _nothing_lost(true, kept, world.clock.now - 1.5 * HOUR, AHEAD if name == "clock-ahead" else 0 * HOUR)
    _nothing_invented(true, kept, AHEAD if name == "clock-ahead" else 0 * HOUR)


async def _restarted_by_another_client(world: World, url: str) -> None:
    """In the middle between two readings, and once only."""
    world.faults.choose("readings-10min", operations=["ondilo/pools"], times=1)
    await world.live(world.clock.now + 0.4 * HOUR)
    await asyncio.to_thread(ask, url, "GET", "/ondilo/api/customer/v1/pools")
    assert "readings-10min" not in world.faults.chosen


def _nothing_lost(true: Points, kept: Points, settled: datetime, ahead: timedelta) -> None:
    """Up to `settled`, since the first point. Whoever is told a wrong time may keep a point there instead."""
    first = min(at for _, _, at in kept)
    due = {key for key in true if first <= key[2] <= settled}
    assert {key for key in due if key not in kept and _moved(key, ahead) not in kept} == set()


def _nothing_invented(true: Points, kept: Points, ahead: timedelta) -> None:
    wrong = {_moved(key, ahead): value for key, value in true.items()}
    assert {key: value for key, value in kept.items() if value not in (true.get(key), wrong.get(key))} == {}


def _moved(key: Key, by: timedelta) -> Key:
    return key[0], key[1], key[2] + by
