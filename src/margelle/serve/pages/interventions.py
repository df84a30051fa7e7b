"""What was done at a site, written down in two taps."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.event import AMOUNT_UNITS, EVENT_KINDS, PRODUCTS, AmountUnit, Event, EventKind, Product
from margelle.domain.site import Site
from margelle.errors import BadInput
from margelle.intake.hand import plain
from margelle.intake.point import number_of
from margelle.serve.diary import MEASURED, Diary
from margelle.serve.pages.events import event_routes
from margelle.serve.pages.hall import Area, Hall, SiteLink
from margelle.serve.pages.happening import told
from margelle.serve.pages.moment import local_minute, minute_of
from margelle.serve.pages.session import Fields
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.visit import Visit

_EMPTY: Final = Fields()
LONGEST_NOTE: Final = 1000
MOST_AMOUNT: Final = 1e6
PRESETS: Final = 6
LOOKED_AT: Final = 60
"""Of so many of the last events the most recent different ones are offered again."""

_USUAL: Final[tuple[tuple[EventKind, Product | None, float | None, AmountUnit | None], ...]] = (
    ("dose", "ph_minus", 300.0, "g"),
    ("dose", "chlorine", 1.0, "tablet"),
    ("backwash", None, None, None),
    ("filter_cleaning", None, None, None),
)
"""Offered where nothing was done yet."""


class Preset(Struct, frozen=True):
    """Something that was done before, to be done again with one tap."""

    value: str
    text: str


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (
        hall.page("/sites/{site}/done", _blank),
        hall.form("/sites/{site}/done", _done),
        *event_routes(hall),
    )


AREA = Area(_routes, at_site=(SiteLink("done", "/done", "intervene"), SiteLink("events", "/events")))


async def _blank(visit: Visit) -> Response:
    return await _shown(visit, await visit.site("intervene"))


async def _done(visit: Visit) -> Response:
    """Keep what was done; the same form sent twice, as over a weak signal, is kept once."""
    site, form = await visit.site("intervene"), await visit.form()
    try:
        event = _event(visit, site, form)
    except BadInput as wrong:
        return await _shown(visit, site, 400, form=form, complaint=wrong.what)
    known = await visit.store.event(event.id)
    if known is None or replace(known, recorded_at=event.recorded_at) != event:
        new = event if known is None else replace(event, id=secrets.token_hex(10))
        await Diary(visit.store, visit.hall.clock).write(new)
    return visit.go(path_of(site), "done.kept")


def _event(visit: Visit, site: Site, form: Mapping[str, str]) -> Event:
    """The event that a form tells. Raises BadInput, whose sentence is the name of a text."""
    kind, product, amount, unit = _what(form)
    note = form.get("note", "").strip()
    if len(note) > LONGEST_NOTE:
        raise BadInput("done.long_note")
    try:
        at = minute_of(form.get("at", ""), visit.zone(site), visit.now)
    except BadInput:
        raise BadInput("moment.bad") from None
    identity = form.get("id", "")
    if not (identity.isalnum() and identity.isascii() and 16 <= len(identity) <= 40):
        identity = secrets.token_hex(10)
    return Event(identity, site.id, kind, at, visit.user.email, visit.now, product, amount, unit, note)


def _what(form: Mapping[str, str]) -> tuple[EventKind, Product | None, float | None, AmountUnit | None]:
    """What was done, as a preset or the fields say. Raises BadInput."""
    preset = form["preset"].split("|") if form.get("preset", "").count("|") == 3 else []
    names = ("kind", "product", "amount", "unit")
    given = dict(zip(names, preset, strict=True)) if preset else {name: form.get(name, "").strip() for name in names}
    kind = next((one for one in EVENT_KINDS if one == given["kind"]), None)
    if kind is None:
        raise BadInput("done.no_kind")
    product = next((one for one in PRODUCTS if one == given["product"]), None) if kind == "dose" else None
    if kind == "dose" and product is None:
        raise BadInput("done.no_product")
    amount = _amount(given["amount"]) if kind in MEASURED else None
    unit = next((one for one in AMOUNT_UNITS if one == given["unit"]), None)
    return kind, product, amount, unit if amount is not None else None


def _amount(text: str) -> float | None:
    """Raises BadInput."""
    if not text:
        return None
    try:
        amount = number_of(plain(text))
    except ValueError:
        raise BadInput("done.bad_amount") from None
    if not 0 < amount <= MOST_AMOUNT:
        raise BadInput("done.bad_amount")
    return amount


async def _shown(
    visit: Visit, site: Site, status: int = 200, *, form: Mapping[str, str] = _EMPTY, complaint: str = ""
) -> Response:
    before = await visit.store.events(site.id, limit=LOOKED_AT)
    given = Fields({"kind": "dose", "product": "ph_minus", "unit": "g"} | _last_dose(before) | dict(form))
    return visit.page(
        "done.html",
        status,
        site=site,
        back=path_of(site),
        presets=_presets(visit, before),
        kinds=EVENT_KINDS,
        products=PRODUCTS,
        units=AMOUNT_UNITS,
        form=given,
        id=form.get("id") or secrets.token_hex(10),
        at=form.get("at") or local_minute(visit.now, visit.zone(site)),
        zone=visit.zone(site).key,
        complaint=complaint,
    )


def _last_dose(events: Sequence[Event]) -> dict[str, str]:
    """Product and unit as they were chosen the last time."""
    last = next((one for one in events if one.kind == "dose"), None)
    return {} if last is None else {"product": last.product or "other", "unit": last.unit or "g"}


def _presets(visit: Visit, events: Sequence[Event]) -> list[Preset]:
    """What was done here lately, each once, the newest first; where there is too little, what is usual."""
    before = [(one.kind, one.product, one.amount, one.unit) for one in events if one.kind not in {"note", "incident"}]
    several = dict.fromkeys([*before, *_USUAL])
    return [_preset(visit, *one) for one in list(several)[: PRESETS if before else len(_USUAL)]]


def _preset(
    visit: Visit, kind: EventKind, product: Product | None, amount: float | None, unit: AmountUnit | None
) -> Preset:
    value = "|".join((kind, product or "", "" if amount is None else f"{amount:g}", unit or ""))
    again = Event("", "", kind, visit.now, "", visit.now, product, amount, unit)
    return Preset(value, told(visit.words, again))
