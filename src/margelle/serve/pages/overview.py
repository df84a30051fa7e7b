"""`/`: all sites of whoever looks, the neediest first: rich cards for a few, a dense table for many, found by name, state, vendor and organisation."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.site import Site
from margelle.domain.state import STATES
from margelle.serve.glance import Glance
from margelle.serve.pages.backstage import AccountView, accounts, faces
from margelle.serve.pages.card import Card, card
from margelle.serve.pages.figures import clock_time, zone
from margelle.serve.pages.glance import glances
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.row import rows
from margelle.serve.pages.visit import Visit

FEW: Final = 6
"""So many sites are cards; more are rows of a table."""

A_PAGE: Final = 40
"""Rows that are sent at once."""

ANY: Final = "any"


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/", _overview), hall.page("/newer", _newer))


AREA = Area(_routes, "/", "water")


class Wanted(Struct, frozen=True):
    """What somebody looks for, each by name or `any`; `text` is found in a site's name, city and vendor, without regard to case and accents."""

    text: str = ""
    state: str = ANY
    vendor: str = ANY
    group: str = ANY
    page: int = 1

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.text and self.state == self.vendor == self.group == ANY

    def query(self, **changes: object) -> str:
        """The query of the page that shows this, with some of it changed."""
        asked = {"q": self.text, "state": self.state, "vendor": self.vendor, "group": self.group, "page": self.page}
        kept = {name: value for name, value in (asked | changes).items() if value not in {"", ANY, 1}}
        return f"/?{urlencode(kept)}" if kept else "/"


class Choice(Struct, frozen=True):
    """One way to narrow the list: its value, what it is called, and how many sites it leaves."""

    value: str
    label: str
    count: int


class Groups(Struct, frozen=True):
    """What sites are grouped by (`city` or `organisation`), and the group of each that has one."""

    by: Literal["city", "organisation"]
    of: Mapping[str, str]


class Filters(Struct, frozen=True):
    """All ways to narrow the list; a way with fewer than two choices is not offered."""

    states: tuple[Choice, ...]
    vendors: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    grouped_by: Literal["city", "organisation"]


class Clause(Struct, frozen=True):
    """A part of the headline; `path` leads to the sites that it counts (empty: they are all on this page)."""

    text: str
    path: str = ""


async def _overview(visit: Visit) -> Response:
    sites = await visit.store.sites(seen_by=visit.seen_by)
    every = await glances(visit, sites)
    wanted = _wanted(visit)
    groups = await _groups(visit, sites)
    found = [one for one in every if _matches(visit, one, wanted, groups)]
    few = len(every) <= FEW
    shown = found if few else found[(wanted.page - 1) * A_PAGE : wanted.page * A_PAGE]
    cards = [await card(visit, one) for one in shown] if few else []
    table = [] if few else await rows(visit, shown)
    behind = await accounts(visit) if few else []
    more = wanted.query(page=wanted.page + 1) if not few and len(found) > wanted.page * A_PAGE else ""
    return visit.page(
        "overview.html",
        headline=_headline(visit, every, cards, behind),
        as_of=_as_of(visit, every),
        newest=_iso(max((one.condition.newest for one in every if one.condition.newest), default=None)),
        total=len(every),
        found=len(found),
        few=few,
        cards=cards,
        rows=table,
        wanted=wanted,
        filters=_filters(visit, every, groups),
        more=more,
        accounts=behind,
        faces=faces(visit) if every and few and visit.hall.look.demo != "room" else [],
        connects=visit.hall.has("/connect"),
    )


