"""The device in a pool: when it measures, when it is silent, out of the water or restarted, and how its electrodes drift and its battery ages.

All of it follows from the seed, the pool and the calendar, so that it is the same wherever a simulation begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from margelle.simulate.chance import stream
from margelle.simulate.pool import Pool

INTERVAL_S: Final = 3638.0
"""From one measurement to the next; the vendor's own example has 1 h 0 min 22 s."""

RESTARTED_INTERVAL_S: Final = 600.0
RESTARTED_TIMES: Final = 6
"""After a restart it measures every ten minutes for the first hour."""

LOST_SHARE: Final = 0.004
"""Part of the readings that the radio loses."""

OUT_OF_WATER: Final = "The probe is out of the water"

CALIBRATIONS_A_YEAR: Final = 3

SETTLING_S: Final = 60.0
"""A restart sooner after a reading brings no other one."""

RECOVERY_S: Final = 3 * 3600.0
"""Time in which an electrode that was dry comes back most of the way."""


class Stretch(NamedTuple):
    """A stretch of time, in seconds of the Unix epoch."""

    start: float
    end: float


class Schedule:
    """What happens to one device from `since` (a day, included) to `until` (excluded). `restarts` are those that somebody has brought about, in epoch seconds."""

    def __init__(self, seed: str | int, pool: Pool, since: date, until: date, restarts: Iterable[float] = ()) -> None:
        self._seed, self._pool = seed, pool
        years = range(since.year - 1, until.year + 1)
        self._silent = sorted(stretch for year in years for stretch in self._silences(year))
        cleanings = map(self._when_heard, self._cleanings(since, until))
        self._dry = sorted([*cleanings, *(stretch for year in years for stretch in self._forgotten(year))])
        self._restarts = sorted([*restarts, *(restart for year in years for restart in self._restarts_of(year))])
        self._charges = [self._charge(year).start for year in years]
        self._calibrations = sorted(self._calibrations_of(years))

    def silence(self, at: float) -> Stretch | None:
        """The stretch without readings in which `at` lies."""
        return _around(self._silent, at)

    def dry(self, at: float) -> Stretch | None:
        """The stretch out of the water in which `at` lies."""
        return _around(self._dry, at)

    def dry_for_s(self, at: float) -> float:
        """How many seconds ago the device came back into the water; infinite if it never was out."""
        place = bisect_right(self._dry, (at, at)) - 1
        return max(0.0, at - self._dry[place].end) if place >= 0 else float("inf")

    def restart(self, after: float, before: float) -> float | None:
        """The first restart in between, if any."""
        place = bisect_right(self._restarts, after)
        return self._restarts[place] if place < len(self._restarts) and self._restarts[place] < before else None

    def charged_days(self, at: float) -> float:
        """Days since the battery was charged."""
        return (at - self._charges[bisect_right(self._charges, at) - 1]) / 86400

    def drift(self, at: float) -> tuple[float, float]:
        """What the electrodes have drifted since their last calibration: pH units and mV."""
        since, ph_a_day, mv_a_day = self._calibrations[bisect_right(self._calibrations, (at, 9.0, 9.0)) - 1]
        days = (at - since) / 86400
        return days * ph_a_day, days * mv_a_day

    def moments(self, dice: Random, start: float, end: float) -> Iterator[float]:
        """The instants of the readings that arrive; the device comes back in the morning after `start`, with the new water."""
        at, quick = start + dice.uniform(6, 8.5) * 3600, RESTARTED_TIMES
        while at < end:
            silence = self.silence(at)
            if silence is not None:
                at, quick = silence.end + dice.uniform(20, 200), RESTARTED_TIMES
                continue
            if dice.random() >= LOST_SHARE:
                yield at
            interval = (
                INTERVAL_S + max(-33.0, min(60.0, dice.gauss(0, 14)))
                if not quick
                else RESTARTED_INTERVAL_S + dice.uniform(0, 5)
            )
            restart = self.restart(at + SETTLING_S, at + interval)
            quick = RESTARTED_TIMES if restart is not None else max(0, quick - 1)
            at = restart if restart is not None else at + interval

    def _dice(self, what: str, *when: int) -> Random:
        return stream(self._seed, self._pool.key, what, *when)

    def _local(self, day: date, hour: float) -> float:
        """The epoch second of a local hour."""
        midnight = datetime.combine(day, time(), ZoneInfo(self._pool.time_zone))
        return midnight.astimezone(UTC).timestamp() + hour * 3600

    def _stretch(self, dice: Random, day: date, hours: tuple[float, float]) -> Stretch:
        start = self._local(day, dice.uniform(9, 18))
        return Stretch(start, start + 3600 * dice.uniform(*hours))

    def _charge(self, year: int) -> Stretch:
        """The battery is charged each winter, indoors."""
        dice = self._dice("charge", year)
        return self._stretch(dice, date(year, 1, 5) + timedelta(dice.randrange(45)), (16, 50))

    def _silences(self, year: int) -> Iterator[Stretch]:
        """The battery's charge; twice a year days without a connection, once a quarter some hours."""
        yield self._charge(year)
        for half in range(2):
            dice = self._dice("outage", year, half)
            yield self._stretch(dice, date(year, 1 + 6 * half, 1) + timedelta(dice.randrange(60, 175)), (40, 96))
        for quarter in range(4):
            dice = self._dice("hiccup", year, quarter)
            yield self._stretch(dice, date(year, 1 + 3 * quarter, 1) + timedelta(dice.randrange(85)), (3, 14))

    def _forgotten(self, year: int) -> Iterator[Stretch]:
        """Twice a year the device is forgotten at the pool's edge."""
        for half in range(2):
            dice = self._dice("forgotten", year, half)
            yield self._stretch(dice, date(year, 1 + 6 * half, 1) + timedelta(dice.randrange(10, 170)), (18, 44))

    def _cleanings(self, since: date, until: date) -> Iterator[Stretch]:
        """Every second week, on the maintenance day, its electrodes are rinsed."""
        for ordinal in range(since.toordinal() - 7, until.toordinal()):
            day = date.fromordinal(ordinal)
            if day.weekday() == self._pool.habits.maintenance_day and (ordinal // 7 + self._pool.key) % 2 == 0:
                yield self._stretch(self._dice("cleaning", ordinal), day, (1.3, 4.2))

    def _when_heard(self, cleaning: Stretch) -> Stretch:
        """A cleaning that falls into a silence is put off until it is over, and a little."""
        silence = self.silence(cleaning.start) or self.silence(cleaning.end)
        delay = silence.end + 7200 - cleaning.start if silence else 0.0
        return Stretch(cleaning.start + delay, cleaning.end + delay)

    def _restarts_of(self, year: int) -> Iterator[float]:
        """About once a month the device restarts, after an update or a bump."""
        for month in range(1, 13):
            dice = self._dice("restart", year, month)
            yield self._local(date(year, month, dice.randint(1, 28)), dice.uniform(0, 24))

    def _calibrations_of(self, years: range) -> Iterator[tuple[float, float, float]]:
        span = 360 // CALIBRATIONS_A_YEAR
        for year in years:
            for n in range(CALIBRATIONS_A_YEAR):
                dice = self._dice("calibration", year, n)
                day = date(year, 1, 1) + timedelta(n * span + dice.randrange(span // 2))
                yield self._local(day, 11), dice.gauss(0.0002, 0.0003), dice.gauss(-0.06, 0.06)


def _around(stretches: list[Stretch], at: float) -> Stretch | None:
    place = bisect_right(stretches, (at, float("inf"))) - 1
    return stretches[place] if place >= 0 and at < stretches[place].end else None
