"""One of the hub's collectors: with a connection of its own to the store and to the budget, and nothing else in common with the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, cast

from margelle.collect.loop import Collector
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.ports import Store, Vendor
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors.answer import is_limit
from tests.soak.clock import Time
from tests.soak.mortal import Life, Mortal
from tests.soak.wire import Wire

IDLE: Final = timedelta(minutes=1)
"""After so long one without any account looks again."""


class Process:
    """Runs from `start` until it is killed or stopped; `due` is when it wants its next round, by the true time."""

    def __init__(
        self,
        name: str,
        folder: Path,
        vendors: Mapping[str, Vendor],
        wires: Mapping[str, Wire],
        time: Time,
        dice: Random,
        kept: Callable[[Sequence[Measurement]], None],
    ) -> None:
        self._name, self._folder, self._vendors, self._wires = name, folder, vendors, wires
        self._time, self._dice, self._kept = time, dice, kept
        self._door = folder / name
        self._door.symlink_to(folder, target_is_directory=True)  # by another path the file is opened once more
        self._starts = 0
        self.on = False
        self.due = time.now
        self.life = Life(dice)
        self._task: asyncio.Task[datetime | None] | None = None

    @property
    def name(self) -> str:
        """As it is called since its last start."""
        return f"{self._name}.{self._starts}"

    @property
    def works(self) -> bool:
        """Whether it is on and has the processor."""
        return self.on and not self.life.asleep

    def start(self) -> None:
        """As a new process: what it knows is what was kept."""
        self._starts += 1
        self.life = Life(self._dice)
        self._open = open_store(str(self._folder / "hub.sqlite"), Vault.open(self._folder / "hub.key"))
        self.store = cast("Store", Mortal(self._open, self.life, self._kept))
        self._https: dict[str, CloudHttp] = {}
        self._keepers: dict[str, TokenKeeper] = {}
        self._collector = Collector(self.store, self._vendors, self.http, self.tokens, self._time.told, name=self.name)
        self.on, self.due = True, self._time.now

    async def stop(self) -> None:
        """Without a word, as a process dies."""
        self.on, self.life.dead = False, True
        self.life.wake()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for keeper in self._keepers.values():
            await keeper.close()  # a renewal under way, which no more than the rest survives its next step
        for http in self._https.values():
            await http.close()
        await self._open.close()

    def http(self, account: Account) -> CloudHttp:
        """The way to an account's cloud."""
        if account.id not in self._https:
            pace = self._vendors[account.vendor].pace
            budget = Budget(self._door / "budget.sqlite", account.id, pace, uptime=self._time.uptime_s)
            self._https[account.id] = CloudHttp(
                account.id,
                self.store,
                cast("Budget", Mortal(budget, self.life)),
                self._time.told,
                session=self._wires[account.vendor].of(self.life),
                pause=self._pause,
                is_limit=is_limit,
            )
        return self._https[account.id]

    def tokens(self, account: Account) -> TokenKeeper:
        """What keeps an account's token."""
        return self._keepers.setdefault(account.id, TokenKeeper(account.id, self.store, self._time.told))

    def begin(self) -> None:
        """Begin a round, if none is under way."""
        if self._task is None:
            self._task = asyncio.create_task(self._collector.round())

    def ended(self) -> bool:
        """Whether its round is over: then `due` is set. Raises what it was killed by."""
        if self._task is None or not self._task.done():
            return self._task is None
        task, self._task = self._task, None
        due = task.result()
        self.due = self._time.now + IDLE if due is None else due - self._time.wrong_by
        return True

    async def _pause(self, seconds: float) -> None:
        await self.life.turn()
        await self._time.pause(seconds)
        await self.life.turn()
