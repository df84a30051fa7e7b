"""Measured by hand: what a strip, a photometer or a laboratory says, written down at the pool's edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement, Reading
from margelle.domain.site import Disinfectant, Probe, Site
from margelle.domain.unit import Unit, convert, symbol
from margelle.errors import BadInput
from margelle.intake.beside import foreseen
from margelle.intake.hand import (
    MEANS,
    TAKEN_BACK,
    hand_probe,
    intolerable,
    is_by_hand,
    is_scale_slip,
    keep_by_hand,
    means_of,
    plain,
    readings,
)
from margelle.intake.point import Point, measurement_of
from margelle.phrase import Phrase
from margelle.ports import AuditEntry
from margelle.serve.pages import taken
from margelle.serve.pages.figures import moment, number, with_unit
from margelle.serve.pages.hall import Area, Hall, SiteLink
from margelle.serve.pages.moment import local_minute, minute_of
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.taken import TESTED, number_in, scene_of, spelt, unit_of
from margelle.serve.pages.tile import doubt
from margelle.serve.pages.visit import Visit

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


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (
        hall.page("/sites/{site}/measure", _blank),
        hall.form("/sites/{site}/measure", _measured),
        hall.page("/sites/{site}/measure/remove", taken.ask),
        hall.form("/sites/{site}/measure/remove", taken.remove),
    )


AREA = Area(_routes, at_site=(SiteLink("measure", "/measure", "measure"),))


async def _blank(visit: Visit) -> Response:
    """An empty form, or that of a reading to be corrected."""
    site = await visit.site("measure")
    old = await taken.named(visit, site, visit.asked("correct")) if visit.asked("correct") else None
    return await _shown(visit, site, form=_filled(visit, site, old) if old else None)


async def _measured(visit: Visit) -> Response:
    """Keep the reading, all of it or nothing: on to the site, or back here where there is something to say of a value. What is unusual is kept once somebody has said that it is right."""
    site, form = await visit.site("measure"), await visit.form()
    try:
        old = await taken.named(visit, site, form["correct"]) if form.get("correct") else None
        at = _instant(visit, site, form, old)
    except BadInput:
        return await _shown(visit, site, 400, form=form, complaint="moment.bad")
    if not any(form.get(f"value.{name}", "").strip() for name in _askable(visit)):
        return await _shown(visit, site, 400, form=form, complaint="hand.nothing")
    means = next((one for one in MEANS if one == form.get("means")), "hand")
    probe = await hand_probe(visit.store, site)
    points, wrong = _read(visit, probe, form, at, f"own/{means}")
    if wrong:
        return await _shown(visit, site, 400, form=form, complaints=dict.fromkeys(wrong, visit.words("hand.no_number")))
    odd = await _slips(visit, site, probe, points, form) | await _unusual(visit, site, points)
    known = _unchanged(old, points)
    unusual = {name: why for name, why in odd.items() if name not in known}
    if unusual and form.get("sure") != (sure := spelt([one for one in points if one.quantity in unusual])):
        return await _shown(visit, site, 400, form=form, complaints=unusual, sure=sure)
    return await _done(visit, site, probe, points, means)


async def _done(visit: Visit, site: Site, probe: Probe, points: Sequence[Measurement], means: str) -> Response:
    """Keep and record the reading, and go where there is most to see of it."""
    outcomes = await keep_by_hand(visit.store, probe, points, visit.now, visit.hall.look.catalogue)
    told, at = spelt(points), points[0].at
    outcome = f"{told} at {at:%Y-%m-%dT%H:%M}Z by {means}"
    phrase = Phrase("measured", {"values": told, "at": f"{at:%Y-%m-%d %H:%M} UTC", "means": Phrase(f"means.{means}")})
    await visit.store.record(
        AuditEntry(visit.now, visit.user.email, "measure", probe.id, outcome, site.id, phrase=phrase)
    )
    bands = visit.hall.look.showing.limits(site, {one.quantity for one in points})
    said = _said(any(one.doubts for one in outcomes), bool(intolerable(points, bands, visit.hall.look.catalogue)))
    if said:
        newest = await readings(visit.store, probe, taken.LATELY)
        shown = any(one.at == at for one in newest)
        query = "" if shown else f"?{urlencode({'reading': at.isoformat()})}"
        return visit.go(f"{path_of(site, 'measure')}{query}", said)
    beside_a_probe = any(not is_by_hand(one) for one in await visit.store.probes(site.id))
    return visit.go(path_of(site), "hand.kept" if beside_a_probe else "hand.kept_alone")


def _said(doubted: bool, far: bool) -> str:
    """What is said of a reading that was kept and is to be looked at; empty where there is nothing."""
    return {(True, True): "hand.doubted_far", (True, False): "hand.doubted", (False, True): "hand.far"}.get(
        (doubted, far), ""
    )


def _instant(visit: Visit, site: Site, form: Mapping[str, str], old: Reading | None) -> datetime:
    """When it was measured: of an `old` reading that is corrected its own instant, to the second. Raises BadInput."""
    at = minute_of(form.get("at", ""), visit.zone(site), visit.now)
    return old.at if old and local_minute(old.at, visit.zone(site)) == form.get("at") else at


def _unchanged(old: Reading | None, points: Sequence[Measurement]) -> set[str]:
    """The quantities of an `old` reading that its correction leaves as they are: what was to be said of them was said."""
    known = {name: one for name, one in old.measurements.items() if TAKEN_BACK not in one.doubts} if old else {}
    return {
        one.quantity
        for one in points
        if (was := known.get(one.quantity)) and was.value == one.value and was.at == one.at
    }


async def _slips(
    visit: Visit, site: Site, probe: Probe, points: Sequence[Measurement], form: Mapping[str, str]
) -> dict[str, str]:
    """Of values that may be wrong by a thousand, by quantity, as which number they were read."""
    bands = visit.hall.look.showing.limits(site, {one.quantity for one in points})
    latest = await visit.store.latest(probe.id, visit.now)
    found = {}
    for one in points:
        last, limits = latest.get(one.quantity), bands.get(one.quantity)
        tolerable = limits.tolerable if limits else None
        ends = [tolerable.low, tolerable.high] if tolerable else []
        known = [last.value] if last is not None and last.valid else ends
        numbers = [each for each in known if each is not None]
        if is_scale_slip(form.get(f"value.{one.quantity}", ""), one, numbers, visit.hall.look.catalogue):
            found[one.quantity] = visit.words("hand.scale", value=with_unit(_exactly(visit, one), one.raw_unit))
    return found


def _exactly(visit: Visit, point: Measurement) -> str:
    """A value as it was read, with as many decimals as it was written with."""
    number_read = float(point.raw)
    return number(number_read, len(point.raw.partition(".")[2]), visit.words.language)


async def _unusual(visit: Visit, site: Site, points: Sequence[Measurement]) -> dict[str, str]:
    """What speaks against values that would be kept, by quantity: their doubts, or that each is the very number that was doubted a moment ago, which it would confirm."""
    told, others = await foreseen(visit.store, points, visit.now, visit.hall.look.catalogue, site.kind)
    scene = scene_of(visit, points[0])
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
        point = Point(probe.id, name, at.isoformat(), plain(text), form.get(f"unit.{name}", ""))
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
    probe = await taken.own_probe(visit, site)
    told = await visit.store.latest(probe.id, visit.now) if probe else {}
    latest = {name: point for name, point in told.items() if means_of(point) and TAKEN_BACK not in point.doubts}
    first = _asked_first(site, latest, form or {})
    blanks = {name: _blank_of(visit, name, latest, form or {}, complaints.get(name, "")) for name in _askable(visit)}
    means = _means(latest) if form is None else form.get("means", "")
    return visit.page(
        "by_hand.html",
        status,
        site=site,
        back=path_of(site),
        first=[blanks[name] for name in first if name in blanks],
        more=[blank for name, blank in blanks.items() if name not in first],
        means=means,
        known_means=MEANS,
        correct=(form or {}).get("correct", ""),
        at=(form or {}).get("at") or local_minute(visit.now, visit.zone(site)),
        zone=visit.zone(site).key,
        complaint=complaint,
        faulty=bool(complaints),
        sure=sure,
        lately=await taken.lately(visit, site),
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
    """With what it was measured the last time; empty before the first time, and where nobody said."""
    newest = max(latest.values(), key=lambda point: point.at, default=None)
    return means_of(newest) if newest else ""


def _filled(visit: Visit, site: Site, old: Reading) -> dict[str, str]:
    """The form as it would have been for a reading that is to be corrected."""
    points = [one for one in old.measurements.values() if TAKEN_BACK not in one.doubts]
    form = {"correct": old.at.isoformat(), "at": local_minute(old.at, visit.zone(site))}
    if points:
        form["means"] = means_of(points[0])
    for one in points:
        known = visit.hall.look.catalogue.get(one.quantity)
        if known is not None and one.value is not None:
            unit = unit_of(visit, one.quantity, known.unit)
            written = one.raw if unit is one.raw_unit else f"{convert(one.value, known.unit, unit):.6g}"
            form[f"value.{one.quantity}"] = written
    return form


def _blank_of(
    visit: Visit, name: str, latest: Mapping[str, Measurement], form: Mapping[str, str], complaint: str
) -> Blank:
    quantity = visit.hall.look.catalogue[name]
    unit = unit_of(visit, name, quantity.unit)
    last = latest.get(name)
    known = last is not None and last.value is not None
    return Blank(
        name,
        visit.words.label(name),
        unit,
        symbol(unit),
        f"{convert(quantity.low, quantity.unit, unit):g}",
        f"{convert(quantity.high, quantity.unit, unit):g}",
        number_in(visit, name, last.value, unit) if last is not None and known and last.value is not None else "",
        form.get(f"value.{name}", ""),
        complaint,
    )
