"""The people of a pool: when they filter, bathe, dose, top up, wash the filter, go on holiday."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

from margelle.simulate.basin import State, Work
from margelle.simulate.chance import stream
from margelle.simulate.pool import Pool

ACID_FROM: Final = 19
"""Local hour at which products go into the water, in the evening as their labels say; they mix in for three hours."""

ACID_HOURS: Final = 3

PUMP_NOON: Final = 14
"""Local hour around which filtration is centred."""

WINTER: Final = (11, 12, 1, 2, 3)
"""Months in which an unheated pool sleeps under its cover."""


def filter_hours(temperature: float) -> int:
    """Hours of filtration a day: half the temperature in degrees Celsius, 2 below 10 degrees, the whole day from 30 on (rule of thumb)."""
    if temperature < 10:
        return 2
    return 24 if temperature >= 30 else round(temperature / 2)


def daily(hours: int) -> range:
    """The local hours in which a pump runs that runs so many of them a day."""
    first = min(max(0, PUMP_NOON - (hours + 1) // 2), 24 - hours)
    return range(first, first + hours)


class Owner:
    """Keeps one pool through one era. Ask for each day once, in order, with the water as it is when the day begins."""

    def __init__(self, seed: str | int, pool: Pool, era: date) -> None:
        self._pool = pool
        self._seed = seed
        self._dice = stream(seed, pool.key, "owner", era.isoformat())
        self._acid_day: int | None = None
        self._shock_day: int | None = None
        self._skill = 1.0

    def day(self, today: date, water: State, offset_h: int) -> list[Work]:
        """What is done in each UTC hour of a day; `offset_h` is the local clock's lead on UTC."""
        spa = self._pool.kind == "spa"
        asleep = not spa and today.month in WINTER
        away = self.away(today)
        if today.weekday() == 5 and not away:
            self._skill = self._dice.uniform(0.72, 1.3)
        elif away:
            self._skill *= 0.86  # nobody fills the feeder
        acid, shock = self._doses(today, water, away, asleep)
        bathers = [0.0] * 24 if away or asleep else self._bathers(today, water)
        hours = 24 if spa and any(bathers) else filter_hours(water.temperature) if not spa else 6
        running = daily(hours)
        feed = self._feed(water, hours, asleep)
        fresh_mm = self._fresh_mm(today, away, asleep)
        salt = self._salt(today, water, away)
        works = []
        for utc in range(24):
            hour = (utc + offset_h) % 24
            pump = hour in running
            dosing = ACID_FROM <= hour < ACID_FROM + ACID_HOURS
            works.append(
                Work(
                    pump or (dosing and acid + shock > 0) or bathers[hour] > 0,
                    bathers[hour],
                    acid / ACID_HOURS if dosing else 0.0,
                    (feed if pump else 0.0) + (shock / ACID_HOURS if dosing else 0.0),
                    fresh_mm if hour == 10 else 0.0,
                    salt if hour == 18 else 0.0,
                    asleep if not spa else bathers[hour] == 0,
                    self._thermostat(today),
                )
            )
        return works

    def away(self, today: date) -> bool:
        """Whether the family is on its summer holiday."""
        start = date(today.year, 7, 12).toordinal() + stream(
            self._seed, self._pool.key, "holiday", today.year
        ).randrange(28)
        return start <= today.toordinal() < start + self._pool.habits.holiday_days

    def _thermostat(self, today: date) -> float:
        basin = self._pool.basin
        return basin.heated_to - (2.5 if today.month in {6, 7, 8} else 0.0) if basin.heater else 0.0

    def _doses(self, today: date, water: State, away: bool, asleep: bool) -> tuple[float, float]:
        """pH minus (pH units) and shock (mg/L) that go in this evening: some days after the owner has seen the need."""
        habits, day = self._pool.habits, today.toordinal()
        if self._acid_day is None and water.ph > habits.ph_acts_at + (0.25 if asleep else 0.0):
            self._acid_day = day + self._dice.randint(0, habits.delay_days)
        if self._shock_day is None and water.oxidant < (0.12 if asleep else 0.3) * habits.oxidant_target:
            self._shock_day = day + self._dice.randint(0, habits.delay_days)
        acid = shock = 0.0
        if self._acid_day is not None and day >= self._acid_day and not away:
            acid = max(0.0, water.ph - habits.ph_target) * self._dice.uniform(0.75, 1.2)
            self._acid_day = None
        if self._shock_day is not None and day >= self._shock_day and not away:
            shock = habits.oxidant_target * self._dice.uniform(0.9, 1.6)
            self._shock_day = None
        return acid, shock

    def _feed(self, water: State, pump_hours: int, asleep: bool) -> float:
        """mg/L that tablets, floater or electrolysis give in an hour of filtration: what a day loses by the owner's guess, more or less.

        Electrolysis rests below 15 degrees Celsius, as its makers ask.
        """
        pool = self._pool
        if pool.disinfectant == "salt" and water.temperature < 15:
            return 0.0
        warmth = 2 ** ((water.temperature - 20) / 10)
        lost = (0.06 if asleep else 0.20 if pool.kind == "pool" else 0.0) + 0.16 * warmth * (
            0.5 if pool.kind == "spa" else 1.0
        )
        target = pool.habits.oxidant_target * (0.35 if asleep else 1.0)
        return target * lost * self._skill / pump_hours

    def _fresh_mm(self, today: date, away: bool, asleep: bool) -> float:
        """Tap water on the maintenance day: what evaporated in the week, and every second week what the filter's backwash threw away."""
        if away or asleep or today.weekday() != self._pool.habits.maintenance_day:
            return 0.0
        evaporated = 8.0 if self._pool.kind == "spa" else 18.0
        return evaporated + (14.0 if today.toordinal() % 14 < 7 else 0.0)

    def _salt(self, today: date, water: State, away: bool) -> float:
        """mg/L of salt added at once, when a salt pool in season has become too fresh for its cell."""
        short = self._pool.disinfectant == "salt" and water.solids < 3300 and today.month in range(5, 10)
        return 700.0 if short and not away and today.weekday() == 5 else 0.0

    def _bathers(self, today: date, water: State) -> list[float]:
        return (
            evening_bathers(self._dice, self._pool, today)
            if self._pool.kind == "spa"
            else day_bathers(self._dice, self._pool, today, water)
        )


def day_bathers(dice: Random, pool: Pool, today: date, water: State) -> list[float]:
    """How many are in the pool in each local hour: on warm days from 14 to 19, most at weekends and in the holidays."""
    count = [0.0] * 24
    keen = 1.0 if today.weekday() >= 5 else 0.7 if today.month in {7, 8} else 0.25
    if water.temperature < 22 or dice.random() > keen:
        return count
    warmth = min(1.0, (water.temperature - 20) / 6)
    for hour in range(14, 19):
        count[hour] = float(round(pool.habits.bathers * warmth * keen * dice.uniform(0.2, 1.3)))
    return count


def evening_bathers(dice: Random, pool: Pool, today: date) -> list[float]:
    """How many are in the spa in each local hour: on Friday and weekend evenings, at times during the week, less in high summer."""
    count = [0.0] * 24
    keen = (0.85 if today.weekday() >= 4 else 0.25) * (0.4 if today.month in {7, 8} else 1.0)
    if dice.random() < keen:
        start = dice.choice((18, 19, 20))
        for hour in range(start, start + dice.choice((1, 2, 2))):
            count[hour] = float(dice.randint(1, round(pool.habits.bathers) + 1))
    return count
