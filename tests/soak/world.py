"""The three clouds, and a hub that collects from them, over time."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from msgspec.structs import replace

from margelle.collect import progress
from margelle.collect.loop import Collector
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, User
from margelle.errors import MargelleError
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.ports import Rate, Request, Store, Vendor
from margelle.serve.sign_in import hash_password
from margelle.simulate.clouds import Clouds
from margelle.simulate.faults import Faults, Log
from margelle.simulate.faults.log import Entry
from margelle.simulate.pool import POOLS
from margelle.simulate.station import STATIONS
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors.answer import is_limit
from margelle.vendors.baxo import BAXO
from margelle.vendors.flipr import FLIPR
from margelle.vendors.ondilo import ONDILO
from tests.soak.mortal import Killed, Mortal
from tests.soak.schedule import DAY, HOUR, HUB, Trouble
from tests.soak.wire import Wire

START: Final = datetime.fromisoformat("2026-07-01T09:17:00+00:00")
PAST: Final = 45 * DAY
"""What the clouds know of the time before."""
LOGIN, PASSWORD = "ada@x.example", "correct horse"
VENDORS: Final = {vendor.name: vendor for vendor in (ONDILO, FLIPR, BAXO)}
Span = tuple[datetime, datetime]


class Time:
    """The true time, the machine's running time, and what the hub's clock says."""

    def __init__(self) -> None:
        self.now, self.wrong_by, self.started = START, timedelta(0), START - DAY

    def __call__(self) -> datetime:
        return self.now

    def told(self) -> datetime:
        return self.now + self.wrong_by

    def uptime_s(self) -> float:
        return (self.now - self.started).total_seconds()

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Tally(Log):
    """The cloud's own count of what it was asked, held against `rates` in every sliding window."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        super().__init__(1)
        self._recent = {rate: deque[datetime](maxlen=rate.requests + 1) for rate in rates}
        self.requests, self.beyond = 0, 0
        self.faults, self.statuses = Counter[str](), Counter[int]()

    def add(self, entry: Entry) -> None:
        self.requests += 1
        self.statuses[entry.status] += 1
        if entry.fault:
            self.faults[entry.fault] += 1
        for rate, recent in self._recent.items():
            recent.append(entry.at)
            full = len(recent) > rate.requests
            self.beyond += full and (recent[-1] - recent[0]).total_seconds() < rate.seconds


class Cloud:
    """One vendor's, with its own faults and its own count."""

    def __init__(self, vendor: Vendor, clouds: Clouds, time: Time) -> None:
        self.vendor, self.time = vendor, time
        self.faults, self.tally = Faults(), Tally(vendor.pace)
        self.down = False
        app = clouds.app(quotas=True, faults=self.faults, log=self.tally, pause=time.pause)
        self.wire = Wire(app, time, lambda: self.down)

    def begin(self, trouble: Trouble) -> None:
        if trouble.kind == "outage":
            self.down = True
            return
        mine = [one for one in self.faults.fault(trouble.name).operations if one.startswith(f"{self.vendor.name}/")]
        times = 2 if trouble.name == "readings-10min" else None
        self.faults.choose(trouble.name, trouble.chance, operations=mine, times=times)

    def end(self, trouble: Trouble) -> None:
        if trouble.kind == "outage":
            self.down = False
        else:
            self.faults.end(trouble.name)


