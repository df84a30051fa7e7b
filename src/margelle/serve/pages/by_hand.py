"""Measured by hand: what a strip, a photometer or a laboratory says, written down at the pool's edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.domain.site import Disinfectant, Probe, Site
from margelle.domain.unit import Unit, convert, symbol, unit_named
from margelle.errors import BadInput
from margelle.intake.beside import foreseen
from margelle.intake.hand import MEANS, hand_probe, intolerable, is_by_hand, keep_by_hand
from margelle.intake.point import Point, measurement_of
from margelle.phrase import Phrase
from margelle.ports import AuditEntry
from margelle.serve.pages.figures import clock_time, moment, number, with_unit
from margelle.serve.pages.hall import Area, Hall, SiteLink
from margelle.serve.pages.moment import local_minute, minute_of
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.tile import Scene, beyond, doubt
from margelle.serve.pages.visit import Visit

TESTED: Final = (
    "ph", "free_chlorine", "total_chlorine", "combined_chlorine", "bromine", "active_oxygen", "total_alkalinity", "total_hardness",
    "calcium_hardness", "cyanuric_acid", "salt", "temperature", "phosphate", "copper", "iron", "turbidity", "tds", "conductivity", "orp",
)  # fmt: skip
"""What strips, photometers, meters and laboratories tell, in the order in which they print it."""

_FIRST: Final[dict[Disinfectant, tuple[str, ...]]] = {
    "chlorine": ("ph", "free_chlorine", "total_alkalinity", "cyanuric_acid"),
    "salt": ("ph", "free_chlorine", "total_alkalinity", "salt"),
    "bromine": ("ph", "bromine", "total_alkalinity", "total_hardness"),
    "oxygen": ("ph", "active_oxygen", "total_alkalinity", "total_hardness"),
    "other": ("ph", "free_chlorine", "total_alkalinity", "temperature"),
}
"""What is asked first where nobody has measured yet; afterwards, what was measured the last time."""

SOON: Final = timedelta(hours=1)
"""The number that was doubted, written down again within this time, may be the same slip as well as a second measurement: whoever wrote it says which."""

LATELY: Final = 5
"""Readings shown below the form."""


class Blank(Struct, frozen=True):
    """A field of the form: a quantity in the unit that its user writes it in. Beyond `low` and `high` a value is asked for first, and kept with a doubt once it was said to be right."""

    quantity: str
    label: str
    unit: Unit
    symbol: str
    low: str
    high: str
    last: str
    typed: str
    complaint: str


class Told(Struct, frozen=True):
    """A value in words. What there is to say of it is grave as the state of a site is: `watch` or `act`."""

    text: str
    remark: str = ""
    state: str = ""


class Kept(Struct, frozen=True):
    """A reading that was kept: when, with what, and its values in words, each perhaps with why it is doubted, or how far it is from its limits."""

    at: str
    means: str
    values: tuple[Told, ...]


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/sites/{site}/measure", _blank), hall.form("/sites/{site}/measure", _measured))


AREA = Area(_routes, at_site=(SiteLink("measure", "/measure", "measure"),))


async def _blank(visit: Visit) -> Response:
    return await _shown(visit, await visit.site("measure"))


async def _measured(visit: Visit) -> Response:
    """Keep the reading, all of it or nothing: on to the site, or back here where there is something to say of a value. What is unusual is kept once somebody has said that it is right."""
    site, form = await visit.site("measure"), await visit.form()
    try:
        at = minute_of(form.get("at", ""), visit.zone(site), visit.now)
    except BadInput:
        return await _shown(visit, site, 400, form=form, complaint="moment.bad")
    if not any(form.get(f"value.{name}", "").strip() for name in _askable(visit)):
        return await _shown(visit, site, 400, form=form, complaint="hand.nothing")
    means = next((one for one in MEANS if one == form.get("means")), "hand")
    probe = await hand_probe(visit.store, site)
    points, wrong = _read(visit, probe, form, at, f"own/{means}")
    if wrong:
        return await _shown(visit, site, 400, form=form, complaints=dict.fromkeys(wrong, visit.words("hand.no_number")))
    unusual = await _unusual(visit, site, points)
    if unusual and form.get("sure") != (sure := _spelt(one for one in points if one.quantity in unusual)):
        return await _shown(visit, site, 400, form=form, complaints=unusual, sure=sure)
    return await _done(visit, site, probe, points, means)


async def _done(visit: Visit, site: Site, probe: Probe, points: Sequence[Measurement], means: str) -> Response:
    """Keep and record the reading, and go where there is most to see of it."""
    outcomes = await keep_by_hand(visit.store, probe, points, visit.now, visit.hall.look.catalogue)
    told, at = _spelt(points), points[0].at
    outcome = f"{told} at {at:%Y-%m-%dT%H:%M}Z by {means}"
    phrase = Phrase("measured", {"values": told, "at": f"{at:%Y-%m-%d %H:%M} UTC", "means": Phrase(f"means.{means}")})
    await visit.store.record(
        AuditEntry(visit.now, visit.user.email, "measure", probe.id, outcome, site.id, phrase=phrase)
    )
    if any(one.doubts for one in outcomes):
        return visit.go(path_of(site, "measure"), "hand.doubted")
    bands = visit.hall.look.showing.limits(site, {one.quantity for one in points})
    if await intolerable(visit.store, points, bands, visit.now):
        return visit.go(path_of(site, "measure"), "hand.far")
    return visit.go(path_of(site), "hand.kept")


def _spelt(points: Iterable[Measurement]) -> str:
    return ", ".join(f"{one.quantity}={one.raw} {one.raw_unit}" for one in points)


async def _unusual(visit: Visit, site: Site, points: Sequence[Measurement]) -> dict[str, str]:
    """What speaks against values that would be kept, by quantity: their doubts, or that each is the very number that was doubted a moment ago, which it would confirm."""
    told, others = await foreseen(visit.store, points, visit.now, visit.hall.look.catalogue, site.kind)
    scene = _scene(visit, points[0])
    reasons = {one.quantity: doubt(scene, one, one.doubts[0]) for one in told if one.doubts}
    unusual = {quantity: f"{why[:1].upper()}{why[1:]}." for quantity, why in reasons.items()}
    for one in told:
        for known in others:
            same = (known.quantity, known.value) == (one.quantity, one.value)
            if same and known.valid and timedelta() < abs(one.at - known.at) <= SOON:
                at = moment(known.at, visit.zone(site), visit.words.language)
                unusual.setdefault(one.quantity, visit.words("hand.again", at=at))
    return unusual


def _read(
    visit: Visit, probe: Probe, form: Mapping[str, str], at: datetime, origin: str
) -> tuple[list[Measurement], set[str]]:
    """The measurements that were written down, and the quantities whose text is no number."""
    points, wrong = [], set()
    for name in _askable(visit):
        text = form.get(f"value.{name}", "").strip()
        if not text:
            continue
        point = Point(probe.id, name, at.isoformat(), text.replace(",", "."), form.get(f"unit.{name}", ""))
        try:
            points.append(measurement_of(point, probe, visit.hall.look.catalogue, origin))
        except BadInput:
            wrong.add(name)
    return points, wrong


async def _shown(
    visit: Visit,
    site: Site,
    status: int = 200,
    *,
    form: Mapping[str, str] | None = None,
    complaints: Mapping[str, str] = {},
    sure: str = "",
    complaint: str = "",
) -> Response:
    """The form. `complaints` are by quantity; where they are only of what is `sure`, it may be kept all the same."""
    probe = next((one for one in await visit.store.probes(site.id) if is_by_hand(one)), None)
    told = await visit.store.latest(probe.id, visit.now) if probe else {}
    latest = {name: point for name, point in told.items() if point.origin.rpartition("/")[2] in MEANS}
    first = _asked_first(site, latest, form or {})
    blanks = {name: _blank_of(visit, name, latest, form or {}, complaints.get(name, "")) for name in _askable(visit)}
    means = (form or {}).get("means") or _means(latest)
    return visit.page(
        "by_hand.html",
        status,
        site=site,
        back=path_of(site),
        first=[blanks[name] for name in first if name in blanks],
        more=[blank for name, blank in blanks.items() if name not in first],
        means=means,
        known_means=MEANS[:3],
        at=(form or {}).get("at") or local_minute(visit.now, visit.zone(site)),
        zone=visit.zone(site).key,
        complaint=complaint,
        faulty=bool(complaints),
        sure=sure,
        lately=_lately(visit, site, latest),
    )


def _askable(visit: Visit) -> list[str]:
    """What can be written down: what tests tell, then the installation's own quantities."""
    catalogue = visit.hall.look.catalogue
    return [*TESTED, *[one.name for one in catalogue if not one.uri]]


