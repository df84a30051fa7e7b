"""Brings what the instruments of one station report into the cloud's store, up to the present."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta

import msgspec

from margelle.domain.measurement import Measurement
from margelle.domain.unit import Unit
from margelle.ports import Store
from margelle.simulate.feed import CHUNK, PAST, Progress
from margelle.simulate.roster import Post
from margelle.simulate.water import ORIGIN


class Telemetry:
    """One station's way into the store. It may be killed at any moment: what it does again changes nothing."""

    def __init__(self, store: Store, post: Post, seed: str, started: datetime, past: timedelta = PAST) -> None:
        self._store, self._post, self._seed = store, post, seed
        self._filled = started - past

    @property
    def memo(self) -> str:
        """Under which name the store keeps the progress."""
        return f"clouds/{self._post.site.id}"

    async def open(self) -> None:
        """Take up where the store says an earlier run has stopped."""
        said = await self._store.memo(self.memo)
        self._filled = msgspec.json.decode(said, type=Progress).filled if said else self._filled

    async def advance(self, now: datetime, told: Callable[[float], None]) -> None:
        """Keep all that was reported before `now`; `told` hears what share of the way is done."""
        begun, day, batch = self._filled, self._filled.date(), list[Measurement]()
        while day <= now.date():
            batch += self._reported(day, now)
            day += timedelta(days=1)
            if len(batch) >= CHUNK:
                await self._store.add(batch, now)
                batch = []
                told(min(1.0, (day - begun.date()) / (now - begun)))
                await asyncio.sleep(0)  # others want to answer meanwhile
        if batch:
            await self._store.add(batch, now)
        if batch or now - begun > timedelta(hours=1):
            self._filled = now
            await self._store.put_memo(self.memo, msgspec.json.encode(Progress(now, now, now)))
        told(1.0)

    def _reported(self, day: date, now: datetime) -> list[Measurement]:
        station, probe = self._post.station, self._post.probe
        return [
            Measurement(probe.id, f"{station.vendor}.{tag}", at, float(text), text, Unit.RATIO, ORIGIN)
            for at, tag, text in station.day(self._seed, day)
            if self._filled <= at < now
        ]