class World:
    """Lives through `troubles` until `until`. What it notes: when which cloud could not be asked (`spans`), and how often what happened."""

    def __init__(self, folder: Path, seed: int, troubles: Sequence[Trouble], until: datetime) -> None:
        self.folder, self.troubles, self.until = folder, troubles, until
        self.time, self.dice = Time(), Random(f"{seed} user")
        self.truth = open_store(str(folder / "clouds.sqlite"), Vault.open(folder / "clouds.key"))
        users = [User(LOGIN, hash_password(PASSWORD), "Ada", "L")]
        pools = [next(one for one in POOLS[0] if one.vendor == name) for name in ("ondilo", "flipr")]
        if seed % 2:  # without a pump, which is asked about more often than all the rest
            pools = [replace(one, pump=None) for one in pools]
        stations = [STATIONS[0][:1]]
        self.sky = Clouds(
            self.truth,
            list(VENDORS.values()),
            self.time,
            seed=str(seed),
            users=users,
            pools=[pools],
            stations=stations,
            past=PAST,
        )
        self.clouds = {name: Cloud(vendor, self.sky, self.time) for name, vendor in VENDORS.items()}
        self.spans: dict[str, list[Span]] = {name: [] for name in (*VENDORS, HUB)}
        self.count = Counter[str]()
        self.came: dict[tuple[str, str, datetime], datetime] = {}
        """When each reading was kept for the first time."""
        self._refused: dict[str, tuple[datetime, datetime]] = {}
        self._looked_at = START

    # --- the hub

    async def _start(self) -> None:
        store = open_store(str(self.folder / "hub.sqlite"), Vault.open(self.folder / "hub.key"))
        self.mortal = Mortal(store, self._note)
        self.store: Store = self.mortal.store
        self.https: dict[str, CloudHttp] = {}
        self.keepers: dict[str, TokenKeeper] = {}
        self.collector = Collector(self.store, VENDORS, self._http, self._tokens, self.time.told)
        self.on = True

    async def _stop(self) -> None:
        """Without a word, as a process dies."""
        self.on, self.mortal.dead = False, True
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for http in self.https.values():
            await http.close()
        await self.store.close()

    def _http(self, account: Account) -> CloudHttp:
        if account.id not in self.https:
            cloud = self.clouds[account.vendor]
            path = self.folder / "budget.sqlite"
            budget = Budget(path, account.id, cloud.vendor.pace, uptime=self.time.uptime_s)
            self.https[account.id] = CloudHttp(
                account.id,
                self.store,
                budget,
                self.time.told,
                session=cloud.wire.session,
                pause=self.time.pause,
                is_limit=is_limit,
            )
        return self.https[account.id]

    def _tokens(self, account: Account) -> TokenKeeper:
        return self.keepers.setdefault(account.id, TokenKeeper(account.id, self.store, self.time.told))

    def _note(self, kept: Sequence[Measurement]) -> None:
        for one in kept:
            self.came.setdefault((one.probe, one.quantity, one.at.replace(microsecond=0)), self.time.now)

    # --- its user

    async def _sign_in(self, account: Account) -> None:
        vendor = VENDORS[account.vendor]
        connector = vendor.connect(account.base_url, self._http(account), self.time.told)
        await self._tokens(account).keep(await connector.sign_in(LOGIN, PASSWORD))
        await self.store.end_incident(account.id, account.id, "sign-in", self.time.told())

    async def _look(self) -> None:
        """Every hour: whoever is asked to sign in again does so in the next day."""
        self._looked_at = self.time.now
        for one in await self.store.incidents(open_only=True):
            if one.kind == "sign-in" and one.account not in self._refused:
                wait = HOUR * self.dice.uniform(0.2, 24)
                self._refused[one.account] = self._looked_at - HOUR, self._looked_at + wait
        for name, (since, at) in list(self._refused.items()):
            if at <= self.time.now:
                await self._try(name, since)

    async def _try(self, name: str, since: datetime) -> None:
        account = await self.store.account(name)
        assert account is not None
        try:
            await self._sign_in(account)
        except MargelleError:
            self._refused[name] = since, self.time.now + HOUR * self.dice.uniform(0.5, 6)
            return
        self.count["signed in again"] += 1
        self.spans[account.vendor].append((since, self.time.now))
        del self._refused[name]

    # --- life

    async def live(self) -> None:
        await self.sky.start()
        await self._start()
        await self.store.put_user(User(LOGIN, "$argon2id$none"))
        for name in VENDORS:
            account = Account(name, name, LOGIN, LOGIN, f"http://cloud.test/{name}")
            await self.store.put_account(account)
            await self._sign_in(account)
        turns = [(one.at, n, True) for n, one in enumerate(self.troubles)]
        turns += [(one.until, n, False) for n, one in enumerate(self.troubles)]
        for at, n, begins in sorted(turns):
            await self._go_on(at)
            await self._turn(self.troubles[n], begins=begins)
        await self._go_on(self.until)
        if not self.on:
            await self._start()

    async def _go_on(self, until: datetime) -> None:
        while self.time.now < until:
            await self.sky.advance()
            due = await self._round() if self.on else until
            self.time.now = min(max(due, self.time.now + timedelta(seconds=1)), max(until, self.time.now))

    async def _round(self) -> datetime:
        """When to look again, by the true time."""
        try:
            if self._looked_at + HOUR <= self.time.now:
                await self._look()
            due = await self.collector.round()
        except Killed:
            self.count["killed"] += 1
            await self._stop()
            begun = self.time.now
            self.time.now += timedelta(seconds=self.dice.uniform(1, 300))
            self.spans[HUB].append((begun, self.time.now))
            await self._start()
            return self.time.now
        return self.time.now + timedelta(minutes=1) if due is None else due - self.time.wrong_by

    async def _turn(self, one: Trouble, *, begins: bool) -> None:
        if not begins:
            self.spans[one.whose].append((one.at, self.time.now))
        else:
            self.count[one.kind] += 1
        if one.whose != HUB:
            cloud = self.clouds[one.whose]
            cloud.begin(one) if begins else cloud.end(one)
        elif one.kind == "clock":
            self.time.wrong_by = one.clock if begins else timedelta(0)
        elif one.kind == "burst":
            if begins:
                await self._burst()
                await self._stop()
                await self._start()
                await self._burst()
        elif one.kind == "kill":
            if begins:
                self.mortal.doom(one.writes)
        elif begins:
            await self._stop()
        else:
            if one.kind == "reboot":
                self.time.started = self.time.now
            await self._start()

    async def _burst(self) -> None:
        """Ask each cloud for nothing in particular, as often as the budget allows."""
        for account in await self.store.accounts():
            with suppress(MargelleError):
                while True:
                    await self._http(account).ask(Request("burst", "GET", f"{account.base_url}/nothing"))
                    self.count["asked in bursts"] += 1

    async def remembered(self) -> dict[str, set[str]]:
        """By probe, the quantities whose past its cloud tells."""
        found: dict[str, set[str]] = {}
        for name in VENDORS:
            known = await progress.load(self.store, name)
            found |= {probe: set(track.remembered) for probe, track in known.probes.items()}
        return found

    async def close(self) -> None:
        if self.on:
            await self._stop()
        await self.truth.close()
