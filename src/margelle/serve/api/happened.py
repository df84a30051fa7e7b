"""What was done at a site, and what its vendor recommends."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from margelle.domain.event import AmountUnit, Event, EventKind, Product
from margelle.domain.plausible import CLOCK_TOLERANCE, EARLIEST
from margelle.domain.site import Recommendation
from margelle.errors import Conflict, NotFound, Refused, Unavailable
from margelle.serve.api import cursor
from margelle.serve.api.endpoint import Created, Endpoint, Page, Visit
from margelle.serve.api.params import Listed, Since, SiteName, SiteNames, Until
from margelle.serve.api.problem import bad_field
from margelle.serve.api.seen import site_seen
from margelle.serve.diary import Diary

_MICROSECOND: Final = timedelta(microseconds=1)


class Events(Listed, frozen=True):
    """Which events."""

    site: SiteName
    since: Since | None = None
    until: Until | None = None
    removed: Annotated[bool, Meta(description="Also those that were taken back.")] = False


class NewEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that was done at a site, or happened there; at this instant, where none is said. Of a dose, the product and how much of it."""

    site: Annotated[str, Meta(min_length=1, max_length=300)]
    kind: EventKind
    at: Annotated[datetime, Meta(tz=True)] | None = None
    product: Product | None = None
    amount: Annotated[float, Meta(gt=0, le=1e9)] | None = None
    unit: AmountUnit | None = None
    note: Annotated[str, Meta(max_length=2000)] = ""


class OneEvent(Struct, frozen=True):
    """Which event."""

    event: Annotated[str, Meta(min_length=1, max_length=100, description="The event's id.")]


class Recommendations(Listed, frozen=True):
    """Which recommendations, and which part of the list."""

    site: SiteNames = ()
    waiting: Annotated[bool, Meta(description="Only those that nobody has done yet.")] = True


class OneRecommendation(Struct, frozen=True):
    """Which recommendation."""

    recommendation: Annotated[str, Meta(min_length=1, max_length=300, description="The recommendation's id.")]


class _Place(Struct, frozen=True, array_like=True):
    """Behind the first `skip` events of this instant."""

    at: datetime
    skip: int


class _Given(Struct, frozen=True, array_like=True, order=True):
    """A recommendation's place in the list."""

    site: str
    at: Annotated[datetime, Meta(tz=True)]
    id: str


async def events(visit: Visit, asked: Events) -> Page[Event]:
    """What happened at a site."""
    place = cursor.read(asked.after, _Place)
    until, skip = asked.until, 0
    if place is not None:
        until, skip = _behind(place), max(0, min(place.skip, 1_000_000))
    site = site_seen(visit, asked.site)
    many = skip + asked.limit + 1
    found = (await visit.store.events(site, asked.since, until, many, removed=asked.removed))[skip:]
    part = found[: asked.limit]
    if len(found) <= len(part):
        return Page(part)
    last = part[-1].at
    same = sum(event.at == last for event in part) + (skip if place is not None and place.at == last else 0)
    return Page(part, cursor.told(_Place(last, same)))


async def add_event(visit: Visit, _: Struct, new: NewEvent) -> Created:
    """Note something."""
    visit.caller.demand("intervene", new.site)
    event = Event(
        secrets.token_hex(8), new.site, new.kind, _at(visit, new), visit.caller.user.email, visit.now,
        new.product, new.amount, new.unit, new.note,
    )  # fmt: skip
    if (new.amount is None) != (new.unit is None):
        raise bad_field("unit", "an amount has a unit, and a unit an amount", "body")
    if new.product is not None and new.kind != "dose":
        raise bad_field("product", "only a dose has a product", "body")
    await _diary(visit).write(event)
    return Created(event, f"/events/{event.id}")


async def event(visit: Visit, asked: OneEvent) -> Event:
    """One event."""
    return await _event(visit, asked.event)


async def remove_event(visit: Visit, asked: OneEvent) -> Event:
    """Take an event back."""
    known = await _event(visit, asked.event)
    visit.caller.demand("intervene", known.site)
    if known.removed_at is not None:
        raise Conflict(f"The event {known.id} was taken back already.")
    return await _diary(visit).take_back(known, visit.caller.user.email)


