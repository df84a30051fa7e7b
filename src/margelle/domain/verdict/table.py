"""The rules by which a point is judged beside its neighbours: each with its source, and where it holds.

All thresholds are for water that people bathe in, store or supply; a `plant` may dose acid and base in one pit, so nothing that depends on how
fast its water changes is judged there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec import Struct

VERSION: Final = 2
"""Grows with every change of a rule, so that what is kept is judged anew."""

WETTED: Final = timedelta(hours=48)
"""A dry cell is known by what it told within this time, before or after."""

EXCURSION: Final = timedelta(hours=8)
"""What leaves a level and is back at it within this time is a spike; what stays longer is a step, which is believed."""

REACH: Final = 2 * EXCURSION + WETTED
"""A verdict on a point depends on nothing that lies further from it, before or after."""

UNHEARD: Final = 2 * EXCURSION
"""A value that jumps is doubted until another one follows within this time."""

RHYTHM: Final = timedelta(hours=3)
"""Equal values further apart than this are not taken for a sensor that is stuck."""

ELECTRODES: Final = frozenset(
    {
        "temperature",
        "ph",
        "orp",
        "conductivity",
        "salt",
        "tds",
        "free_chlorine_estimate",
        "bromine_estimate",
    }
)
"""What is measured, or derived from what is measured, in the water by one device: all of it is of the air when the device is."""


class Jump(Struct, frozen=True):
    """Between two values no more than `least` + `per_hour` x hours can lie; where `relative`, in parts of the larger one."""

    quantity: str
    least: float
    per_hour: float
    relative: bool
    source: str

    def most(self, one: float, other: float, hours: float) -> float:
        """The largest change that is believed from `one` to `other` in so many hours."""
        allowed = self.least + self.per_hour * hours
        return allowed * max(abs(one), abs(other)) if self.relative else allowed


class Stuck(Struct, frozen=True):
    """The same value, told at least every three hours, for `lasting`: the sensor is stuck. Judged where the raw text has `decimals` or more."""

    quantity: str
    lasting: timedelta
    decimals: int
    source: str


class Dry(Struct, frozen=True):
    """A value below `below`, in water that had at least `wet` six times within two days: the cell measures air."""

    quantity: str
    below: float
    wet: float
    source: str


class Ratio(Struct, frozen=True):
    """Of two quantities told at one instant, `over` / `under` is between `low` and `high`, where `under` is at least `least`."""

    over: str
    under: str
    low: float
    high: float
    least: float
    source: str


class Both(Struct, frozen=True):
    """Two quantities told at one instant cannot be like this at once: `one` at least `least` while `other` is below (or above) `bound`."""

    one: str
    least: float
    other: str
    bound: float
    below: bool
    source: str


_CELL: Final = (
    "Air does not conduct: a dry cell shows about 0. Tap water has 100 µS/cm and more, bathing water more than tap water. "
    "The bounds are our choice; rain and deionised water are below them, so tanks and plants are not judged."
)
_SOLIDS: Final = "Salt that is added or water that is changed is a step. The bound is our choice, above what rain, evaporation or a refill does in an hour."

JUMPS: Final = (
    Jump(
        "temperature",
        3.0,
        2.0,
        False,
        "1 kW warms 1 m³ by 0.86 K in an hour, so a spa of 1 m³ with 3 kW by 2.6 K; the rest is sun on still water, "
        "and room for both: our choice.",
    ),
    Jump(
        "ph", 0.6, 0.3, False, "Owners dose by 0.2 to 0.4 at a time, and it takes hours to mix. Our choice, above that."
    ),
    Jump(
        "orp",
        220.0,
        50.0,
        False,
        "Electrodes in pools show about 85 mV for each tenfold of chlorine, so 220 mV are a factor of 400 within moments. Our choice.",
    ),
    Jump("conductivity", 0.4, 0.1, True, _SOLIDS),
    Jump("salt", 0.4, 0.1, True, _SOLIDS),
    Jump("tds", 0.4, 0.1, True, _SOLIDS),
)

STUCK: Final = (
    Stuck(
        "temperature",
        timedelta(hours=42),
        1,
        "Water under a cover may stay within 0.1 K for a day. Our choice, well above that.",
    ),
    Stuck(
        "ph",
        timedelta(hours=24),
        2,
        "An electrode's noise is 0.01 and more, and each day has its own swing. Our choice.",
    ),
    Stuck(
        "orp", timedelta(hours=24), 0, "An electrode's noise is 1 mV and more; ORP follows sun and pump. Our choice."
    ),
    Stuck("conductivity", timedelta(hours=36), 0, "A cell's noise is some parts in a thousand. Our choice."),
    Stuck("tds", timedelta(hours=36), 0, "As conductivity, from which it is derived. Our choice."),
)

DRY: Final = (
    Dry("conductivity", 120.0, 600.0, _CELL),
    Dry("salt", 60.0, 300.0, _CELL),
    Dry("tds", 60.0, 300.0, _CELL),
)

WET_TIMES: Final = 6
"""So often the water must have conducted within `WETTED` for a dry cell to be known as one."""

RATIOS: Final = (
    Ratio(
        "tds",
        "conductivity",
        0.3,
        1.3,
        200.0,
        "Standards have 0.45 (NaCl) to 0.90 (442 scale) mg/L for each µS/cm (Sper Scientific 850038, manual, page 43); conductivity that is not "
        "brought to 25 °C is up to a third lower. The margin is our choice.",
    ),
    Ratio(
        "salt",
        "conductivity",
        0.0,
        1.3,
        200.0,
        "As TDS; less salt than conductivity is no contradiction: other ions conduct too.",
    ),
    Ratio(
        "salt",
        "tds",
        0.0,
        1.6,
        200.0,
        "Salt is a part of what is dissolved; the scales of the two may differ by half. Our choice.",
    ),
)

BOTH: Final = (
    Both(
        "free_chlorine_estimate",
        1.0,
        "orp",
        250.0,
        True,
        "650 mV are roughly 0.011 mg/L of hypochlorous acid (Trouble Free Pool); an estimate from ORP in use has its zero at 415 mV. Our choice, well below.",
    ),
    Both(
        "ph",
        9.3,
        "orp",
        850.0,
        False,
        "At pH 9.3 less than 2 % of chlorine is hypochlorous acid (Morris 1966): at 85 mV a decade, 850 mV would take more than 100 mg/L of chlorine. Ozone can do it, and is not told apart. Our choice.",
    ),
)

FREEZING: Final = -1.0
"""Water below this and `SALT_FREEZING` is ice. Degrees Celsius, with a margin for a sensor's error: our choice."""

SALT_FREEZING: Final = 0.06 / 1000
"""Kelvin by which each mg/L of salt lowers the freezing point: 1.86 K kg/mol x 2 ions / 58.44 g/mol. Holds up to 60 g/L."""

FREEZING_SOURCE: Final = "Water freezes at 0 °C, 0.06 K lower for each g/L of salt (1.86 K kg/mol, two ions of 58.44 g/mol). Judged where the probe tells what is dissolved, but not in a plant, whose water may hold glycol."

JUDGED: Final = ELECTRODES
"""The quantities on which the neighbours of a point have a say."""
