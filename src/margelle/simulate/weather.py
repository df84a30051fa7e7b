"""The sky above a pool: sun, air, fronts and rain, hour by hour, for any hour of any year without starting from an earlier one.

Simplifications: solar time is UTC plus longitude (no equation of time); the wind is part of the pool's shelter; pressure systems are noise
that is remembered for ten days, so that fronts last three to six days as they do in western Europe.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import cos, exp, log, pi, radians, sin, sqrt
from typing import Final, NamedTuple

from msgspec import Struct

from margelle.simulate.chance import stream

MEMORY_DAYS: Final = 10
"""How long a front is felt."""

PERSISTENCE: Final = 0.72
"""What is left of a front the next day."""

WARMEST_DAY: Final = 205
"""Day of the year on which the air is warmest: late July in western Europe."""

SOLAR_HORIZON: Final = 0.02
"""Cosine of the zenith angle below which no sun is counted."""

WARMEST_HOUR: Final = 15.0
"""Solar hour at which the air is warmest."""

_WEIGHTS: Final = tuple(exp(n * log(PERSISTENCE)) for n in range(MEMORY_DAYS))
_NORM: Final = 1 / sqrt(sum(weight * weight for weight in _WEIGHTS))


class Climate(Struct, frozen=True):
    """The usual weather of a place; temperatures in degrees Celsius.

    `mean` is the year's mean air temperature and `swing` half the way from winter to summer; `day_swing` half the way from night to
    day under a clear summer sky; `front` the standard deviation of a day from the season. `wet_share` of the days have rain, of
    `wet_day_mm` on average; `summer_dry` (0 to 1) is how much rarer rain is in July. `humidity` is relative, 0 to 1.
    """

    place: str
    latitude: float
    longitude: float
    mean: float
    swing: float
    day_swing: float = 5.5
    front: float = 2.6
    wet_share: float = 0.25
    wet_day_mm: float = 8.0
    summer_dry: float = 0.6
    humidity: float = 0.62


class Hour(NamedTuple):
    """One hour of weather: air in degrees Celsius, sun on a flat surface in W/m2, cloud 0 to 1, rain in mm."""

    air: float
    sun: float
    cloud: float
    rain_mm: float


class Day(NamedTuple):
    """One day of weather: its departure from the season in kelvin, cloud 0 to 1, and its rain."""

    departure: float
    cloud: float
    rain_mm: float
    rain_from: int
    rain_hours: int


class Weather:
    """The weather of one place: the same for a seed, whichever hour is asked first. Days are proleptic ordinals, hours UTC."""

    def __init__(self, seed: str | int, climate: Climate) -> None:
        self.climate = climate
        self._seed = seed
        self._noise: Callable[[int], tuple[float, float, float, float, float]] = lru_cache(64)(self._noise_of)
        self._day: Callable[[int], Day] = lru_cache(64)(self._day_of)
        self._season: Callable[[int], tuple[float, float, float]] = lru_cache(8)(self._season_of)

    def day(self, ordinal: int) -> Day:
        """The weather of a day."""
        return self._day(ordinal)

    def hour(self, ordinal: int, hour: int) -> Hour:
        """The weather in the middle of an hour."""
        today = self._day(ordinal)
        mean, sin_sin, cos_cos = self._season(ordinal)
        solar = hour + 0.5 + self.climate.longitude / 15
        sun = sunshine(sin_sin - cos_cos * cos(pi * solar / 12), today.cloud)
        departure = today.departure + (self._day(ordinal + 1).departure - today.departure) * hour / 24
        swing = (
            self.climate.day_swing
            * (1 - 0.65 * today.cloud)
            * (0.6 + 0.4 * (mean - self.climate.mean) / self.climate.swing)
        )
        air = mean + departure + swing * cos(pi * (solar - WARMEST_HOUR) / 12)
        raining = today.rain_from <= hour < today.rain_from + today.rain_hours
        return Hour(air, sun, today.cloud, today.rain_mm / today.rain_hours if raining else 0.0)

    def _noise_of(self, ordinal: int) -> tuple[float, float, float, float, float]:
        dice = stream(self._seed, self.climate.place, "weather", ordinal)
        return dice.gauss(0, 1), dice.gauss(0, 1), dice.random(), dice.random(), dice.random()

    def _front(self, ordinal: int, which: int) -> float:
        """Noise of unit variance with the memory of a front."""
        return _NORM * sum(weight * self._noise(ordinal - n)[which] for n, weight in enumerate(_WEIGHTS))

    def _day_of(self, ordinal: int) -> Day:
        summer = (self._season(ordinal)[0] - self.climate.mean) / self.climate.swing
        _, _, amount, when, length = self._noise(ordinal)
        unsettled = 0.75 * self._front(ordinal, 1) + 0.66 * self._noise(ordinal)[1]
        cloud = 1 / (1 + exp(-1.5 * (unsettled - 0.15 - 0.55 * summer)))
        wet_share = self.climate.wet_share * (1 - self.climate.summer_dry * summer)
        # A wet day is one whose unsettledness is in the upper `wet_share`; 1.6 is the slope of the normal's logistic likeness.
        wet = 1 / (1 + exp(1.6 * unsettled)) < wet_share
        rain_mm = round(-self.climate.wet_day_mm * log(1 - amount) + 0.4, 1) if wet else 0.0
        # Cloudy days are cool in summer and mild in winter.
        departure = self.climate.front * self._front(ordinal, 0) - 2.5 * (cloud - 0.4) * summer
        return Day(departure, cloud, rain_mm, int(20 * when), 1 + int((5 - 3 * summer) * length))

    def _season_of(self, ordinal: int) -> tuple[float, float, float]:
        """The season's mean air temperature, and the two terms of the sun's height: sin lat sin dec, cos lat cos dec."""
        day = date.fromordinal(ordinal).timetuple().tm_yday
        mean = self.climate.mean + self.climate.swing * cos(2 * pi * (day - WARMEST_DAY) / 365.25)
        declination = radians(23.45) * sin(2 * pi * (284 + day) / 365)
        latitude = radians(self.climate.latitude)
        return mean, sin(latitude) * sin(declination), cos(latitude) * cos(declination)


def sunshine(cos_zenith: float, cloud: float) -> float:
    """Global irradiance on a flat surface in W/m2, for the cosine of the sun's zenith angle and a cloud cover of 0 to 1.

    Clear sky: Haurwitz (1945), 1098 cos z exp(-0.057 / cos z), for the sun above the horizon. Clouds: Kasten and Czeplak (1980),
    factor 1 - 0.75 N^3.4. The declination the callers use is Cooper's (1969).
    """
    if cos_zenith <= SOLAR_HORIZON:
        return 0.0
    shade: float = cloud**3.4
    return 1098 * cos_zenith * exp(-0.057 / cos_zenith) * (1 - 0.75 * shade)
