"""Flipr's words, times, numbers and deviations."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from msgspec import Raw, UnsetType

from margelle.domain.site import Disinfectant, Scalar
from margelle.vendors.flipr import wire

VENDOR: Final = "flipr"
NEARBY: Final = "flipr/bluetooth"
"""The origin of what this machine heard by itself."""
DEVIATION: Final = "flipr.disinfectant_deviation"
"""A quantity that only Flipr has: how far the disinfectant is from ideal, without a unit."""
PH_DEVIATION: Final = "flipr.ph_deviation"
"""Another: how far the pH is. The cloud reckons it with more digits of the pH than it tells, so it does not follow from what it tells."""

IDEAL_PH: Final = Decimal("7.2")
PH_TO_ALARM: Final = Decimal("0.4")
"""All five pairs of value and deviation that the document prints fit (pH - 7.2) / 0.4."""

Language = Literal["fr", "en"]

LABELS: Final[dict[Language, dict[str, str]]] = {
    "fr": {
        "temperature": "Temperature",
        "ph": "PH",
        "orp": "Potentiel Redox.",
        "conductivity": "Conductivité",
        "battery": "Batterie",
        "uv_index": "Indice UV",
        "cloud_cover": "Couverture nuageuse",
        "chlorine": "Chlore",
        "bromine": "Brome",
        "salt": "Sel",
    },
    "en": {
        "temperature": "Temperature",
        "ph": "PH",
        "orp": "Redox potential",
        "conductivity": "Conductivity",
        "battery": "Battery",
        "uv_index": "UV index",
        "cloud_cover": "Cloud cover",
        "chlorine": "Chlorine",
        "bromine": "Bromine",
        "salt": "Salt",
    },
}

MESSAGES: Final[dict[Language, dict[wire.Sector, str]]] = {
    "fr": {
        "TooLow": "Trop faible",
        "MediumLow": "Bon",
        "Medium": "Parfait",
        "MediumHigh": "Bon",
        "TooHigh": "Trop élevé",
    },
    "en": {"TooLow": "Too low", "MediumLow": "Good", "Medium": "Perfect", "MediumHigh": "Good", "TooHigh": "Too high"},
}

DISINFECTANTS: Final[dict[str, Disinfectant]] = {
    "chlore": "chlorine",
    "chlorine": "chlorine",
    "brome": "bromine",
    "bromine": "bromine",
    "sel": "salt",
    "salt": "salt",
}
"""By label, in small letters."""

_TIME: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?\s*", re.ASCII)
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def is_own(origin: str) -> bool:
    """Whether Flipr's cloud told what has this origin. What was heard over Bluetooth is of our own reckoning."""
    return origin.startswith(f"{VENDOR}/") and origin != NEARBY


def time_from(text: str) -> datetime:
    """The instant that the cloud wrote, of which a microsecond is the last digit; without a zone it is UTC. Raises ValueError with the text."""
    found = _TIME.fullmatch(text)
    with suppress(ValueError, OverflowError):
        if found:
            day, time, fraction, offset = found.groups("")
            return datetime.fromisoformat(f"{day}T{time}{fraction}{offset or 'Z'}").astimezone(UTC)
    raise ValueError(f"{text[:60]!r} is no time")


def time_to(at: datetime) -> str:
    """An instant (aware, UTC) as the cloud writes it: as many digits of the second as there are, and Z."""
    text = at.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def written(said: Raw | UnsetType) -> str:
    """The JSON of a value; empty where there is none: nothing, null, or an empty text as of a probe that sleeps."""
    if isinstance(said, UnsetType):
        return ""
    text = bytes(said).decode(errors="replace").strip()
    return "" if text in {"null", '""'} else text


def number(text: str) -> float | None:
    """The number that `text` is in JSON; None if it is none, or too large to count with."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def word(said: Raw | UnsetType) -> str:
    """The text that `said` is in JSON; of anything else, the JSON itself; empty where there is none."""
    text = written(said)
    with suppress(ValueError):
        read = json.loads(text)
        return read if isinstance(read, str) else text
    return text


def text(value: Scalar) -> str:
    """An attribute as a text; empty where there is none."""
    return value if isinstance(value, str) else ""


@lru_cache(4096)  # instruments have few digits: the same numbers come again and again
def rounded(value: float) -> int | float:
    """A number with two decimals as the cloud prints it: halves to even, an integral one without `.0`."""
    return _plain(Decimal(repr(value)))


@lru_cache(1024)
def ph_deviation(ph: float) -> int | float:
    """How far a pH is from ideal; beyond 1 and -1 it is a problem."""
    return _plain((Decimal(repr(ph)) - IDEAL_PH) / PH_TO_ALARM)


def sector_of(deviation: float) -> wire.Sector:
    """The sector of a deviation. That of the alarm follows from the document; that halfway to it is read from examples."""
    size = abs(deviation)
    if size <= 0.5:
        return "Medium"
    if size <= 1:
        return "MediumLow" if deviation < 0 else "MediumHigh"
    return "TooLow" if deviation < 0 else "TooHigh"


def _plain(value: Decimal) -> int | float:
    short = float(f"{value:.2f}")
    return int(short) if short.is_integer() else short
