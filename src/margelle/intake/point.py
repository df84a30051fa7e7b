"""A point as somebody told it, and the measurement that it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from msgspec import Raw, Struct

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe
from margelle.domain.unit import convert, unit_named
from margelle.errors import BadInput

LONGEST: Final = 100
"""Characters of a number as it was written."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS: Final = (9e8, 1e11)
"""What counts as seconds since 1970, and a thousand times as much as milliseconds. What is less is a date without dashes, or a slip; what lies between, a far future in seconds or a past in milliseconds that no probe knew: nobody can tell which."""
_NO_EPOCH: Final = "as seconds or milliseconds since 1970 it would be before July 1998 or after the year 5138"

_LAST_YEAR: Final = 9998


class Point(Struct, frozen=True, gc=False):
    """One value as it was told: every part is text, as it was written. `unit` is empty for the quantity's own."""

    probe: str
    quantity: str
    at: str
    value: str
    unit: str = ""


class Arrival(Struct, frozen=True, gc=False):
    """What came of one line or entry, the `n`th: a measurement, or why there is none."""

    n: int
    measurement: Measurement | None = None
    fault: str = ""


class Told(Struct, forbid_unknown_fields=True, gc=False):
    """A point as JSON: `value` and `at` are numbers or texts."""

    probe: str
    quantity: str
    at: str | int | float
    value: Raw
    unit: str | None = None

    def point(self) -> Point:
        """The same, as texts."""
        return Point(self.probe, self.quantity, str(self.at), unquoted(self.value), self.unit or "")


def unquoted(raw: Raw) -> str:
    """The text of a JSON number, or of the number that a JSON text holds."""
    text = bytes(raw).decode()
    return text[1:-1] if text.startswith('"') else text


def measurement_of(
    point: Point, probe: Probe, catalogue: Catalogue, origin: str, zone: tzinfo | None = None
) -> Measurement:
    """The measurement that `point` is, of `probe`; an instant without a zone is on the clock of `zone`, if that is given. Raises BadInput."""
    try:
        quantity = catalogue[point.quantity.strip().casefold()]  # where people write pH
        unit = unit_named(point.unit) if point.unit.strip() else quantity.unit
        value = convert(number_of(point.value), unit, quantity.unit)
    except (KeyError, ValueError, OverflowError) as error:
        said = str(error.args[0])
        raise BadInput(said if said.endswith("?") else f"{said}.") from error
    at = instant_of(point.at, zone)
    return Measurement(probe.id, quantity.name, at, value, point.value.strip(), unit, origin)


def number_of(text: str) -> float:
    """The number that `text` spells. Raises ValueError."""
    text = text.strip()
    if len(text) <= LONGEST and _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text[:40]!r} is no number")


def instant_of(text: str, zone: tzinfo | None = None) -> datetime:
    """The instant, in UTC, that `text` names: ISO 8601, or seconds or milliseconds since 1970.

    Raises BadInput, also where it has no zone and `zone` is none.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _since_1970(text)
    try:
        at = in_utc(datetime.fromisoformat(text), zone)
        if at.year <= _LAST_YEAR:
            return at
    except (ValueError, OverflowError):
        pass
    raise _no_instant(text)


def _since_1970(text: str) -> datetime:
    """Raises BadInput."""
    number, (low, high) = float(text), _SECONDS
    if low <= number < high:
        return _EPOCH + timedelta(seconds=number)
    if low * 1000 <= number < high * 1000:
        return _EPOCH + timedelta(milliseconds=number)
    raise _no_instant(text, f": {_NO_EPOCH}")


def _no_instant(text: str, why: str = "") -> BadInput:
    return BadInput(f"{text[:40]!r} is no instant{why}.", hint="It is like 2026-07-14T12:30:00Z.")


def in_utc(at: datetime, zone: tzinfo | None) -> datetime:
    """`at` in UTC; without a zone it is on the clock of `zone`, of an hour that came twice the first. Raises BadInput."""
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    if zone is None:
        raise BadInput(f"{at.isoformat()} has no time zone.", hint="Write Z for UTC, or +02:00.")
    there = at.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise BadInput(f"{at.isoformat()} was skipped by the clock of {zone}.")
    return there.astimezone(UTC)


def probe_named(text: str, probes: Mapping[str, Probe]) -> Probe:
    """The probe that `text` means: its id, or that of a site with one probe. Raises BadInput."""
    if text in probes:
        return probes[text]
    there = [probe for probe in probes.values() if probe.site == text]
    if len(there) == 1:
        return there[0]
    if there:
        raise BadInput(f"{text} has several probes: {', '.join(probe.id for probe in there)}.")
    raise BadInput(f"There is no probe {text[:100]!r}.")