def _asked_first(site: Site, latest: Mapping[str, Measurement], form: Mapping[str, str]) -> list[str]:
    """What was measured the last time, or what this kind of water wants; and whatever somebody has just typed."""
    newest = max((point.at for point in latest.values()), default=None)
    last = [name for name, point in latest.items() if point.at == newest]
    wanted = set(last or _FIRST[site.disinfection.primary]) | {name for name in TESTED if form.get(f"value.{name}")}
    return [name for name in (*TESTED, *sorted(wanted.difference(TESTED))) if name in wanted]


def _means(latest: Mapping[str, Measurement]) -> str:
    """With what it was measured the last time."""
    newest = max(latest.values(), key=lambda point: point.at, default=None)
    means = newest.origin.rpartition("/")[2] if newest else ""
    return means if means in MEANS else MEANS[0]


def _blank_of(
    visit: Visit, name: str, latest: Mapping[str, Measurement], form: Mapping[str, str], complaint: str
) -> Blank:
    quantity = visit.hall.look.catalogue[name]
    unit = _unit(visit, name, quantity.unit)
    last = latest.get(name)
    known = last is not None and last.value is not None
    return Blank(
        name,
        visit.words.label(name),
        unit,
        symbol(unit),
        f"{convert(quantity.low, quantity.unit, unit):g}",
        f"{convert(quantity.high, quantity.unit, unit):g}",
        _number(visit, name, last.value, unit) if last is not None and known and last.value is not None else "",
        form.get(f"value.{name}", ""),
        complaint,
    )


