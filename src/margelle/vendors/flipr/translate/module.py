"""Modules, pools and places: a Flipr with the water that it floats in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeGuard

from margelle.domain.site import Account, Band, Disinfectant, Disinfection, Probe, Recommendation, Scalar, Site
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.translate.words import IDEAL_PH, PH_TO_ALARM, VENDOR, text, time_to

ALWAYS: Final = frozenset({"temperature", "ph", "orp"})
"""What every Flipr measures."""

PROBE: Final = 1
HUB: Final = 2
HUBS: Final = frozenset({HUB, 3})
"""The types of module: 3 is a newer hub."""

COMMERCIAL_TYPES: Final = {"Start": 1, "Pro": 2}
"""By name, the numbers that the cloud gives them. A name that the cloud gave without a number has none."""

LIMITS: Final = {
    "ph_min": ("ph", "low"),
    "ph_max": ("ph", "high"),
    "redox": ("orp", "low"),
    "temperature": ("temperature", "low"),
    "temperature_max": ("temperature", "high"),
}
"""Which end of which band each of their limits is."""

USUAL_LIMITS: Final = {"ph_min": float(IDEAL_PH - PH_TO_ALARM), "ph_max": float(IDEAL_PH + PH_TO_ALARM)}
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTH: Final = 6
_VERSION: Final = re.compile(r"[0-9]{1,9}")


def site_from(
    account: Account,
    module: wire.Module,
    pool: wire.Pool | None,
    place: wire.Place | None,
    kept_by: Disinfectant | None,
) -> Site:
    """The water of a probe: each module is a site of its own, since not every cloud tells of places.

    `kept_by` is what the newest measure says of the disinfectant. What only Flipr knows becomes attributes.
    """
    key, pool = module.serial.upper(), pool or wire.Pool()
    said: dict[str, Scalar] = {
        "built_year": pool.built_year if _sane(pool.built_year) else None,
        "commercial_type": module.commercial_type.value if module.commercial_type else None,
        "commercial_type_id": module.commercial_type.id
        if module.commercial_type and _sane(module.commercial_type.id)
        else None,
        "place": place.id if place and _sane(place.id) else None,
        "status": module.status.status if module.status else None,
        "status_since": module.status.date_time if module.status else None,
    }
    return Site(
        id=account.own_id(key),
        vendor=VENDOR,
        key=key,
        name=pool.private_name or f"Flipr {key}",
        kind="spa" if module.is_for_spa else "pool",
        volume_m3=float(pool.volume) if _sane(pool.volume) else None,
        disinfection=Disinfection(kept_by or "other"),
        attributes={name: value for name, value in said.items() if value is not None},
    )


def probe_from(site: Site, module: wire.Module) -> Probe:
    """The probe of a module."""
    return Probe(
        id=f"{site.id}/probe",
        site=site.id,
        vendor=VENDOR,
        key=site.key,
        serial=site.key,
        firmware="" if module.version is None else str(module.version),
    )


def module_to(serial: str, site: Site, probe: Probe, newest: datetime | None, *, like: bool = True) -> wire.Module:
    """A probe of any vendor as a module; `newest` is when it last measured, and `like` says whether it measures what a Flipr does.

    One that does not has no type: Home Assistant sets up none of an account's modules where one of type 1 has no measure.
    """
    own = site.attributes if site.vendor == VENDOR else {}
    commercial = text(own.get("commercial_type")) or "Start"
    known_as = own.get("commercial_type_id")
    naive = time_to(newest).removesuffix("Z") if newest else None
    return wire.Module(
        serial=serial,
        module_type_id=PROBE if like else None,
        is_suspended=False,
        status=wire.Status(
            status=text(own.get("status")) or "Activated", date_time=text(own.get("status_since")) or None
        ),
        version=version_to(probe.vendor, probe.firmware),
        commercial_type=wire.CommercialType(
            id=known_as if isinstance(known_as, int) else COMMERCIAL_TYPES.get(commercial), value=commercial
        ),
        is_for_spa=site.kind == "spa",
        last_measure_date_time=naive,
        sigfox_status="Inactive",
        is_subscription_valid=True,
    )


def version_to(vendor: str, firmware: str) -> int:
    """The version of a Flipr's firmware; 1 for what has none that is a number of a few digits, and for another vendor's."""
    return int(firmware) if vendor == VENDOR and _VERSION.fullmatch(firmware) else 1


def pool_to(site: Site) -> wire.Pool:
    """A site of any vendor as a module's pool."""
    year = site.attributes.get("built_year")
    return wire.Pool(
        private_name=site.name,
        built_year=year if isinstance(year, int) else None,
        volume=int(site.volume_m3)
        if site.volume_m3 is not None and float(site.volume_m3).is_integer()
        else site.volume_m3,
        version=1,
    )


def place_to(place_id: int, serials: Iterable[str], hubs: Iterable[str] = ()) -> wire.Place:
    """A site of any vendor as a place, with its probes and hubs."""
    modules, switches = ([wire.PlaceModule(serial=serial) for serial in some] for some in (serials, hubs))
    return wire.Place(id=place_id, modules=modules, hubs=switches)


def thresholds_to(site: Site) -> wire.Thresholds:
    """The owner's limits. Where there are none, those of the pH are where its deviation becomes a problem."""
    told = wire.Thresholds()
    for name, (quantity, end) in LIMITS.items():
        limit = getattr(site.bands.get(quantity, Band()), end)
        usual = USUAL_LIMITS.get(name)
        if limit is not None or usual is not None:
            setattr(told, name, wire.Limit(usual if limit is None else limit, limit is None))
    return told


def alert_to(alert_id: int, recommendation: Recommendation) -> wire.Alert:
    """What any vendor recommends, as an alert of the place."""
    return wire.Alert(
        id=str(alert_id),
        title=recommendation.title,
        subtitle=recommendation.message,
        message=recommendation.message,
        date_time=time_to(recommendation.created_at),
    )


def short_term_to(air_temperature: float | None) -> wire.ShortTerm:
    """The weather, as far as a probe tells it."""
    return wire.ShortTerm(air_temperature=None if air_temperature is None else round(air_temperature, 2))


def preferred_number(vendor: str, serial: str) -> int | None:
    """The number of a Flipr's own serial, for `serial_of`; None where it has another form, or is no Flipr's."""
    if vendor != VENDOR or len(serial) != _LENGTH or any(digit not in _DIGITS for digit in serial):
        return None
    value = int(serial, 36)
    return value if 0 < value < 2**31 else None


def serial_of(number: int) -> str:
    """The serial, of six letters and digits as a Flipr's, that stands for a number from 1 to 2^31 - 1."""
    digits = ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits


def shows_itself(site: Site, probe: Probe) -> bool:
    """Whether a probe shows itself by its own serial, whatever its form: those of the vendor's own cloud are no two the same."""
    return probe.vendor == VENDOR and site.id == f"{VENDOR}:{site.key}" and probe.serial != ""


def _sane(number: float | None) -> TypeGuard[float]:
    """Whether a number can be kept."""
    return number is not None and -(2**53) < number < 2**53
