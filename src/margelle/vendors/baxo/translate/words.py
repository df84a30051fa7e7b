"""Their instants, numbers and texts."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from msgspec import Raw
from msgspec.json import decode

from margelle.domain.site import Scalar

VENDOR: Final = "baxo"

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""2.4 Horodatage: instants are counted from here; that they are seconds shows in the document's examples, which are of 2018."""

_SECOND: Final = timedelta(seconds=1)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_STATES: Final = {"true": 1.0, "false": 0.0}


def instant_from(seconds: float, zone: tzinfo = UTC, *, fold: int = 0) -> datetime:
    """The instant so many seconds after 2000-01-01 on the clock of `zone`, the second such one with `fold` 1. Raises ValueError where there is none."""
    try:
        return (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone, fold=fold).astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError(f"{seconds!r:.40} is no time") from None


def seconds_to(at: datetime, zone: tzinfo = UTC) -> int:
    """An instant (aware, UTC) as they count it, never rounded up; on the clock of `zone`."""
    return (at.astimezone(zone).replace(tzinfo=UTC) - EPOCH) // _SECOND


def text_of(value: Raw) -> str | None:
    """What came as a value: the text, or any other JSON as it was written; None for null."""
    raw = bytes(value)
    if raw == b"null":
        return None
    return raw.decode() if raw[:1] != b'"' else decode(raw, type=str)


def number_of(text: str) -> float | None:
    """The number that a text spells, with a point; that of a state is 1 or 0. None where there is none."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return _STATES.get(text.lower())
    number = float(text)
    return number if math.isfinite(number) else None


def plain(number: float) -> str:
    """A number as they write it: an integral one without `.0`."""
    return repr(number).removesuffix(".0")


@lru_cache(1024)
def lines(value: Scalar) -> tuple[str, ...]:
    """The texts that an attribute holds, one a line."""
    return tuple(line for line in text(value).split("\n") if line)


def text(value: Scalar) -> str:
    """An attribute as a text; empty where there is none."""
    return value if isinstance(value, str) else ""
