"""The list of what was done at a site, to be filtered, kept as a table, and taken back from with a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Final, get_args

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.event import EVENT_KINDS, Event, EventKind
from margelle.domain.site import Site
from margelle.errors import NotFound
from margelle.intake.own import word
from margelle.serve.diary import Diary
from margelle.serve.pages.figures import clock_time
from margelle.serve.pages.hall import Hall
from margelle.serve.pages.happening import told
from margelle.serve.pages.moment import day_named, midnight
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.sheet import sheet
from margelle.serve.pages.visit import Visit

LISTED: Final = 100
"""Events on one page of the list."""

_COLUMNS: Final = (
    "at",
    "site",
    "kind",
    "product",
    "amount",
    "unit",
    "note",
    "by",
    "recorded_at",
    "removed_at",
    "removed_by",
)


class Line(Struct, frozen=True):
    """An event in the list."""

    id: str
    what: str
    note: str
    when: str
    iso: str
    by: str
    removed: str
    mine: bool


class Filter(Struct, frozen=True):
    """Which events are asked for: of a kind, on days since and until (both included), with those that were taken back."""

    kind: str
    since: date | None
    until: date | None
    gone: bool

    @classmethod
    def asked(cls, visit: Visit) -> Filter:
        """As the query says; what cannot be read counts for nothing."""
        kind = visit.asked("kind")
        days = (day_named(visit.asked("since")), day_named(visit.asked("until")))
        return cls(kind if kind in get_args(EventKind) else "", *days, visit.asked("gone") == "1")

    async def events(self, visit: Visit, site: Site) -> list[Event]:
        """The newest first."""
        where = visit.zone(site)
        since, until = midnight(self.since, where), midnight(self.until, where, days=1)
        found = await visit.store.events(site.id, since, until, removed=self.gone)
        return [one for one in found if self.kind in {"", one.kind}]


def event_routes(hall: Hall) -> Sequence[BaseRoute]:
    """Their routes, among those of what is done at a site."""
    return (
        hall.page("/sites/{site}/events", _list),
        hall.page("/sites/{site}/events.csv", _csv),
        hall.form("/sites/{site}/events/remove", _remove),
    )


async def _list(visit: Visit) -> Response:
    site = await visit.site("read")
    asked = Filter.asked(visit)
    found = await asked.events(visit, site)
    page = visit.number
    shown = found[(page - 1) * LISTED : page * LISTED]
    return visit.page(
        "events.html",
        site=site,
        back=path_of(site),
        may=visit.caller.may("intervene", site.id),
        lines=[_line(visit, site, one) for one in shown],
        total=len(found),
        number=page,
        further=len(found) > page * LISTED,
        asked=asked,
        kinds=EVENT_KINDS,
    )


def _line(visit: Visit, site: Site, event: Event) -> Line:
    where, language = visit.zone(site), visit.words.language
    removed = ""
    if event.removed_at:
        at = clock_time(event.removed_at, where, visit.now, language)
        removed = visit.words("events.removed_by", by=event.removed_by, at=at)
    return Line(
        event.id,
        told(visit.words, event),
        event.note,
        clock_time(event.at, where, visit.now, language),
        event.at.isoformat(),
        event.by,
        removed,
        event.removed_at is None and visit.caller.may("intervene", site.id),
    )


async def _csv(visit: Visit) -> Response:
    site = await visit.site("read")
    found = await Filter.asked(visit).events(visit, site)

    async def rows() -> AsyncIterator[Sequence[object]]:
        for one in found:
            yield tuple(getattr(one, name) for name in _COLUMNS)

    return sheet(f"events-{word(site.name) or site.key}", _COLUMNS, rows())


async def _remove(visit: Visit) -> Response:
    """Take an event back: it stays, as one that was taken back, by whom and when."""
    site, wanted = await visit.site("intervene"), (await visit.form()).get("id", "")
    event = await visit.store.event(wanted)
    if event is None or event.site != site.id:
        raise NotFound("There is no such event.")
    if event.removed_at is None:
        await Diary(visit.store, visit.hall.clock).take_back(event, visit.user.email)
    return visit.go(path_of(site, "events"), "done.removed")
