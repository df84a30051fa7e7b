"""Pools, their devices, limits and shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from margelle.domain.site import (
    Account,
    Address,
    Band,
    Disinfectant,
    Disinfection,
    Probe,
    Scalar,
    Share,
    Site,
    SiteKind,
)
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.translate.words import (
    BANDED,
    VENDOR,
    finite,
    plain,
    text,
    time_or_none,
    time_to,
    whole,
)

DISINFECTANTS: Final[dict[str, Disinfectant]] = {"chlorine": "chlorine", "bromine": "bromine", "salt": "salt"}
TYPE_OF_KIND: Final[dict[SiteKind, str]] = {
    "pool": "outdoor_inground_pool",
    "spa": "outdoor_spa",
    "tank": "outdoor_aboveground_pool",
    "plant": "outdoor_inground_pool",
    "other": "outdoor_inground_pool",
}
"""The type printed for a site that never had one of Ondilo's."""


def site_from(
    account: Account, pool: wire.Pool, configuration: wire.Configuration | None, shares: Sequence[wire.Share]
) -> Site:
    """A pool as a site. What only Ondilo knows (its `type`, `disinfection`, `pool_guy_number`, `maintenance_day`) becomes attributes."""
    key = str(pool.id)
    return Site(
        id=account.own_id(key),
        vendor=VENDOR,
        key=key,
        name=pool.name or f"Pool {key}",
        kind=_kind(str(pool.type)),
        volume_m3=finite(pool.volume),
        disinfection=_disinfection_from(pool.disinfection or wire.Disinfection()),
        address=_address_from(pool.address or wire.Address()),
        bands=bands_from(configuration or wire.Configuration()),
        shares=tuple(map(share_from, shares)),
        attributes=_attributes_from(pool, configuration or wire.Configuration()),
        updated_at=time_or_none(pool.updated_at),
    )


def bands_from(configuration: wire.Configuration) -> dict[str, Band]:
    """The owner's limits by quantity; a quantity without any limit is left out."""
    limits = {
        name: Band(finite(getattr(configuration, f"{name}_low")), finite(getattr(configuration, f"{name}_high")))
        for name in BANDED
    }
    return {name: band for name, band in limits.items() if band != Band()}


def share_from(share: wire.Share) -> Share:
    """A person with whom a pool is shared."""
    return Share(share.firstname or "", share.lastname or "", share.email or "", time_or_none(share.shared_since))


def probe_from(site: Site, device: wire.Device | None) -> Probe:
    """The measuring place of a pool with the ICO that is in it, or None."""
    device = device or wire.Device()
    return Probe(
        id=f"{site.id}/ico",
        site=site.id,
        vendor=VENDOR,
        key=site.key,
        serial=device.serial_number or "",
        hardware=device.uuid or "",
        firmware=device.sw_version or "",
    )


def pool_to(site: Site, pool_id: int, updated_at: datetime) -> wire.Pool:
    """A site of any vendor as a pool. `updated_at` is the newer of its newest measurement and its last change."""
    own = site.attributes if site.vendor == VENDOR else {}
    secondary = wire.SecondaryDisinfection(uv_sanitizer=site.disinfection.uv, ozonator=site.disinfection.ozone)
    return wire.Pool(
        id=pool_id,
        name=site.name,
        type=text(own.get("type")) or TYPE_OF_KIND[site.kind],
        volume=plain(site.volume_m3),
        disinfection=wire.Disinfection(text(own.get("disinfection")) or _primary_to(site), secondary),
        address=_address_to(site.address),
        updated_at=time_to(updated_at),
    )


def device_to(probe: Probe) -> wire.Device | None:
    """The device in the water now; None where there is none. One number stands for the other where a vendor gives only one."""
    if not (probe.serial or probe.hardware):
        return None
    return wire.Device(
        uuid=probe.hardware or probe.serial, serial_number=probe.serial or probe.hardware, sw_version=probe.firmware
    )


def configuration_to(site: Site) -> wire.Configuration:
    """The owner's limits, null where there is none; whole numbers but for pH, as clients expect."""
    own = site.attributes if site.vendor == VENDOR else {}
    day = own.get("maintenance_day")
    limits = {
        f"{name}_{side}": (plain if name == "ph" else whole)(getattr(site.bands.get(name, Band()), side))
        for name in BANDED
        for side in ("low", "high")
    }
    return wire.Configuration(
        **limits,
        pool_guy_number=text(own.get("pool_guy_number")),
        maintenance_day=day if isinstance(day, int) else None,
    )


def shares_to(shares: Iterable[Share]) -> list[wire.Share]:
    """With whom a site is shared."""
    return [
        wire.Share(
            lastname=share.lastname,
            firstname=share.firstname,
            email=share.email,
            shared_since=time_to(share.since) if share.since else None,
        )
        for share in shares
    ]


def _kind(word: str) -> SiteKind:
    return "spa" if word.endswith("spa") else "pool" if word.endswith("pool") else "other"


def _disinfection_from(said: wire.Disinfection) -> Disinfection:
    secondary = said.secondary or wire.SecondaryDisinfection()
    return Disinfection(
        primary=DISINFECTANTS.get(str(said.primary), "other"),
        uv=bool(secondary.uv_sanitizer),
        ozone=bool(secondary.ozonator),
    )


def _primary_to(site: Site) -> str | None:
    return site.disinfection.primary if site.disinfection.primary in DISINFECTANTS else None


def _address_from(said: wire.Address) -> Address:
    return Address(
        street=said.street or "",
        postcode=said.zipcode or "",
        city=said.city or "",
        country=said.country or "",
        latitude=finite(said.latitude),
        longitude=finite(said.longitude),
    )


def _address_to(address: Address) -> wire.Address:
    return wire.Address(
        street=address.street,
        zipcode=address.postcode,
        city=address.city,
        country=address.country,
        latitude=plain(address.latitude),
        longitude=plain(address.longitude),
    )


def _attributes_from(pool: wire.Pool, configuration: wire.Configuration) -> dict[str, Scalar]:
    primary = pool.disinfection.primary if pool.disinfection else None
    said: dict[str, Scalar] = {
        "type": pool.type,
        "disinfection": None if primary in DISINFECTANTS else primary,
        "pool_guy_number": configuration.pool_guy_number,
        "maintenance_day": configuration.maintenance_day,
        "updated_at": pool.updated_at if time_or_none(pool.updated_at) is None else None,
    }
    return {name: value for name, value in said.items() if value is not None}
