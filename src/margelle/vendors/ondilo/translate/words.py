"""Their words, units, times and numbers."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.site import Disinfectant, Scalar
from margelle.domain.unit import Unit
from margelle.vendors.ondilo import wire

VENDOR: Final = "ondilo"


class Term(Struct, frozen=True):
    """Their `data_type`, our quantity, the unit on their wire, and whether they print whole numbers only."""

    data_type: wire.DataType
    quantity: str
    unit: Unit
    whole: bool


TERMS: Final[tuple[Term, ...]] = (
    Term("temperature", "temperature", Unit.CELSIUS, whole=False),
    Term("ph", "ph", Unit.PH, whole=False),
    Term("orp", "orp", Unit.MILLIVOLT, whole=True),
    Term("salt", "salt", Unit.MG_PER_L, whole=True),
    Term("tds", "tds", Unit.PPM, whole=True),
    Term("battery", "battery", Unit.PERCENT, whole=True),
    Term("rssi", "rssi", Unit.PERCENT, whole=True),
)
"""In the order of the document's list of allowed types."""

BY_TYPE: Final[dict[str, Term]] = {term.data_type: term for term in TERMS}
BY_QUANTITY: Final[dict[str, Term]] = {term.quantity: term for term in TERMS}
BANDED: Final = ("temperature", "ph", "orp", "salt", "tds")
"""The quantities for which an owner sets limits."""


def legacy_order(primary: Disinfectant) -> tuple[wire.DataType, ...]:
    """The types in the order in which the cloud once told all of them unasked; clients index it. The last is of the other kind of pool."""
    fitted: tuple[wire.DataType, wire.DataType] = ("salt", "tds") if primary == "salt" else ("tds", "salt")
    return ("temperature", "orp", "ph", fitted[0], "battery", "rssi", fitted[1])


TimeProfile = Literal["current", "documented"]
"""How an instant is printed: `documented` as 2020-03-23T16:08:51+0000, `current` as 2020-03-23 16:08:51, which is UTC too."""

_TIME: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|[+-]\d\d:?\d\d)?\s*", re.ASCII)


def time_from(text: str) -> datetime:
    """The instant, aware in UTC, that the cloud wrote; without an offset it is UTC. Raises ValueError with the text."""
    found = _TIME.fullmatch(text)
    with suppress(ValueError, OverflowError):
        if found:
            day, time, offset = found.groups("Z")
            return datetime.fromisoformat(f"{day}T{time}{offset}").astimezone(UTC)
    raise ValueError(f"{text[:60]!r} is no time")


def time_to(at: datetime, profile: TimeProfile = "documented") -> str:
    """An instant (aware, UTC) as the cloud writes it, to the second, never rounded up."""
    if profile == "current":
        return at.isoformat(" ")[:19]
    return at.isoformat()[:19] + "+0000"


def time_or_none(text: str | None) -> datetime | None:
    """The instant, or None where there is none that can be read."""
    try:
        return time_from(text) if text else None
    except ValueError:
        return None


def finite(number: float | None) -> float | None:
    """A JSON number (an int of any size, a float) as a float; None where it is too large for one."""
    try:
        return None if number is None or not math.isfinite(number) else float(number)
    except OverflowError:
        return None


def plain(number: float | None) -> float | int | None:
    """A number as Ondilo prints it: an integral one has no `.0`; null where there is none."""
    number = finite(number)
    return int(number) if number is not None and number.is_integer() and abs(number) < 1e16 else number


def whole(number: float | None) -> int | None:
    """The nearest whole number, halves away from zero; null where there is none."""
    number = finite(number)
    return None if number is None else int(math.copysign(math.floor(abs(number) + 0.5), number))


def text(value: Scalar) -> str | None:
    """An attribute, if it is a text."""
    return value if isinstance(value, str) else None
