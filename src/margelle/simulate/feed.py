"""Brings what one pool's device measures, and what the cloud recommends for it, into the cloud's store up to the present."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from statistics import fmean
from typing import Final

import msgspec
from msgspec import Struct

from margelle.domain.measurement import Measurement, Reading
from margelle.ports import Store
from margelle.simulate.advice import Adviser
from margelle.simulate.roster import Place
from margelle.simulate.water import Water

PAST: Final = timedelta(days=365)
"""How much a cloud knows of the time before its first start."""

ADVISED_PAST: Final = timedelta(days=60)
"""How far back it has recommended things."""

CHUNK: Final = 6_000
"""Measurements kept at once."""

DAY: Final = timedelta(days=1)

ADVICE_TIME: Final = time(4, 9, 59, tzinfo=UTC)
"""When the cloud looks at the first pool's last day; at the next ones some minutes later."""


class Progress(Struct, frozen=True):
    """What the store has: all readings before `filled`, all recommendations up to `advised`; `now` is when that was kept, by the cloud's clock."""

    filled: datetime
    advised: datetime
    now: datetime


class Feed:
    """One pool's way into the store. It may be killed at any moment: what it does again changes nothing.

    `started` is when the cloud was started for the first time, and `past` how much it knew then. What the store refused is kept until it
    takes it.
    """

    def __init__(self, store: Store, place: Place, seed: str, started: datetime, past: timedelta = PAST) -> None:
        self._store, self._place = store, place
        self._first = Progress(started - past, started - min(past, ADVISED_PAST), started)
        self._water = Water(seed, place.pool, place.probe.id)
        self._adviser = Adviser(place)
        self._minute = timedelta(minutes=7 * place.position)
        self._last_day: deque[Reading] = deque(maxlen=72)
        self._batch: list[Measurement] = []

    @property
    def memo(self) -> str:
        """Under which name the store keeps the progress."""
        return f"clouds/{self._place.site.id}"

    @property
    def vendor(self) -> str:
        """Whose cloud the pool is at."""
        return self._place.pool.vendor

    async def open(self) -> None:
        """Take up where the store says an earlier run has stopped."""
        said = await self._store.memo(self.memo)
        self._progress = msgspec.json.decode(said, type=Progress) if said else self._first
        restarted = await self._store.memo(self._restarts)
        self._water.restarts = msgspec.json.decode(restarted, type=list[float]) if restarted else []
        self._look_ahead()

    async def restart(self, now: datetime) -> None:
        """The device is restarted: it measures at once, and then every ten minutes for an hour. What was kept already stays."""
        at = now.replace(microsecond=0)
        self._water.restarts.append(at.timestamp())
        await self._store.put_memo(self._restarts, msgspec.json.encode(self._water.restarts))
        await self._save(min(at, self._progress.filled), now)  # what was to come comes otherwise
        self._look_ahead()

    @property
    def _restarts(self) -> str:
        return f"{self.memo}/restarts"

    def _look_ahead(self) -> None:
        self._last_day.clear()
        self._readings = self._water.readings(self._progress.filled - DAY)
        self._ahead = next(self._readings)
        while self._ahead.at < self._progress.filled:
            self._shift()

    async def advance(self, now: datetime, told: Callable[[float], None]) -> None:
        """Keep all that was measured up to `now`, and recommend what follows; `told` hears what share of the way is done."""
        begun = self._progress.filled
        while min(self._ahead.at, self._advice_at()) <= now:
            if self._advice_at() <= self._ahead.at:
                await self._advise(now)
                continue
            self._batch.extend(self._shift().measurements.values())
            if len(self._batch) >= CHUNK:
                await self._keep(now)
                told((self._progress.filled - begun) / (now - begun))
                await asyncio.sleep(0)  # others want to answer meanwhile
        if self._batch:
            await self._keep(now)
        told(1.0)

    def _shift(self) -> Reading:
        reading, self._ahead = self._ahead, next(self._readings)
        self._last_day.append(reading)
        return reading

    def _advice_at(self) -> datetime:
        """The next instant at which the cloud looks at the pool."""
        at = datetime.combine(self._progress.advised.date(), ADVICE_TIME) + self._minute
        return at if at > self._progress.advised else at + DAY

    async def _keep(self, now: datetime) -> None:
        await self._store.add(self._batch, now)
        self._batch = []
        await self._save(self._ahead.at, now)

    async def _advise(self, now: datetime) -> None:
        at = self._advice_at()
        known = await self._store.recommendations(self._place.site.id, waiting=False)
        waiting = self._adviser.waiting(known, self._means(at), at)
        changed = {r.id for r in waiting} != {r.id for r in known if r.status == "waiting"}
        if changed:
            await self._store.put_recommendations(self._place.site.id, waiting)
        self._progress = msgspec.structs.replace(self._progress, advised=at)
        if changed:
            await self._save(self._progress.filled, now)

    async def _save(self, filled: datetime, now: datetime) -> None:
        self._progress = msgspec.structs.replace(self._progress, filled=filled, now=now)
        await self._store.put_memo(self.memo, msgspec.json.encode(self._progress))

    def _means(self, at: datetime) -> dict[str, float]:
        """The means of the valid values of the day before `at`."""
        values: dict[str, list[float]] = {}
        for reading in self._last_day:
            for quantity, measurement in reading.measurements.items():
                if at - DAY <= reading.at < at and measurement.valid and measurement.value is not None:
                    values.setdefault(quantity, []).append(measurement.value)
        return {quantity: fmean(of_quantity) for quantity, of_quantity in values.items()}
