"""Measures."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Final

from msgspec import Raw
from msgspec.structs import replace

from margelle.domain.chemistry import solids_of_conductivity
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Probe
from margelle.domain.unit import Unit, convert
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.translate.words import (
    BY_TYPE,
    VENDOR,
    Term,
    TimeProfile,
    plain,
    time_from,
    time_to,
    whole,
)
from margelle.vendors.reading import RAW_KEPT, number

NO_REASON: Final = "the vendor gave no reason"
_WORD: Final = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


def measurement_from(measure: wire.Measure, probe: Probe, origin: str) -> Measurement | None:
    """A measure as a measurement, with the vendor's doubt and the number as it was written.

    None where the cloud says that there is no measure: null, and nothing against it. A `data_type` that we do not know becomes the free
    quantity `ondilo.<data_type>` without a unit. Raises ValueError where the instant, or such a new type's name, cannot be read.
    """
    raw = bytes(measure.value).decode(errors="replace")
    if raw == "null" and measure.is_valid is not False:
        return None
    value = number(raw)
    term = BY_TYPE.get(measure.data_type)
    return Measurement(
        probe=probe.id,
        quantity=term.quantity if term else _free(measure.data_type),
        at=time_from(measure.value_time),
        value=value,
        raw=raw[:RAW_KEPT],
        raw_unit=term.unit if term else Unit.RATIO,
        origin=origin,
        doubts=tuple(_doubts(measure, value, raw)),
    )


def measure_to(measurement: Measurement, data_type: wire.DataType, profile: TimeProfile) -> wire.Measure:
    """A measurement of any vendor as a measure; its first doubt is the exclusion reason."""
    return wire.Measure(
        data_type=data_type,
        value_time=time_to(measurement.at, profile),
        value=Raw(_value_to(measurement, BY_TYPE[data_type])),
        is_valid=not measurement.doubts,
        exclusion_reason=measurement.doubts[0].reason if measurement.doubts else None,
    )


def solids_of(measurement: Measurement, quantity: str) -> Measurement:
    """A conductivity as `quantity`, TDS or salt, for a probe that tells no other: by `NACL_FACTOR`."""
    value = None if measurement.value is None else solids_of_conductivity(measurement.value)
    return replace(measurement, quantity=quantity, value=value)


def absence_to(data_type: wire.DataType, at: datetime, profile: TimeProfile) -> wire.Measure:
    """That there is no measure of this type: null and valid, as the cloud says it. `at` is that of the pool's newest measure, or now."""
    return wire.Measure(data_type=data_type, value_time=time_to(at, profile), is_valid=True)


def _free(data_type: str) -> str:
    if not _WORD.fullmatch(data_type):
        raise ValueError(f"{data_type[:40]!r} is no type of measure")
    return f"{VENDOR}.{data_type}"


def _doubts(measure: wire.Measure, value: float | None, raw: str) -> list[Doubt]:
    doubts = []
    if measure.is_valid is False:
        doubts.append(Doubt("vendor", measure.exclusion_reason or NO_REASON))
    elif measure.is_valid is None:
        doubts.append(Doubt("vendor", "the vendor did not say whether it is valid"))
    if value is None and raw != "null":
        doubts.append(Doubt("unreadable", f"{raw[:40]} is no number"))
    return doubts


def _value_to(measurement: Measurement, term: Term) -> str:
    """The number as Ondilo wrote it; another vendor's in their unit and with their digits."""
    value = measurement.value
    if value is None or not math.isfinite(value):
        return "null"
    if not measurement.origin.startswith("ondilo/"):
        value = convert(value, CATALOGUE[measurement.quantity].unit, term.unit)
        return repr(whole(value) if term.whole else plain(round(value, 2)))
    return repr(plain(value))
