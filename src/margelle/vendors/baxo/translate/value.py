"""Values: of now, and of the past."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from msgspec import Raw
from msgspec.json import encode

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Probe
from margelle.domain.unit import Unit, convert
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.translate.clock import Said, WallClock
from margelle.vendors.baxo.translate.tags import Tag, Tags
from margelle.vendors.baxo.translate.words import EPOCH, VENDOR, instant_from, number_of, plain, seconds_to, text_of

RAW_KEPT: Final = 2000
"""How much of a value is kept, in characters."""

LOCAL, DISTANT = 1, 2
"""3.6, `source`: told by the device, or by the platform."""

REALTIMES: Final = f"{VENDOR}/realtimes"
HISTORICS: Final = f"{VENDOR}/historics"
FROM_PLATFORM: Final = f"{HISTORICS}/distant"

DIGITS: Final = 2
"""Digits of another vendor's value after the point, where its own text does not serve."""


def log_from(log: wire.Log, tag: Tag, probe: Probe, tags: Tags) -> Measurement | None:
    """A value of now (3.4, 3.5), which is in universal time."""
    return _measurement(log, tag, probe, tags, REALTIMES, WallClock(UTC))


def row_from(row: wire.Row, tag: Tag, probe: Probe, tags: Tags, clock: WallClock | None = None) -> Measurement | None:
    """A value of the past (3.6, 3.7). The document does not say in which time: as `clock` shows it, or in UTC."""
    origin = FROM_PLATFORM if row.source == DISTANT else HISTORICS
    return _measurement(row, tag, probe, tags, origin, clock or WallClock(UTC))


def said_from(said: wire.Log | wire.Row) -> Said | None:
    """What stands in an answer, with its own time; None where nothing was recorded. Raises ValueError where its time cannot be read."""
    raw, (seconds, _) = text_of(said.value), _stamp(said)
    return None if raw is None or seconds == 0 else Said(int(seconds), raw)


def log_to(
    point: Measurement, tag: Tag, tags: Tags, *, event: bool, device: str = "", both: bool = False
) -> wire.Log | None:
    """A measurement as a value of now. The device, where it is asked for, under the document's word; with `both` under the other one too."""
    said = value_to(point, tag, tags)
    if said is None:
        return None
    log = wire.Log(tag_reference=tag.reference, value=said, timestamp=seconds_to(point.at), is_event=event)
    if device:
        log.device_identifiant = device
        if both:
            log.device_identifier = device
    return log


def row_to(point: Measurement, tag: Tag, tags: Tags) -> wire.Row | None:
    """A measurement as a value of the past."""
    said = value_to(point, tag, tags)
    if said is None:
        return None
    return wire.Row(said, seconds_to(point.at), DISTANT if point.origin == FROM_PLATFORM else LOCAL)


def value_to(point: Measurement, tag: Tag, tags: Tags) -> Raw | None:
    """The text of a value: BAXO's own as it came, another's in the tag's unit. None for what BAXO has no words for: a doubt, or no number."""
    if point.origin.startswith(f"{VENDOR}/"):
        return Raw(encode(point.raw))
    if point.doubts or point.value is None or not math.isfinite(point.value):
        return None
    if point.raw_unit is tag.unit and number_of(point.raw) is not None:
        return Raw(encode(point.raw))
    unit = tags.unit(point.quantity)
    value = round(convert(point.value, unit, tag.unit), DIGITS) if unit else point.value
    return Raw(encode(plain(value + 0.0)))  # which makes -0.0 a plain 0


def _measurement(  # noqa: PLR0917 - what was said, of what, and how it is counted
    said: wire.Log | wire.Row, tag: Tag, probe: Probe, tags: Tags, origin: str, clock: WallClock
) -> Measurement | None:
    """None where nothing was ever recorded: no value, or the epoch itself as its time. Raises ValueError where its time cannot be read."""
    raw, (seconds, universal) = text_of(said.value), _stamp(said)
    if raw is None or seconds == 0:
        return None
    number = number_of(raw)
    return Measurement(
        probe=probe.id,
        quantity=tag.quantity,
        at=instant_from(seconds) if universal else clock.instant(seconds),
        value=number if number is None else _converted(number, tag.unit, tags.unit(tag.quantity)),
        raw=raw[:RAW_KEPT],
        raw_unit=tag.unit,
        origin=origin,
        doubts=() if number is not None else (Doubt("unreadable", f"{raw[:40]!r} is no number"),),
    )


def _stamp(said: wire.Log | wire.Row) -> tuple[float, bool]:
    """Seconds since 2000-01-01, and whether they are said to be universal time. 0 is never; so is the first day of the calendar. Raises ValueError."""
    if isinstance(said.timestamp, int | float):
        return said.timestamp, False
    if not said.datetime:
        raise ValueError("it has no time")
    told = datetime.fromisoformat(said.datetime)
    seconds = 0.0 if told.year == 1 else (told.replace(tzinfo=told.tzinfo or UTC) - EPOCH).total_seconds()
    return seconds, told.tzinfo is not None


def _converted(number: float, source: Unit, target: Unit | None) -> float:
    return number if target is None else convert(number, source, target)