async def _newer(visit: Visit) -> Response:
    """Whether anything was measured after `than`, at all sites or at `site`: a line that says so, or nothing."""
    sites = await visit.store.sites(seen_by=visit.seen_by)
    asked = visit.asked("site")
    every = await glances(visit, [site for site in sites if asked in {"", site.id}])
    newest = _iso(max((one.condition.newest for one in every if one.condition.newest), default=None))
    if newest <= visit.asked("than"):
        return Response(status_code=204)
    return visit.page("newer.html", back=f"/sites/{asked}" if asked else "/")


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _wanted(visit: Visit) -> Wanted:
    """What the query asks for; what it says amiss is not asked for."""
    page = visit.asked("page", "1")
    number = int(page) if re.fullmatch(r"[1-9]\d{0,4}", page) else 1
    state = visit.asked("state", ANY)
    return Wanted(
        visit.asked("q").strip()[:100],
        state if state in STATES else ANY,
        visit.asked("vendor", ANY) or ANY,
        visit.asked("group", ANY) or ANY,
        number,
    )


async def _groups(visit: Visit, sites: Iterable[Site]) -> Groups:
    """The sites' organisations by name; where the hub has none, their cities."""
    organisations = {each.id: each.name for each in await visit.store.organisations()}
    if not organisations:
        return Groups("city", {site.id: site.address.city for site in sites if site.address.city})
    belonging = await visit.store.organisation_of_each()
    return Groups("organisation", {site: organisations[one] for site, one in belonging.items() if one in organisations})


def _matches(visit: Visit, one: Glance, wanted: Wanted, groups: Groups) -> bool:
    site = one.site
    words = " ".join((site.name, site.address.city, visit.hall.titles.get(site.vendor, site.vendor), site.key))
    return (
        wanted.state in {ANY, one.condition.state}
        and wanted.vendor in {ANY, site.vendor}
        and wanted.group in {ANY, groups.of.get(site.id, "")}
        and all(word in _plain(words) for word in _plain(wanted.text).split())
    )


def _plain(text: str) -> str:
    """Without case and accents: who looks for `gite` finds the Gîte."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _filters(visit: Visit, every: Sequence[Glance], groups: Groups) -> Filters:
    states = Counter(one.condition.state for one in every)
    vendors = Counter(one.site.vendor for one in every)
    grouped = Counter(groups.of[one.site.id] for one in every if one.site.id in groups.of)
    titles = visit.hall.titles
    return Filters(
        tuple(Choice(state, visit.words(f"state.{state}"), states[state]) for state in STATES),
        _choices((name, titles.get(name, name), n) for name, n in vendors.items()),
        _choices((name, name, n) for name, n in grouped.items()),
        groups.by,
    )


def _choices(known: Iterable[tuple[str, str, int]]) -> tuple[Choice, ...]:
    found = sorted((Choice(*each) for each in known), key=lambda each: _plain(each.label))
    return tuple(found) if len(found) > 1 else ()


def _as_of(visit: Visit, every: Sequence[Glance]) -> str:
    here = visit.zone(every[0].site) if every else zone(visit.hall.look.time_zone)
    return visit.words("as_of", time=clock_time(visit.now, here, visit.now, visit.words.language))


Wanting = Literal["outside", "doubtful", "advised", "still", "unjudged", "troubled"]


def _headline(
    visit: Visit, every: Sequence[Glance], cards: Sequence[Card], behind: Sequence[AccountView]
) -> tuple[str, Sequence[Clause]]:
    """How many sites there are, and what about them wants attention, in one sentence."""
    words = visit.words
    if not cards and every:
        states = Counter(one.condition.state for one in every)
        needy = [
            Clause(words.count(f"are.{state}", states[state]), Wanted(state=state).query())
            for state in STATES
            if state != "good" and states[state]
        ]
        return words.count("sites", len(every)), needy or [Clause(words("quiet"))]
    tiles = [each for one in cards for each in one.tiles]
    counts: dict[Wanting, int] = {
        "outside": sum(bool(each.outside) for each in tiles),
        "doubtful": sum(bool(each.doubt) for each in tiles),
        "advised": sum(len(one.todo) for one in cards),
        "still": sum(one.freshness != "fresh" for one in cards),
        "unjudged": sum(one.state == "unjudged" for one in cards),
        "troubled": sum(trouble.urgent for account in behind for trouble in account.troubles),
    }
    wanting = [Clause(words.count(name, n)) for name, n in counts.items() if n]
    return words.count("sites", len(every)), wanting or [Clause(words("quiet"))]
