"""A clock that runs faster than the world's."""

from __future__ import annotations

import math
from datetime import datetime

from margelle.errors import BadInput
from margelle.ports import Clock

FASTEST = 100_000.0
"""More than a day a second; beyond it nobody could follow."""

YEARS = range(1980, 2201)
"""A year of past must fit before the start, and a long run after it."""


class FastClock:
    """Shows `start` (aware, UTC) when it is made, and from then on goes `speed` times as fast as `base`.

    Raises BadInput for a speed that is not above 0 and at most `FASTEST`, and for a start outside `YEARS`.
    """

    def __init__(self, start: datetime, speed: float, base: Clock) -> None:
        if not (math.isfinite(speed) and 0 < speed <= FASTEST):
            raise BadInput(
                f"A clock cannot run {speed:g} times as fast.", hint=f"Give a speed above 0, up to {FASTEST:g}."
            )
        if start.year not in YEARS:
            raise BadInput(
                f"A clock cannot start in the year {start.year}.", hint=f"Choose one from {YEARS[0]} to {YEARS[-1]}."
            )
        self._start, self._speed, self._base = start, speed, base
        self._begun = base()

    def __call__(self) -> datetime:
        """What it shows now."""
        return self._start + (self._base() - self._begun) * self._speed