async def recommendations(visit: Visit, asked: Recommendations) -> Page[Recommendation]:
    """What vendors advise."""
    wanted = {site_seen(visit, site) for site in asked.site} or set(visit.caller.roles)
    behind = cursor.read(asked.after, _Given)
    found: list[Recommendation] = []
    for site in sorted(one for one in wanted if behind is None or one >= behind.site):
        told = await visit.store.recommendations(site, waiting=asked.waiting)
        found += [one for one in told if behind is None or _given(one) > behind]
        if len(found) > asked.limit:
            break
    part = found[: asked.limit]
    return Page(part, cursor.told(_given(part[-1])) if len(found) > len(part) else None)


async def recommendation(visit: Visit, asked: OneRecommendation) -> Recommendation:
    """One recommendation."""
    known = await visit.store.recommendation(asked.recommendation)
    if known is None or not visit.caller.may("read", known.site):
        raise NotFound(f"There is no recommendation {asked.recommendation!r}, or it is not yours to see.")
    return known


async def validate(visit: Visit, asked: OneRecommendation) -> Recommendation:
    """Tell a vendor that what it advised was done."""
    known = await visit.store.recommendation(asked.recommendation)
    if known is None or known.site not in visit.caller.roles:
        raise NotFound(f"There is no recommendation {asked.recommendation!r}, or it is not yours to see.")
    visit.caller.demand("control", known.site)
    site = await visit.store.site(known.site)
    if site is None:
        raise NotFound(f"There is no site {known.site!r}.")
    try:
        await visit.rooms.actions.validate(known, site, visit.caller.user)
    except Refused as refused:  # by the vendor's cloud, to which the hub signs in: the caller has nothing to sign in to
        raise Unavailable(refused.what, hint=refused.hint) from refused
    return await visit.store.recommendation(known.id) or known


def _given(one: Recommendation) -> _Given:
    return _Given(one.site, one.created_at, one.id)


async def _event(visit: Visit, event: str) -> Event:
    known = await visit.store.event(event)
    if known is None or known.site not in visit.caller.roles:
        raise NotFound(f"There is no event {event!r}, or it is not yours to see.")
    return known


def _at(visit: Visit, new: NewEvent) -> datetime:
    try:
        at = (new.at or visit.now).astimezone(visit.now.tzinfo)
    except OverflowError as error:
        raise bad_field("at", "it is beyond all calendars", "body") from error
    if at > visit.now + CLOCK_TOLERANCE:
        raise bad_field("at", "it is ahead of the clock", "body")
    if at < EARLIEST:
        raise bad_field("at", f"it is before {EARLIEST:%Y}", "body")
    return at


def _behind(place: _Place) -> datetime:
    try:
        return place.at + _MICROSECOND
    except (OverflowError, TypeError) as error:
        raise bad_field("after", "it is not the `next` of an earlier answer") from error


def _diary(visit: Visit) -> Diary:
    return Diary(visit.store, visit.rooms.clock)


ENDPOINTS: Final = (
    Endpoint("GET", "/events", "events", "What was done at a site, or happened there, the newest first.", events, Events, answer=Page[Event], tagged="store", errors=(404,)),
    Endpoint("POST", "/events", "events", "Note what was done at a site.", add_event, body=NewEvent, answer=Event, scope="intervene", status=201, errors=(404, 413, 415)),
    Endpoint("GET", "/events/{event}", "events", "One event.", event, OneEvent, answer=Event, tagged="store", errors=(404,)),
    Endpoint("DELETE", "/events/{event}", "events", "Take an event back; it stays, as one that was taken back.", remove_event, OneEvent, answer=Event, scope="intervene", errors=(404, 409)),
    Endpoint("GET", "/recommendations", "events", "What the vendors advise, in their own words: site by site, by id, the oldest first.", recommendations, Recommendations, answer=Page[Recommendation], tagged="store", errors=(404,)),
    Endpoint("GET", "/recommendations/{recommendation}", "events", "One recommendation.", recommendation, OneRecommendation, answer=Recommendation, tagged="store", errors=(404,)),
    Endpoint("POST", "/recommendations/{recommendation}/validation", "events", "Tell the vendor that what it advised was done. Answers once its cloud has taken it.", validate, OneRecommendation, answer=Recommendation, scope="control", errors=(404, 409)),
)  # fmt: skip
"""In the order of the docs."""
