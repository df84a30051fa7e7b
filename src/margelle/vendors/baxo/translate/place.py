"""Contracts, and their devices as sites with one probe each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from margelle.domain.site import Account, Probe, Scalar, Site, User
from margelle.phrase import Phrase, Sentence
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.translate.clock import Finding, PastTime
from margelle.vendors.baxo.translate.words import VENDOR, lines, text
from margelle.vendors.baxo.translate.zone import zone_from, zone_to

ACTIVE: Final = 0
"""3.2 Appareils: 0 active, 1 inactive, 2 suspended."""

PAST_TIME: Final = "past_time"
PAST_TIME_WHY: Final = "past_time_why"
PAST_TIME_OPEN: Final = "past_time_open"
"""A device's attributes that we find out ourselves: in which time its past is, why we think so, or why it cannot be told."""

_PHRASE: Final = "_phrase"
"""Behind the name of a reason: the same as a phrase, for other languages."""

_UNSAID: Final = "BAXO Connect does not say in which time zone its history is"

CONTRACTS: Final = UUID("6f0c3d0e-4c58-5a0b-9d43-5b1f8f2b7c11")
"""The name space of the contracts that BAMO never gave."""


def site_from(account: Account, contract: wire.Contract, device: wire.Device, logs: Sequence[wire.Log] | None) -> Site:
    """A device as a site. What only BAXO knows becomes attributes, also the tags it has told of (one a line); None leaves these out."""
    key = str(device.id)
    said: dict[str, Scalar] = {
        "contract": str(contract.id),
        "contract_reference": contract.reference,
        "contract_company": contract.company,
        "contract_details": contract.details,
        "contract_email": contract.contact_email,
        "details": device.details,
        "status": device.status,
        "timezone": device.timezone,
    }
    if logs is not None:
        said["tags"] = "\n".join(dict.fromkeys(log.tag_reference for log in logs if log.tag_reference.isprintable()))
        said["events"] = "\n".join(dict.fromkeys(log.tag_reference for log in logs if log.is_event))
    return Site(
        id=account.own_id(key),
        vendor=VENDOR,
        key=key,
        name=device.name or f"Device {key}",
        kind="plant",
        time_zone=(zone_from(device.timezone) if device.timezone else None) or "UTC",
        attributes={name: value for name, value in said.items() if value is not None},
    )


def with_finding(site: Site, found: Finding) -> Site:
    """The site with what was found out about the time in which its past is told. Where that was nothing, what is known of it is to be kept."""
    why = PAST_TIME_WHY if found.time else PAST_TIME_OPEN
    said: dict[str, Scalar] = {why: found.why}
    if found.time:
        said[PAST_TIME] = found.time
    if found.phrase is not None:
        said[why + _PHRASE] = msgspec.json.encode(found.phrase).decode()
    return replace(site, attributes=site.attributes | said)


def past_time(site: Site) -> PastTime:
    """The time in which a device's past is told, as found out; UTC until then."""
    return "local" if site.attributes.get(PAST_TIME) == "local" else "utc"


def remarks(site: Site) -> tuple[Sentence, ...]:
    """What is known of the time in which a device's past is told, where that is looked for."""
    why, still_open = text(site.attributes.get(PAST_TIME_WHY)), text(site.attributes.get(PAST_TIME_OPEN))
    if why:
        own = past_time(site) == "local"
        said = f"{_UNSAID}: by comparing, it was found to be in {'the own time of the device' if own else 'universal time (UTC)'}. {why}"
        return (
            Sentence(said, Phrase("baxo.past_local" if own else "baxo.past_utc", {"why": _why(site, PAST_TIME_WHY)})),
        )
    if still_open:
        said = f"{_UNSAID}: it is taken to be universal time (UTC), until comparing tells more. {still_open}"
        return (Sentence(said, Phrase("baxo.past_open", {"why": _why(site, PAST_TIME_OPEN)})),)
    return ()


def _why(site: Site, name: str) -> str | Phrase:
    """Why it is so, as it was found out: of a device that was looked at before phrases were kept, the English sentence."""
    try:
        return msgspec.json.decode(text(site.attributes.get(name + _PHRASE)), type=Phrase)
    except msgspec.MsgspecError:
        return text(site.attributes[name])


def probe_from(site: Site) -> Probe:
    """The device itself. Its key names the contract too, without which it cannot be asked."""
    return Probe(f"{site.id}/device", site.id, VENDOR, key_of(text(site.attributes["contract"]), site.key), site.key)


def key_of(contract: str, device: str) -> str:
    """A probe's key."""
    return f"{quote(contract, safe='')}/{quote(device, safe='')}"


def ids_of(probe: Probe) -> tuple[str, str]:
    """The ids of the contract and of the device that a probe's key names."""
    contract, _, device = probe.key.partition("/")
    return unquote(contract), unquote(device)


def contract_id(site: Site) -> str:
    """Under which contract a site shows itself, for ever: its own, if BAMO's cloud gave it, else one for each cloud (and contract) by its name."""
    own = text(site.attributes.get("contract")) if site.vendor == VENDOR else ""
    cloud = site.id.removesuffix(f":{site.key}")
    if own and cloud == VENDOR:
        return own
    return str(uuid5(CONTRACTS, f"{cloud}/{own}"))


def contract_to(site: Site, title: str, user: User) -> wire.Contract:
    """The contract of a site. Another vendor's probes are under one in its name; `title` is how that vendor is called."""
    own = site.attributes if site.vendor == VENDOR else {}
    return wire.Contract(
        id=contract_id(site),
        reference=text(own.get("contract_reference")) if own else site.vendor.upper(),
        company=text(own.get("contract_company")) if own else title,
        details=text(own.get("contract_details")) if own else f"{title} probes",
        contact_email=text(own.get("contract_email")) if own else user.email,
    )


def device_to(site: Site, probe: Probe, device_id: str, *, alone: bool) -> wire.Device:
    """A probe of any vendor as a device; `alone` says that its site has no other."""
    own = site.attributes if site.vendor == VENDOR else {}
    status = own.get("status", ACTIVE)
    return wire.Device(
        id=device_id,
        name=site.name if alone else f"{site.name} {probe.serial or probe.key}",
        details=text(own.get("details")) if own else " ".join(filter(None, (site.address.city, probe.serial))),
        status=status if isinstance(status, int) else ACTIVE,
        timezone=text(own.get("timezone")) or zone_to(site.time_zone),
    )


def is_event(site: Site, reference: str) -> bool:
    """Whether a tag of a BAXO device was told to be an event."""
    return site.vendor == VENDOR and reference in lines(site.attributes.get("events"))