def _unit(visit: Visit, name: str, canonical: Unit) -> Unit:
    """The unit in which the user writes a quantity."""
    try:
        unit = unit_named(visit.user.units.get(name, "") or canonical)
        convert(0.0, unit, canonical)
    except ValueError:
        return canonical
    return unit


def _number(visit: Visit, name: str, value: float, unit: Unit) -> str:
    quantity = visit.hall.look.catalogue[name]
    return number(convert(value, quantity.unit, unit), quantity.decimals, visit.words.language)


def _lately(visit: Visit, site: Site, latest: Mapping[str, Measurement]) -> list[Kept]:
    """The last of every quantity, as the readings in which they were taken, the newest first."""
    points: dict[datetime, list[Measurement]] = {}
    for point in latest.values():
        points.setdefault(point.at, []).append(point)
    return [_kept(visit, site, at, points[at]) for at in sorted(points, reverse=True)[:LATELY]]


def _kept(visit: Visit, site: Site, at: datetime, points: list[Measurement]) -> Kept:
    order = {name: n for n, name in enumerate(TESTED)}
    values = [_value(visit, site, one) for one in sorted(points, key=lambda one: order.get(one.quantity, len(order)))]
    means = points[0].origin.rpartition("/")[2]
    return Kept(
        clock_time(at, visit.zone(site), visit.now, visit.words.language),
        visit.words(f"means.{means}") if means in MEANS else "",
        tuple(values),
    )


def _scene(visit: Visit, point: Measurement) -> Scene:
    return Scene(visit.words, visit.now, point.at, visit.hall.titles, visit.hall.look.catalogue, units=visit.user.units)


def _value(visit: Visit, site: Site, point: Measurement) -> Told:
    """A value in words, and why it is doubted, or that it is beyond its limits."""
    known = visit.hall.look.catalogue.get(point.quantity)
    label, text = visit.words.label(point.quantity), point.raw
    if known is not None and point.value is not None:
        unit = _unit(visit, point.quantity, known.unit)
        text = with_unit(_number(visit, point.quantity, point.value, unit), unit)
    scene = _scene(visit, point)
    if point.doubts:
        return Told(f"{label} {text}", doubt(scene, point, point.doubts[0]), "watch")
    bands = visit.hall.look.showing.limits(site, {point.quantity})
    stands, said = beyond(scene, point, bands.get(point.quantity))
    return Told(f"{label} {text}", said, "act" if stands == "far" else "watch")
