"""Lily's words and our quantities, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from msgspec import Raw, Struct
from msgspec.json import encode

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, Disinfectant, Disinfection, Probe, Site
from margelle.domain.unit import Unit, convert
from margelle.vendors.reading import measured
from tests.fourth.lily import wire

VENDOR: Final = "lily"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TREATMENTS: Final[dict[str, Disinfectant]] = {"chlorine": "chlorine", "bromine": "bromine", "salt": "salt"}
FLAGGED: Final = Doubt("vendor", "the buoy itself does not trust this sensor")


class Term(Struct, frozen=True):
    """Their sensor, our quantity, the unit on their wire, and how many digits another vendor's value gets there."""

    sensor: wire.Sensor
    quantity: str
    unit: Unit
    digits: int


TERMS: Final[tuple[Term, ...]] = (
    Term("water_f", "temperature", Unit.FAHRENHEIT, 1),
    Term("ph", "ph", Unit.PH, 2),
    Term("redox_v", "orp", Unit.VOLT, 3),
    Term("salt_gl", "salt", Unit.G_PER_L, 1),
    Term("battery", "battery", Unit.RATIO, 2),
)
BY_QUANTITY: Final = {term.quantity: term for term in TERMS}
SENSORS: Final[tuple[str, ...]] = get_args(wire.Sensor)


def site_from(account: Account, buoy: wire.Buoy) -> Site:
    """The water that a buoy floats in."""
    key = str(buoy.id)
    return Site(
        id=account.own_id(key),
        vendor=VENDOR,
        key=key,
        name=buoy.label or f"Lily {key}",
        kind="pool",
        volume_m3=None if buoy.litres is None else buoy.litres / 1000,
        disinfection=Disinfection(TREATMENTS.get(buoy.treatment or "", "other")),
        attributes={} if buoy.treatment is None else {"treatment": buoy.treatment},
    )


def probe_from(site: Site, buoy: wire.Buoy) -> Probe:
    """The buoy as a probe."""
    return Probe(f"{site.id}/buoy", site.id, VENDOR, site.key, serial=site.key, firmware=buoy.firmware or "")


def buoy_to(public_id: int, site: Site, probe: Probe) -> wire.Buoy:
    """A probe of any vendor, with its water, as a buoy."""
    treatment = site.attributes.get("treatment") if site.vendor == VENDOR else site.disinfection.primary
    return wire.Buoy(
        id=public_id,
        label=site.name,
        litres=None if site.volume_m3 is None else round(site.volume_m3 * 1000, 1),
        treatment=treatment if treatment in TREATMENTS else "none",
        firmware=probe.firmware,
    )


def measurements_from(sample: wire.Sample, probe: Probe) -> list[Measurement]:
    """What a sample tells; a sensor that is null told nothing. Raises ValueError where its instant cannot be."""
    at, flags = _instant(sample.t), sample.flags or ()
    said = [(term, bytes(getattr(sample, term.sensor)).decode(errors="replace")) for term in TERMS]
    return [
        measured(
            probe, one.quantity, at, raw, one.unit, f"{VENDOR}/samples", *([FLAGGED] if one.sensor in flags else [])
        )
        for one, raw in said
        if raw != "null"
    ]


def sample_to(at: datetime, points: Mapping[str, Measurement]) -> wire.Sample:
    """What a probe of any vendor measured `at` about this instant, by quantity; a value that is doubted is flagged."""
    known = [(term, points[term.quantity]) for term in TERMS if term.quantity in points]
    return wire.Sample(
        t=(at - EPOCH) // timedelta(seconds=1),
        flags=[term.sensor for term, point in known if point.doubts],
        **{term.sensor: _value_to(point, term) for term, point in known},
    )


def _instant(seconds: int) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{str(seconds)[:40]} is no time") from None


def _value_to(point: Measurement, term: Term) -> Raw:
    """The number as Lily wrote it; another vendor's in Lily's unit."""
    if point.value is None:
        return wire.NULL
    if point.origin.startswith(f"{VENDOR}/"):
        return Raw(point.raw.encode())
    value = convert(point.value, CATALOGUE[term.quantity].unit, term.unit)
    return Raw(encode(round(value, term.digits)))
