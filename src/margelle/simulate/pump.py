"""A pool's filtration pump behind its switch: it runs by hand, by a timetable, or as long as the water's warmth asks for.

All that it does is in the cloud's store, so that it does the same again after any stop. What it did before somebody first switched it
follows from the water alone. The water does not feel it: that is filtered as the owner of `simulate.owner` does it by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from margelle.domain.measurement import Measurement
from margelle.domain.switch import Switch, SwitchMode, Turn, mode_at, state_at, state_of
from margelle.ports import Store
from margelle.simulate.feed import CHUNK, Feed, Progress
from margelle.simulate.owner import daily, filter_hours
from margelle.simulate.roster import Place
from margelle.simulate.water import ORIGIN

HOUR: Final = timedelta(hours=1)
REMEMBERED: Final = timedelta(days=3)
"""How old the temperature may be by which the hours of a day are reckoned; without one the timetable counts."""

_FAR: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Drive:
    """One pump's way into the store: a measurement of its mode when that is changed, and of its state when that changes.

    `water` is what brings the pool's own measurements there; `begun` is when the cloud was started for the first time, and how much of the
    time before it knows.
    """

    def __init__(
        self, store: Store, place: Place, switch: Switch, water: Feed, begun: tuple[datetime, timedelta]
    ) -> None:
        assert place.pool.pump is not None
        self._store, self._place, self._switch, self._water = store, place, switch, water
        self._timetable = place.pool.pump.timetable
        self._zone = ZoneInfo(place.pool.time_zone)
        self._filled = self._kept = begun[0] - begun[1]
        self._running: tuple[date, range] | None = None
        self._mode: SwitchMode = "auto"
        self._on = False
        self._changes: list[Measurement] = []

    @property
    def memo(self) -> str:
        """Under which name the store keeps the progress."""
        return f"clouds/{self._switch.id}"

    async def open(self) -> None:
        """Take up where the store says an earlier run has stopped; at the very first start, it runs by itself."""
        said = await self._store.memo(self.memo)
        if said is None:
            self._on = await self._runs(self._mode, self._filled)
            await self._keep(self._stands(self._filled, self._mode, on=self._on), self._filled)
            return
        newest = await self._store.latest(self._switch.id, _FAR)
        filled = msgspec.json.decode(said, type=Progress).filled
        self._filled = self._kept = max(filled, *(point.at for point in newest.values()))
        state = state_of(newest)
        assert state is not None
        self._on, self._mode = state.on, state.mode or "auto"

    async def advance(self, now: datetime, told: Callable[[float], None]) -> None:
        """Let it run up to `now`; `told` hears what share of the way is done."""
        begun = self._filled
        at = _hour_after(begun)
        while at <= now:
            if self._mode != "manual" and await self._runs(self._mode, at) != self._on:
                self._on = not self._on
                self._changes.append(state_at(self._switch, at, on=self._on, origin=ORIGIN))
            self._filled, at = at, at + HOUR
            if len(self._changes) >= CHUNK:
                await self._keep(self._changes, now)
                told((at - begun) / (now - begun))
                await asyncio.sleep(0)  # others want to answer meanwhile
        if self._changes or self._filled - self._kept > timedelta(days=1):
            await self._keep(self._changes, now)
        told(1.0)

    async def turn(self, wanted: Turn, now: datetime) -> None:
        """Switch it, or change its mode, at once."""
        await self._water.advance(now, _unheard)
        await self.advance(now, _unheard)
        mode: SwitchMode = "manual" if wanted == "on" or wanted == "off" else wanted  # noqa: PLR1714 - narrowed for mypy
        on = wanted == "on" if wanted in {"on", "off"} else await self._runs(mode, now)
        await self._keep(self._stands(now, mode, on=on), now)
        self._filled, self._mode, self._on = max(self._filled, now), mode, on

    async def _runs(self, mode: SwitchMode, at: datetime) -> bool:
        """Whether it runs at an instant in a mode: by hand, as it does already."""
        here = at.astimezone(self._zone)
        if mode == "manual":
            return self._on
        if mode == "auto":
            hours = await self._hours(here.date())
            if hours is not None:
                return here.hour in hours
        return any(since <= here.hour < until for since, until in self._timetable)

    async def _hours(self, today: date) -> range | None:
        """The hours of a day in which it runs by itself: as many as the newest temperature before that day asks for."""
        if self._running is None or self._running[0] != today:
            midnight = datetime.combine(today, time(), self._zone).astimezone(UTC)
            points = await self._store.history(self._place.probe.id, "temperature", midnight - REMEMBERED, midnight)
            known = [point.value for point in points if point.valid and point.value is not None]
            if not known:
                return None
            self._running = today, daily(filter_hours(known[-1]))
        return self._running[1]

    def _stands(self, at: datetime, mode: SwitchMode, *, on: bool) -> list[Measurement]:
        return [state_at(self._switch, at, on=on, origin=ORIGIN), mode_at(self._switch, at, mode, ORIGIN)]

    async def _keep(self, changes: list[Measurement], now: datetime) -> None:
        await self._store.add(changes, now)
        changes.clear()
        self._kept = self._filled
        await self._store.put_memo(self.memo, msgspec.json.encode(Progress(self._filled, self._filled, now)))


def _hour_after(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0) + HOUR


def _unheard(_: float) -> None:
    """Nobody waits for the share that is done."""
