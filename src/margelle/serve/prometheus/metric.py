"""What a quantity is called as a metric, and in which unit it stands there.

By https://prometheus.io/docs/practices/naming/ a metric ends in its base unit: an ORP of 652 mV is `margelle_orp_volts 0.652`. A quantity that
the catalogue does not know has no unit in its name, and stands there as it is kept. The label `quantity` has its own name, always.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from margelle.domain.quantity import Catalogue
from margelle.domain.unit import Unit

PREFIX: Final = "margelle_"

_OTHER: Final = re.compile("[^a-zA-Z0-9_]")


class _Base(Struct, frozen=True):
    """The words of a base unit, and how a value becomes one in it: times, then divided."""

    words: str
    times: float = 1.0
    divided: float = 1.0


_BASES: Final[dict[Unit, _Base]] = {
    Unit.CELSIUS: _Base("celsius"),
    Unit.FAHRENHEIT: _Base("fahrenheit"),
    Unit.KELVIN: _Base("kelvin"),
    Unit.PH: _Base(""),
    Unit.MILLIVOLT: _Base("volts", divided=1000),
    Unit.VOLT: _Base("volts"),
    Unit.MICROSIEMENS_PER_CM: _Base("siemens_per_meter", divided=10_000),
    Unit.MILLISIEMENS_PER_CM: _Base("siemens_per_meter", divided=10),
    Unit.SIEMENS_PER_M: _Base("siemens_per_meter"),
    Unit.MG_PER_L: _Base("grams_per_cubic_meter"),
    Unit.G_PER_L: _Base("grams_per_cubic_meter", times=1000),
    Unit.PPM: _Base("grams_per_cubic_meter"),
    Unit.PERCENT: _Base("ratio", divided=100),
    Unit.RATIO: _Base("ratio"),
    Unit.UV_INDEX: _Base(""),
    Unit.METRE: _Base("meters"),
    Unit.CENTIMETRE: _Base("meters", divided=100),
    Unit.MILLIMETRE: _Base("meters", divided=1000),
    Unit.CUBIC_METRE: _Base("cubic_meters"),
    Unit.LITRE: _Base("cubic_meters", divided=1000),
    Unit.CUBIC_METRE_PER_HOUR: _Base("cubic_meters_per_second", divided=3600),
    Unit.LITRE_PER_SECOND: _Base("cubic_meters_per_second", divided=1000),
    Unit.LITRE_PER_MINUTE: _Base("cubic_meters_per_second", divided=60_000),
    Unit.BAR: _Base("pascals", times=100_000),
    Unit.HECTOPASCAL: _Base("pascals", times=100),
    Unit.NTU: _Base("ntu"),
    Unit.STATE: _Base(""),
}


class Metric(Struct, frozen=True):
    """A metric: its name, the unit at the name's end, what it is, and how a value of the quantity becomes one of it."""

    name: str
    unit: str
    sentence: str
    times: float
    divided: float

    def of(self, value: float) -> float:
        """A value of the quantity in the metric's unit."""
        return value * self.times / self.divided


def metric(quantity: str, catalogue: Catalogue) -> Metric:
    """The metric of a quantity."""
    known = catalogue.get(quantity)
    base = _BASES[known.unit] if known is not None else _Base("")
    name = PREFIX + _OTHER.sub("_", quantity) + (f"_{base.words}" if base.words else "")
    sentence = known.sentence if known is not None else "As its vendor names it."
    return Metric(name, base.words, sentence, base.times, base.divided)
