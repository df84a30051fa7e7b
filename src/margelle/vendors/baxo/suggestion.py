"""What a tag may measure, by its name and its values of late: a guess, which a person confirms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from margelle.domain.quantity import Catalogue, Quantity
from margelle.domain.unit import Unit, alike, convert
from margelle.ports import Suggestion

MOST: Final = 3

# Words of instruments in French and English, by quantity; where a tag has words of several, the one that stands first here counts.
_WORDS: Final[dict[str, frozenset[str]]] = {
    "air_temperature": frozenset({"TAIR", "AIR", "EXT", "EXTERIEUR", "EXTERIEURE", "AMBIANT", "AMBIANTE", "OUTDOOR"}),
    "battery": frozenset({"BATTERIE", "BATTERY", "BAT", "BATT", "PILE"}),
    "rssi": frozenset({"RSSI", "SIGNAL", "RESEAU", "GSM"}),
    "ph": frozenset({"PH"}),
    "orp": frozenset({"ORP", "REDOX", "RH", "RX", "EH", "POTENTIEL"}),
    "conductivity": frozenset({"CONDUCTIVITE", "CONDUCTIVITY", "COND", "EC"}),
    "salt": frozenset({"SEL", "SALINITE", "SALT", "SALINITY", "NACL"}),
    "tds": frozenset({"TDS"}),
    "turbidity": frozenset({"TURBIDITE", "TURBIDITY", "TURB", "NTU"}),
    "level": frozenset({"NIVEAU", "NIV", "HAUTEUR", "LEVEL", "HEIGHT", "LT"}),
    "flow": frozenset({"DEBIT", "FLOW", "DEB", "FT"}),
    "pressure": frozenset({"PRESSION", "PRESSURE", "PRESS", "PT"}),
    "temperature": frozenset({"TEMPERATURE", "TEMP", "TEAU", "T", "TT"}),
}

# What is usual at a site, in the quantity's unit. Narrower than what is plausible, it tells metres from centimetres.
_USUAL: Final[dict[str, tuple[float, float]]] = {
    "temperature": (0, 45),
    "air_temperature": (-30, 45),
    "ph": (4, 10),
    "orp": (50, 1000),
    "conductivity": (50, 80_000),
    "salt": (100, 50_000),
    "tds": (50, 50_000),
    "level": (0, 15),
    "flow": (0, 1000),
    "pressure": (-1, 16),
}

# Where a name says nothing, only these are told by their values: nothing else in water lies there all the time.
_BY_VALUES: Final[dict[str, tuple[float, float]]] = {"ph": (6.4, 8.6), "orp": (450, 850)}


def suggest(tag: str, values: Sequence[float], catalogue: Catalogue) -> tuple[Suggestion, ...]:
    """What `tag` may measure, the likeliest first, at most `MOST`; `values` are those of late, in the tag's own unit."""
    known = [catalogue[name] for name in _named(tag, catalogue)]
    found = [one for quantity in known if (one := _in_unit(quantity, values)) is not None]
    if not found and values and len(set(values)) > 1:
        found = [
            Suggestion(name, catalogue[name].unit, "values")
            for name, usual in _BY_VALUES.items()
            if _lie(values, usual) and any(value != int(value) for value in values) is (name == "ph")
        ]
    return tuple(found[:MOST])


def _named(tag: str, catalogue: Catalogue) -> Iterator[str]:
    """The quantities that the words of a tag name; the installation's own by the last word of their name."""
    words = set(_words(tag))
    yield from (name for name, usual in _WORDS.items() if words & usual)
    for quantity in catalogue:
        if quantity.name not in _WORDS and words & {quantity.name.rpartition(".")[2].upper()}:
            yield quantity.name


def _words(tag: str) -> list[str]:
    """`Température eau 2` is TEMPERATURE, EAU: numbers tell instruments apart, and nothing of what they measure."""
    plain = unicodedata.normalize("NFKD", tag).encode("ascii", "ignore").decode().upper()
    return re.findall(r"[A-Z]+", plain)


def _in_unit(quantity: Quantity, values: Sequence[float]) -> Suggestion | None:
    """The quantity in the first unit in which its values are usual, else its own; nothing where it can be in none."""
    if not values:
        return Suggestion(quantity.name, quantity.unit, "name")
    usual = _USUAL.get(quantity.name, (quantity.low, quantity.high))
    for limits in (usual, (quantity.low, quantity.high)):
        for unit in alike(quantity.unit):
            if _lie([convert(value, unit, quantity.unit) for value in values], limits):
                return Suggestion(quantity.name, _spoken(unit, quantity), "both" if limits is usual else "name")
    return None


def _spoken(unit: Unit, quantity: Quantity) -> Unit:
    """Milligrams in a litre and parts in a million are the same numbers: the quantity's own unit says it."""
    return (
        quantity.unit if convert(1.0, unit, quantity.unit) == 1.0 and convert(0.0, unit, quantity.unit) == 0.0 else unit
    )


def _lie(values: Sequence[float], limits: tuple[float, float]) -> bool:
    low, high = limits
    return all(low <= value <= high for value in values)
