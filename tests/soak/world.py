"""The three clouds, and a hub of several collectors, over time."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import apsw
from msgspec.structs import replace

from margelle.collect import progress
from margelle.collect.claims import CLAIM_EVERY, LEASE_S
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, User
from margelle.errors import MargelleError
from margelle.ports import Rate, Request, Store, Vendor
from margelle.serve.sign_in import hash_password
from margelle.simulate.clouds import Clouds
from margelle.simulate.faults import Faults, Log
from margelle.simulate.faults.log import Entry
from margelle.simulate.pool import POOLS
from margelle.simulate.station import STATIONS
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors.baxo import BAXO
from margelle.vendors.flipr import FLIPR
from margelle.vendors.ondilo import ONDILO
from tests.soak.clock import START, Time
from tests.soak.minute import MINUTE, Minute
from tests.soak.mortal import Killed
from tests.soak.process import Process
from tests.soak.schedule import DAY, HOUR, HUB, Trouble
from tests.soak.wire import Wire

PAST: Final = 45 * DAY
"""What the clouds know of the time before."""
LOGIN, PASSWORD = "ada@x.example", "correct horse"
VENDORS: Final = {vendor.name: vendor for vendor in (ONDILO, FLIPR, BAXO)}
Span = tuple[datetime, datetime]

MOMENT: Final = timedelta(seconds=1)


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


class Counts(Log):
    """Tells each of several."""

    def __init__(self, *tallies: Tally) -> None:
        super().__init__(1)
        self._tallies = tallies

    def add(self, entry: Entry) -> None:
        for one in self._tallies:
            one.add(entry)


class Cloud:
    """One vendor's, with its own faults and its own count."""

    def __init__(self, vendor: Vendor, clouds: Clouds, time: Time) -> None:
        self.vendor, self.time = vendor, time
        self.faults, self.tally, self.quota = Faults(), Tally(vendor.pace), Tally(vendor.quota)
        self.down = False
        app = clouds.app(quotas=True, faults=self.faults, log=Counts(self.tally, self.quota), pause=time.pause)
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
    """Lives through `troubles` until `until`, with several collectors on one store.

    What it notes: when which cloud could not be asked (`spans`), how often what happened, and for how many accounts nobody came when their collector was lost (`minute`).
    """

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
        self.minute = Minute()
        names = [f"collector-{n}" for n in range(2 + seed % 2)]
        self.collectors = [self._process(name, seed) for name in names]
        self.desk = self._process("desk", seed)
        """Where the user signs in: a process that lives for ever."""
        self._agenda: list[tuple[datetime, Process]] = []
        self._watched = self._wakes_at = START
        self._refused: dict[str, tuple[datetime, datetime]] = {}
        self._looked_at = START

    def _process(self, name: str, seed: int) -> Process:
        wires = {vendor: cloud.wire for vendor, cloud in self.clouds.items()}
        return Process(name, self.folder, VENDORS, wires, self.time, Random(f"{seed} {name}"), self._note)

    @property
    def store(self) -> Store:
        """As the user sees it."""
        return self.desk.store

    def _note(self, kept: Sequence[Measurement]) -> None:
        for one in kept:
            self.came.setdefault((one.probe, one.quantity, one.at.replace(microsecond=0)), self.time.now)

    # --- its user

    async def _sign_in(self, account: Account) -> None:
        vendor = VENDORS[account.vendor]
        connector = vendor.connect(account.base_url, self.desk.http(account), self.time.told)
        await self.desk.tokens(account).keep(await connector.sign_in(LOGIN, PASSWORD))
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
        self.desk.start()
        self._leases = apsw.Connection(str(self.folder / "hub.sqlite"))
        await self.store.put_user(User(LOGIN, "$argon2id$none"))
        for name in VENDORS:
            account = Account(name, name, LOGIN, LOGIN, f"http://cloud.test/{name}")
            await self.store.put_account(account)
            await self._sign_in(account)
        self._start_all()
        turns = [(one.at, n, True) for n, one in enumerate(self.troubles)]
        turns += [(one.until, n, False) for n, one in enumerate(self.troubles)]
        for at, n, begins in sorted(turns):
            await self._go_on(at)
            await self._turn(self.troubles[n], begins=begins)
        await self._go_on(self.until)

    async def _go_on(self, until: datetime) -> None:
        while self.time.now < until:
            await self.sky.advance()
            if self.works and self._looked_at + HOUR <= self.time.now:
                await self._look()
            await self._rounds()
            self._hold_against_the_minute()
            self.time.now = min(max(self._next(), self.time.now + MOMENT), max(until, self.time.now))
            self._claim_on()

    def _next(self) -> datetime:
        """When the next thing happens; after a collector was lost or came back, all claim as often as they do."""
        working = [one for one in self.collectors if one.works]
        due = min([*(one.due for one in working), *(at for at, _ in self._agenda)], default=self.until)
        return min(due, self.time.now + CLAIM_EVERY) if self.time.now < self._watched else due

    def _claim_on(self) -> None:
        """All that work have claimed their accounts every 15 seconds meanwhile."""
        until_us = round((self.time.told() + timedelta(seconds=LEASE_S) - CLAIM_EVERY).timestamp() * 1e6)
        working = [(until_us, one.name) for one in self.collectors if one.works]
        self._leases.executemany("UPDATE collector SET until = ? WHERE name = ?", working)

    async def _rounds(self) -> None:
        """Start who is to be started, and let all that work make a round, side by side."""
        for at, process in [*self._agenda]:
            if at <= self.time.now:
                self._agenda.remove((at, process))
                process.start()
        working = [process for process in self.collectors if process.works]
        for process in working:
            process.begin()
        while not all([await self._ended(process) for process in working if process.works]):  # noqa: ASYNC110 - no event: some sleep
            await asyncio.sleep(0)
        if any(process.on and not process.works for process in working):  # one fell asleep in the middle of its round
            self._lost(self._wakes_at)

    async def _ended(self, process: Process) -> bool:
        try:
            return process.ended()
        except Killed:
            await self._kill(process)
            return True

    async def _kill(self, process: Process) -> None:
        """It is gone, its leases are not; somebody starts it again."""
        self.count["killed"] += 1
        await process.stop()
        again_at = self.time.now + timedelta(seconds=self.dice.uniform(1, 300))
        self._agenda.append((again_at, process))
        self._lost(again_at)

    def _lost(self, back_at: datetime) -> None:
        """A collector is gone: within a minute another has its accounts, or it is back itself."""
        taken_at = self.time.now + MINUTE if self.works else back_at
        self.spans[HUB].append((self.time.now, taken_at))
        if self.works:
            self.minute.begin(self.time.now)
        self._watched = max(self._watched, taken_at + 2 * CLAIM_EVERY)

    def _hold_against_the_minute(self) -> None:
        """Every collector that works has claimed in this round."""
        if not self.works:
            self.minute.forget()
        elif self.minute.runs:
            working = {one.name for one in self.collectors if one.works}
            leases = self._leases.execute("SELECT account, collector FROM lease")
            self.minute.look(self.time.now, VENDORS.keys() - {account for account, name in leases if name in working})

    @property
    def works(self) -> bool:
        """Whether any collector does."""
        return any(one.works for one in self.collectors)

    def _start_all(self) -> None:
        self._agenda.clear()
        for process in self.collectors:
            process.start()

    async def _stop_all(self) -> None:
        self._agenda.clear()
        self.minute.forget()
        for process in self.collectors:
            if process.on:
                await process.stop()

    async def _turn(self, one: Trouble, *, begins: bool) -> None:
        if begins:
            self.count[one.kind] += 1
        elif one.whose != HUB or one.kind in {"off", "reboot", "clock"}:
            self.spans[one.whose].append((one.at, self.time.now))
        if one.whose != HUB:
            cloud = self.clouds[one.whose]
            cloud.begin(one) if begins else cloud.end(one)
        elif one.kind in {"off", "reboot"}:
            await self._switch(one, off=begins)
        elif one.kind == "clock":
            self.time.wrong_by = one.clock if begins else timedelta(0)
            self._watched = max(self._watched, self.time.now + MINUTE)
            self.minute.forget()
        elif begins:
            await self._befall(one)
        elif one.kind == "sleep":
            for process in self.collectors:
                process.life.wake()

    async def _switch(self, one: Trouble, *, off: bool) -> None:
        """The whole machine: all at once."""
        if off:
            await self._stop_all()
            return
        if one.kind == "reboot":
            self.time.started = self.time.now
        self._start_all()

    async def _befall(self, one: Trouble) -> None:
        """What happens to one of the collectors that work."""
        working = [process for process in self.collectors if process.works]
        if not working:
            return
        process = self.dice.choice(working)
        if one.kind == "kill":
            process.life.doom(one.steps)
        elif one.kind == "sleep":
            process.life.doze(one.steps)
            self._wakes_at = one.until
        else:
            with suppress(Killed):  # a step of the burst may be the one at which it dies anyway
                await self._burst(process)
            await self._kill(process)
            await self._burst(self.desk)

    async def _burst(self, process: Process) -> None:
        """Ask each cloud for nothing in particular, as often as the budget allows."""
        for account in await self.store.accounts():
            with suppress(MargelleError):
                while True:
                    await process.http(account).ask(Request("burst", "GET", f"{account.base_url}/nothing"))
                    self.count["asked in bursts"] += 1

    async def remembered(self) -> dict[str, set[str]]:
        """By probe, the quantities whose past its cloud tells."""
        found: dict[str, set[str]] = {}
        for name in VENDORS:
            known = await progress.load(self.store, name)
            found |= {probe: set(track.remembered) for probe, track in known.probes.items()}
        return found

    async def close(self) -> None:
        await self._stop_all()
        await self.desk.stop()
        self._leases.close()
        await self.truth.close()
