"""In which unit a person reads a quantity, and with how many digits."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Band
from margelle.domain.unit import Unit, convert, symbol


class Scale(Struct, frozen=True):
    """From the unit in which a quantity is kept to the one in which it is read; `decimals` is None where each value has its own."""

    kept: Unit | None
    read: Unit | None
    decimals: int | None = None

    def of(self, value: float) -> float:
        """A kept value as it is read."""
        if self.kept is None or self.read is None or self.kept is self.read:
            return value
        return convert(value, self.kept, self.read)

    def band(self, band: Band | None) -> Band | None:
        """Limits as they are read."""
        if band is None:
            return None
        low, high = (None if end is None else self.of(end) for end in (band.low, band.high))
        return Band(low, high)

    @property
    def symbol(self) -> str:
        """How the unit is written behind a number; empty where none is."""
        return symbol(self.read) if self.read is not None else ""

    def digits(self, value: float) -> int:
        """How many digits a value (as it is read) has after the point."""
        if self.decimals is not None:
            return self.decimals
        return 0 if value == int(value) or abs(value) >= 100 else 2


def scale_of(quantity: str, catalogue: Catalogue, wanted: Mapping[str, str], raw_unit: Unit | None = None) -> Scale:
    """The scale of a quantity for who prefers the `wanted` units (UCUM codes, by quantity).

    A preference that is no unit, or of another dimension, is none. A quantity that the catalogue does not know is kept in `raw_unit`, as it came.
    """
    known = catalogue.get(quantity)
    if known is None:
        return Scale(raw_unit, raw_unit)
    try:
        read = Unit(wanted[quantity])
        step = convert(1, known.unit, read) - convert(0, known.unit, read)
    except (KeyError, ValueError):
        return Scale(known.unit, known.unit, known.decimals)
    return Scale(known.unit, read, max(0, known.decimals - round(math.log10(abs(step)))))
