"""What can be measured: one table for every vendor, page and export."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

from msgspec import Struct

from margelle.domain.unit import Unit

_ODM2: Final = "http://vocabulary.odm2.org/variablename/"
_QUDT: Final = "http://qudt.org/vocab/quantitykind/"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


class Quantity(Struct, frozen=True):
    """Something that a probe measures.

    `low` and `high` bound what is plausible in `unit` for any water we know: a value outside them is kept, with a doubt.
    `uri` is the quantity in a public vocabulary. `decimals` is how many digits a page shows after the point.
    """

    name: str
    unit: Unit
    low: float
    high: float
    sentence: str
    uri: str = ""
    decimals: int = 0


def _dissolved(name: str, high: float, sentence: str, decimals: int = 0) -> Quantity:
    """What a strip, a photometer or a laboratory finds dissolved: in mg/L, from none to well beyond the scale of such tests."""
    return Quantity(name, Unit.MG_PER_L, 0, high, sentence, _QUDT + "MassConcentration", decimals)


STANDARD: Final[tuple[Quantity, ...]] = (
    Quantity("temperature", Unit.CELSIUS, -5, 60, "Temperature of the water.", _ODM2 + "temperature", 1),
    Quantity("ph", Unit.PH, 2, 12, "Acidity of the water: 7 is neutral.", _ODM2 + "pH", 2),
    Quantity(
        "orp",
        Unit.MILLIVOLT,
        -500,
        1200,
        "Oxidation-reduction potential: how strongly the water disinfects, as an electrode sees it.",
        _ODM2 + "reductionPotential",
    ),
    Quantity(
        "conductivity",
        Unit.MICROSIEMENS_PER_CM,
        0,
        100_000,
        "Electrical conductivity of the water as the probe reports it.",
        _ODM2 + "electricalConductivity",
    ),
    Quantity("salt", Unit.MG_PER_L, 0, 60_000, "Dissolved salt, counted as sodium chloride.", _ODM2 + "salinity"),
    Quantity(
        "tds",
        Unit.MG_PER_L,
        0,
        60_000,
        "Total dissolved solids, derived from conductivity.",
        _ODM2 + "solidsTotalDissolved",
    ),
    Quantity(
        "free_chlorine_estimate",
        Unit.MG_PER_L,
        0,
        20,
        "Free chlorine as a vendor estimates it from pH, temperature and ORP: not a chemical test.",
        _QUDT + "MassConcentration",
        2,
    ),
    Quantity(
        "bromine_estimate",
        Unit.MG_PER_L,
        0,
        40,
        "Bromine as a vendor estimates it from pH, temperature and ORP: not a chemical test.",
        _QUDT + "MassConcentration",
        2,
    ),
    Quantity("battery", Unit.PERCENT, 0, 100, "Charge of the probe's battery.", _QUDT + "StateOfCharge"),
    Quantity(
        "rssi",
        Unit.PERCENT,
        0,
        100,
        "Strength of the probe's radio signal, on the vendor's percent scale.",
        _ODM2 + "RSSI",
    ),
    Quantity(
        "uv_index", Unit.UV_INDEX, 0, 20, "Ultraviolet index of the sun at the site.", _QUDT + "DimensionlessRatio", 1
    ),
    Quantity("cloud_cover", Unit.PERCENT, 0, 100, "Part of the sky covered by clouds.", _QUDT + "DimensionlessRatio"),
    Quantity("air_temperature", Unit.CELSIUS, -50, 60, "Temperature of the air at the site.", _ODM2 + "temperature", 1),
    Quantity("turbidity", Unit.NTU, 0, 4000, "Cloudiness of the water.", _ODM2 + "turbidity", 2),
    Quantity("level", Unit.METRE, -100, 100, "Height of the water above the site's mark.", _ODM2 + "waterLevel", 2),
    Quantity(
        "flow", Unit.CUBIC_METRE_PER_HOUR, 0, 100_000, "Volume of water passing in a time.", _QUDT + "VolumeFlowRate", 2
    ),
    Quantity("pressure", Unit.BAR, -1, 100, "Pressure of the water above the air's.", _QUDT + "GaugePressure", 2),
    _dissolved("free_chlorine", 20, "Free chlorine, by a chemical test: what disinfects.", 2),
    _dissolved("total_chlorine", 20, "Free and combined chlorine together, by a chemical test.", 2),
    _dissolved(
        "combined_chlorine", 20, "Chlorine that is bound to nitrogen, by a chemical test: what smells and stings.", 2
    ),
    _dissolved("bromine", 40, "Bromine, by a chemical test.", 1),
    _dissolved("active_oxygen", 60, "Active oxygen (monopersulfate), by a chemical test.", 1),
    _dissolved("total_alkalinity", 1000, "Total alkalinity, counted as calcium carbonate: how well the pH holds."),
    _dissolved("total_hardness", 3000, "Calcium and magnesium, counted as calcium carbonate."),
    _dissolved("calcium_hardness", 3000, "Calcium, counted as calcium carbonate."),
    _dissolved("cyanuric_acid", 500, "Cyanuric acid, the stabiliser of chlorine against the sun."),
    _dissolved("phosphate", 50, "Orthophosphate, which feeds algae.", 2),
    _dissolved("copper", 20, "Dissolved copper.", 2),
    _dissolved("iron", 20, "Dissolved iron.", 2),
)


class Catalogue:
    """The quantities of one installation: the standard ones and those it defines itself (free quantities).

    Raises ValueError for a free quantity whose name is not lower-case words, is taken, or whose range is empty.
    """

    def __init__(self, free: Iterable[Quantity] = ()) -> None:
        self._by_name = {quantity.name: quantity for quantity in STANDARD}
        for quantity in free:
            if not _NAME.fullmatch(quantity.name):
                raise ValueError(f"quantity {quantity.name!r}: a name is lower-case letters, digits, _ and .")
            if quantity.name in self._by_name:
                raise ValueError(f"quantity {quantity.name!r} is defined already")
            if not quantity.low < quantity.high:
                raise ValueError(f"quantity {quantity.name!r}: its lowest plausible value must be below its highest")
            self._by_name[quantity.name] = quantity

    def __iter__(self) -> Iterator[Quantity]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Quantity:
        """The quantity called `name`; KeyError, which names the nearest one, where there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._by_name, 1)
            raise KeyError(f"no quantity {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")) from None

    def get(self, name: str) -> Quantity | None:
        """The quantity called `name`, or None."""
        return self._by_name.get(name)


CATALOGUE: Final = Catalogue()


def is_state(quantity: str, catalogue: Catalogue, states: Container[str]) -> bool:
    """Whether a quantity is only ever on or off: by its unit, or because it is one of these `states` of a site.

    It is told when it changes and holds until then: no reading of it is ever missing, whatever the rhythm of its probe.
    """
    known = catalogue.get(quantity)
    return quantity in states or (known is not None and known.unit is Unit.STATE)
