"""Believable water: what the device in a pool measures, from any instant on, for ever.

The whole simulation follows from a seed and a pool. It runs hour by hour through eras: an era begins when the owner renews the water, from a
state that depends on nothing before it but the weather. So the value at an instant is the same whenever and wherever the simulation
was started, at the price of simulating from the era's first day. Machines may differ in the last bit of a sine, which is far below what a
device prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import exp
from typing import Final
from zoneinfo import ZoneInfo

from margelle.domain.chemistry import conductivity_of_solids
from margelle.domain.measurement import Doubt, Measurement, Reading
from margelle.domain.unit import Unit
from margelle.simulate.basin import State, Work, orp, stepped, warmed
from margelle.simulate.chance import stream
from margelle.simulate.owner import WINTER, Owner
from margelle.simulate.pool import Pool
from margelle.simulate.probe import OUT_OF_WATER, RECOVERY_S, Schedule
from margelle.simulate.weather import Hour, Weather

__all__ = ["ORIGIN", "Pool", "Water"]

ORIGIN: Final = "simulation"

SPIN_UP_DAYS: Final = 60
"""After so many days of weather a pool has forgotten how warm it was."""

TAP_TEMPERATURE: Final = 14.0

UNITS: Final = {
    "temperature": Unit.CELSIUS,
    "ph": Unit.PH,
    "orp": Unit.MILLIVOLT,
    "salt": Unit.MG_PER_L,
    "tds": Unit.PPM,
    "conductivity": Unit.MICROSIEMENS_PER_CM,
    "uv_index": Unit.UV_INDEX,
    "cloud_cover": Unit.PERCENT,
    "free_chlorine_estimate": Unit.MG_PER_L,
    "battery": Unit.PERCENT,
    "rssi": Unit.PERCENT,
}
"""The unit of each quantity that devices tell; each is the canonical one or equal to it in number."""

BRIGHTEST: Final = 100.0
"""Watts of sunshine on a square metre for each point of the UV index: about 10 on the brightest day."""

_DRY: Final = (Doubt("vendor", OUT_OF_WATER),)


class Water:
    """The water of one pool as its device measures it."""

    def __init__(self, seed: str | int, pool: Pool, probe: str = "") -> None:
        self.pool = pool
        self._seed = seed
        self._probe = probe or str(pool.key)
        self._weather = Weather(seed, pool.climate)
        self.restarts: list[float] = []  # brought about by somebody, in epoch seconds
        self._signal = stream(seed, pool.key, "signal").uniform(58, 80)

    def readings(self, since: datetime) -> Iterator[Reading]:
        """All readings at or after `since`, in order, without end: the caller stops at its present."""
        start, first = self._era_of(since.astimezone(UTC).date()), since.timestamp()
        while True:
            end = self._era_after(start)
            yield from self._era(start, end, first)
            start = end

    def measurements(self, since: datetime, until: datetime) -> Iterator[Measurement]:
        """The measurements with since <= at < until, in order of their instants."""
        for reading in self.readings(since):
            if reading.at >= until:
                return
            yield from reading.measurements.values()

    def _era_of(self, day: date) -> date:
        return max(era for year in (day.year - 1, day.year) for era in self._eras(year) if era <= day)

    def _era_after(self, day: date) -> date:
        return min(era for year in (day.year, day.year + 1) for era in self._eras(year) if era > day)

    def _eras(self, year: int) -> list[date]:
        return [date(year, month, day) for month, day in self.pool.habits.renewals]

    def _era(self, start: date, end: date, first: float) -> Iterator[Reading]:
        """The readings of one era from the epoch second `first` on."""
        schedule = Schedule(self._seed, self.pool, start, end, self.restarts)
        dice = stream(self._seed, self.pool.key, "noise", start.isoformat())
        zero = datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()
        over = datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp()
        moments = schedule.moments(stream(self._seed, self.pool.key, "moments", start.isoformat()), zero, over)
        at = next(moments)
        for n, (hour, before, after) in enumerate(self._hours(start, end)):
            hour_end = zero + (n + 1) * 3600
            while at < hour_end:
                noise = (dice.gauss(0, 1), dice.gauss(0, 1), dice.gauss(0, 1), dice.gauss(0, 1), dice.gauss(0, 1))
                if at >= first:
                    share = 1 - (hour_end - at) / 3600
                    yield self._reading(schedule, int(at), _between(before, after, share), hour, noise)
                at = next(moments, float("inf"))

    def _hours(self, start: date, end: date) -> Iterator[tuple[Hour, State, State]]:
        """Each UTC hour of an era: its weather, and the water at its beginning and its end."""
        pool, weather = self.pool, self._weather
        owner, zone = Owner(self._seed, pool, start), ZoneInfo(pool.time_zone)
        state = self._begin(start)
        for ordinal in range(start.toordinal(), end.toordinal()):
            today = date.fromordinal(ordinal)
            offset = datetime(today.year, today.month, today.day, 12, tzinfo=zone).utcoffset() or timedelta()
            for utc, work in enumerate(owner.day(today, state, offset // timedelta(hours=1))):
                hour = weather.hour(ordinal, utc)
                before, state = state, stepped(pool, state, hour, work)
                yield hour, before, state

    def _begin(self, start: date) -> State:
        """The water when an era begins: renewed, dosed, and as warm as the weather before has made it."""
        habits, dice = self.pool.habits, stream(self._seed, self.pool.key, "renewal", start.isoformat())
        return State(
            TAP_TEMPERATURE if habits.drained else self._warmth(start),
            habits.ph_start + dice.uniform(-0.08, 0.12),
            habits.oxidant_target * dice.uniform(0.9, 1.4),
            habits.solids * dice.uniform(0.96, 1.04),
        )

    def _warmth(self, start: date) -> float:
        """The temperature of a pool at the beginning of a day."""
        temperature = self.pool.climate.mean
        for ordinal in range(start.toordinal() - SPIN_UP_DAYS, start.toordinal()):
            work = Work(covered=date.fromordinal(ordinal).month in WINTER)
            for utc in range(24):
                temperature, _ = warmed(self.pool, temperature, self._weather.hour(ordinal, utc), work, heater=False)
        return temperature

    def _reading(self, schedule: Schedule, second: int, state: State, hour: Hour, noise: tuple[float, ...]) -> Reading:
        """What the device says of the water at an epoch second."""
        at, dry = datetime.fromtimestamp(second, UTC), schedule.dry(second) is not None
        ph_drift, mv_drift = schedule.drift(second)
        if dry:
            values = self._of_air(hour, noise)
        else:
            stagnant = 0.0 if state.pump else 12.0
            thirst = 70 * exp(-schedule.dry_for_s(second) / RECOVERY_S)
            values = (
                state.temperature + state.glow + 0.03 * noise[0],
                state.ph + ph_drift + 0.00004 * state.light + 0.012 * noise[1],
                orp(self.pool, state) + mv_drift - stagnant - thirst + 3 * noise[2],
                state.solids * (1 + 0.004 * noise[3]),
            )
        level = 100 - 0.21 * schedule.charged_days(second) - 0.2 * max(0.0, 12 - state.temperature)
        signal = self._signal + 3 * noise[4] - (8 if hour.rain_mm else 0) + (6 if dry else 0)
        doubts = _DRY if dry and self.pool.excludes else ()
        texts = {
            "temperature": (f"{round(values[0], 1):g}", doubts),
            "ph": (f"{round(values[1], 2):g}", doubts),
            "orp": (f"{values[2]:.0f}", doubts),
            self.pool.solids: (f"{values[3]:.0f}", doubts),
            "conductivity": (f"{conductivity_of_solids(values[3]):.0f}", doubts),
            "uv_index": (f"{round(hour.sun / BRIGHTEST, 1):g}", ()),
            "cloud_cover": (f"{100 * hour.cloud:.0f}", ()),
            "free_chlorine_estimate": (f"{0.0 if dry else round(state.oxidant, 2):g}", doubts),
            "battery": (f"{min(100.0, max(1.0, level)):.0f}", ()),
            "rssi": (f"{min(100.0, max(5.0, signal)):.0f}", ()),
        }
        return Reading(
            self._probe,
            at,
            {quantity: self._measurement(quantity, at, *texts[quantity]) for quantity in self.pool.told},
        )

    def _of_air(self, hour: Hour, noise: tuple[float, ...]) -> tuple[float, float, float, float]:
        """What the electrodes say when they are out of the water: the air's warmth, and nonsense."""
        return hour.air + hour.sun / 120, 6.6 + 0.5 * noise[1], 265 + 40 * noise[2], abs(18 * noise[3])

    def _measurement(self, quantity: str, at: datetime, raw: str, doubts: tuple[Doubt, ...]) -> Measurement:
        return Measurement(self._probe, quantity, at, float(raw), raw, UNITS[quantity], ORIGIN, doubts)


def _between(before: State, after: State, share: float) -> State:
    """The water within an hour, `share` (0 to 1) of the way."""
    return State(
        before.temperature + (after.temperature - before.temperature) * share,
        before.ph + (after.ph - before.ph) * share,
        before.oxidant + (after.oxidant - before.oxidant) * share,
        before.solids + (after.solids - before.solids) * share,
        before.light + (after.light - before.light) * share,
        before.glow + (after.glow - before.glow) * share,
        after.pump,
        after.heater,
    )
