"""The readings by hand that were written down at a site: shown below the form, with a way to correct each, and to take it back with a trace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from margelle.domain.measurement import BESIDE, Measurement, Reading
from margelle.domain.site import Probe, Site
from margelle.domain.unit import Unit, convert, unit_named
from margelle.errors import BadInput, NotFound
from margelle.intake.hand import TAKEN_BACK, is_by_hand, means_of, reading_at, readings, take_back
from margelle.phrase import Phrase
from margelle.ports import AuditEntry
from margelle.serve.pages.figures import clock_time, number, with_unit
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.tile import Scene, beyond, doubt
from margelle.serve.pages.visit import Visit

TESTED: Final = (
    "ph", "free_chlorine", "total_chlorine", "combined_chlorine", "bromine", "active_oxygen", "total_alkalinity", "total_hardness",
    "calcium_hardness", "cyanuric_acid", "salt", "temperature", "phosphate", "copper", "iron", "turbidity", "tds", "conductivity", "orp",
)  # fmt: skip
"""What strips, photometers, meters and laboratories tell, in the order in which they print it."""

LATELY: Final = 5
"""Readings shown below the form."""


class Told(Struct, frozen=True):
    """A value in words. What there is to say of it is grave as the state of a site is: `watch` or `act`; one that was taken back is `gone`."""

    quantity: str
    text: str
    remark: str = ""
    state: str = ""
    gone: bool = False


class Kept(Struct, frozen=True):
    """A reading that was kept: when (`iso` to be named by), with what, and its values in words, each perhaps with why it is doubted, or how far it is from its limits. `gone` where all of it was taken back."""

    iso: str
    at: str
    means: str
    values: tuple[Told, ...]
    gone: bool


async def own_probe(visit: Visit, site: Site) -> Probe | None:
    """The probe of the hand readings at a site; None before the first one."""
    return next((one for one in await visit.store.probes(site.id) if is_by_hand(one)), None)


async def named(visit: Visit, site: Site, iso: str) -> Reading | None:
    """The hand reading at the instant that `iso` names; None where there is none."""
    probe = await own_probe(visit, site)
    try:
        at = datetime.fromisoformat(iso).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    found = await reading_at(visit.store, probe, at) if probe else None
    return found if found and found.measurements else None


async def lately(visit: Visit, site: Site) -> list[Kept]:
    """The last readings, the newest first, and before them the one that was just kept, where it is older than these."""
    probe = await own_probe(visit, site)
    found = await readings(visit.store, probe, LATELY) if probe else []
    just = await named(visit, site, visit.asked("reading")) if visit.asked("reading") else None
    if just and just.at not in {one.at for one in found}:
        found.insert(0, just)
    return [kept(visit, site, one) for one in found]


def kept(visit: Visit, site: Site, reading: Reading) -> Kept:
    """A reading in words."""
    order = {name: n for n, name in enumerate(TESTED)}
    points = sorted(reading.measurements.values(), key=lambda one: order.get(one.quantity, len(order)))
    means = means_of(points[0])
    values = tuple(_told(visit, site, one) for one in points)
    return Kept(
        reading.at.isoformat(),
        clock_time(reading.at, visit.zone(site), visit.now, visit.words.language),
        visit.words(f"means.{means}"),
        values,
        all(one.gone for one in values),
    )


async def ask(visit: Visit) -> Response:
    """The page that shows what would be taken back, and lets somebody choose of it."""
    site = await visit.site("measure")
    return visit.page(
        "by_hand_remove.html",
        site=site,
        back=path_of(site, "measure"),
        reading=kept(visit, site, await _wanted(visit, site, visit.asked("reading"))),
    )


async def remove(visit: Visit) -> Response:
    """Take the chosen values of a reading back: they stay, doubted, with who did so and when in the audit log."""
    site, form = await visit.site("measure"), await visit.form()
    reading = await _wanted(visit, site, form.get("reading", ""))
    there = reading.measurements.items()
    chosen = [one for name, one in there if form.get(f"take.{name}") and TAKEN_BACK not in one.doubts]
    if chosen:
        await take_back(visit.store, chosen, visit.now, visit.hall.look.catalogue)
        told = spelt(chosen)
        phrase = Phrase("measured.taken back", {"values": told, "at": f"{reading.at:%Y-%m-%d %H:%M:%S} UTC"})
        outcome = f"{told} at {reading.at:%Y-%m-%dT%H:%M:%S}Z: taken back"
        await visit.store.record(
            AuditEntry(visit.now, visit.user.email, "measure", reading.probe, outcome, site.id, phrase=phrase)
        )
    return visit.go(path_of(site, "measure"), "hand.removed")


async def _wanted(visit: Visit, site: Site, iso: str) -> Reading:
    found = await named(visit, site, iso)
    if found is None:
        raise NotFound("There is no such reading by hand.")
    return found


def spelt(points: Sequence[Measurement]) -> str:
    """What was read, as it was written, for the audit log."""
    return ", ".join(f"{one.quantity}={one.raw} {one.raw_unit}" for one in points)


def scene_of(visit: Visit, point: Measurement) -> Scene:
    """What a value needs to be told in words."""
    return Scene(visit.words, visit.now, point.at, visit.hall.titles, visit.hall.look.catalogue, units=visit.user.units)


def unit_of(visit: Visit, name: str, canonical: Unit) -> Unit:
    """The unit in which the user writes a quantity."""
    try:
        unit = unit_named(visit.user.units.get(name, "") or canonical)
        convert(0.0, unit, canonical)
    except (ValueError, BadInput):
        return canonical
    return unit


def number_in(visit: Visit, name: str, value: float, unit: Unit) -> str:
    """A value of a known quantity, as the user reads it in this unit."""
    quantity = visit.hall.look.catalogue[name]
    return number(convert(value, quantity.unit, unit), quantity.decimals, visit.words.language)


def _told(visit: Visit, site: Site, point: Measurement) -> Told:
    """A value in words, and what there is to say of it: why it is doubted, and how it stands to its limits where only its neighbours speak against it."""
    known = visit.hall.look.catalogue.get(point.quantity)
    label, text = visit.words.label(point.quantity), point.raw
    if known is not None and point.value is not None:
        unit = unit_of(visit, point.quantity, known.unit)
        text = with_unit(number_in(visit, point.quantity, point.value, unit), unit)
    scene = scene_of(visit, point)
    reasons = [doubt(scene, point, one) for one in point.doubts[:1]]
    sound = replace(point, doubts=()) if all(one.kind in BESIDE for one in point.doubts) else point
    bands = visit.hall.look.showing.limits(site, {point.quantity})
    stands, said = beyond(scene, sound, bands.get(point.quantity))
    state = "act" if stands == "far" else "watch"
    remark = " · ".join(filter(None, (*reasons, said if stands == "far" or not reasons else "")))
    return Told(point.quantity, f"{label} {text}", remark, state, TAKEN_BACK in point.doubts)
