"""The first page: every site with what was measured last, how old it is, and what there is to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Recommendation, Site
from margelle.domain.switch import Switch, state_of
from margelle.ports import Display, Incident, Reader
from margelle.serve.pages.figures import ago, clock_time, day, freshness, number, with_unit, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.tile import WEEK, Scene, Tile, tile
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Words

_MAIN: Final = ("temperature", "ph", "orp", "salt", "tds", "free_chlorine_estimate", "bromine_estimate")
_MINOR: Final = ("air_temperature", "uv_index", "cloud_cover", "battery", "rssi")


class Todo(Struct, frozen=True):
    """A recommendation of a vendor, in the vendor's words."""

    title: str
    message: str
    given: str
    due: str


class SiteView(Struct, frozen=True):
    """One site. `freshness` is one of fresh, stale, silent, never; `age` says the same in words."""

    id: str
    name: str
    about: tuple[str, ...]
    freshness: str
    age: str
    at: str
    at_iso: str
    hero: Tile | None
    main: tuple[Tile, ...]
    minor: tuple[Tile, ...]
    todo: tuple[Todo, ...]


class Trouble(Struct, frozen=True):
    """An incident that lasts; `urgent` where it needs somebody here."""

    what: str
    todo: str
    times: str
    urgent: bool


class AccountView(Struct, frozen=True):
    """How collecting from one account goes."""

    title: str
    login: str
    last: str
    troubles: tuple[Trouble, ...]


class Home(Struct, frozen=True):
    """The whole page."""

    headline: tuple[str, str]
    sites: tuple[SiteView, ...]
    accounts: tuple[AccountView, ...]
    as_of: str


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/", _first),)


AREA = Area(_routes, "/", "water")


class Face(Struct, frozen=True):
    """Where clients of a vendor find its face."""

    title: str
    url: str


async def _first(visit: Visit) -> Response:
    """`/`: all sites of whoever looks."""
    base = visit.hall.address(visit.request)
    titles = {} if visit.hall.look.demo else visit.hall.titles  # nobody collects from a demo
    faces = [Face(title, f"{base}/{name}") for name, title in titles.items()]
    return visit.page(
        "overview.html", home=await home(visit.store, visit), faces=faces, connects=visit.hall.has("/connect")
    )


async def home(reader: Reader, visit: Visit) -> Home:
    """The page for this visit."""
    found = await reader.sites(seen_by=visit.seen_by)
    views = [await _site(reader, visit, site) for site in found]
    sites = sorted(views, key=lambda view: not view.todo)  # what needs somebody comes first
    accounts = [await _account(reader, visit, account) for account in await reader.accounts(visit.seen_by)]
    first = next((site for site in found if site.id == sites[0].id), None)
    here = visit.zone(first) if first else zone(visit.hall.look.time_zone)
    as_of = visit.words("as_of", time=clock_time(visit.now, here, visit.now, visit.words.language))
    return Home(_headline(visit.words, sites, accounts), tuple(sites), tuple(accounts), as_of)


async def _site(reader: Reader, visit: Visit, site: Site) -> SiteView:
    latest = await _latest(reader, visit, site)
    newest = max((point.at for point in latest), default=None)
    where, words = visit.zone(site), visit.words
    hero, main, minor = await _tiles(reader, visit, site, latest)
    state = freshness(newest, visit.now)
    return SiteView(
        site.id,
        site.name or site.key,
        (*_about(words, site), *[text for switch in site.switches if (text := await _switched(reader, visit, switch))]),
        state,
        words(state, ago=ago(newest, visit.now, words)) if newest else words("never"),
        clock_time(newest, where, visit.now, words.language) if newest else "",
        newest.isoformat() if newest else "",
        hero,
        main,
        minor,
        tuple(_todo(visit, site, where, each) for each in await reader.recommendations(site.id)),
    )


async def _latest(reader: Reader, visit: Visit, site: Site) -> list[Measurement]:
    """The newest of every quantity of every probe, the main ones first."""
    display = visit.display(site)
    points = [
        point
        for probe in await reader.probes(site.id)
        for point in _shown(await reader.latest(probe.id, visit.now), display)
    ]
    order = {name: n for n, name in enumerate(_MAIN)} | {name: 1000 + n for n, name in enumerate(_MINOR)}
    return sorted(points, key=lambda point: (order.get(point.quantity, 100), point.quantity, point.probe))


def _shown(latest: Mapping[str, Measurement], display: Display) -> Iterator[Measurement]:
    for quantity, point in latest.items():
        if quantity not in display.aside and not display.hides(quantity, latest):
            yield point


async def _tiles(
    reader: Reader, visit: Visit, site: Site, latest: Sequence[Measurement]
) -> tuple[Tile | None, tuple[Tile, ...], tuple[Tile, ...]]:
    """The water's temperature, the other main tiles, and the minor ones."""
    if not latest:
        return None, (), ()
    display = visit.display(site)
    newest = max(point.at for point in latest)
    scene = Scene(visit.words, visit.now, newest, visit.hall.titles, visit.hall.look.catalogue, display.states)
    bands = {**display.bands, **site.bands}
    probes = {point.probe for point in latest}
    places = {each.id: each.key for each in await reader.probes(site.id)} if len(probes) > 1 else {}
    hero: Tile | None = None
    main: list[Tile] = []
    minor: list[Tile] = []
    for point in latest:
        if point.quantity in _MINOR:
            minor.append(tile(scene, point, place=places.get(point.probe, "")))
            continue
        week = await reader.history(point.probe, point.quantity, visit.now - WEEK, visit.now)
        shown = tile(scene, point, week, bands.get(point.quantity), place=places.get(point.probe, ""))
        if hero is None and point.quantity == "temperature":
            hero = shown
        else:
            main.append(shown)
    return hero, tuple(main), tuple(minor)


def _about(words: Words, site: Site) -> tuple[str, ...]:
    """What kind of water it is, and where."""
    clean = site.disinfection
    ways = [
        words(f"clean.{clean.primary}"),
        words("clean.uv") if clean.uv else "",
        words("clean.ozone") if clean.ozone else "",
    ]
    volume = "" if site.volume_m3 is None else _volume(words, site.volume_m3)
    parts = (words(f"kind.{site.kind}"), " + ".join(filter(None, ways)), volume, site.address.city)
    return tuple(filter(None, parts))


async def _switched(reader: Reader, visit: Visit, switch: Switch) -> str:
    """How a switch stands, in words, with its age where that is not fresh; nothing where it is not known."""
    words, state = visit.words, state_of(await reader.latest(switch.id, visit.now))
    if state is None:
        return ""
    text = words(f"switch.{switch.kind}.{'on' if state.on else 'off'}")
    mode = f" ({words(f'mode.{state.mode}')})" if state.mode else ""
    old = freshness(state.at, visit.now) != "fresh"
    return f"{text}{mode}" + (f", {ago(state.at, visit.now, words)}" if old else "")


def _volume(words: Words, volume_m3: float) -> str:
    return with_unit(number(volume_m3, 0 if volume_m3 == int(volume_m3) else 1, words.language), "m³")


def _todo(visit: Visit, site: Site, where: ZoneInfo, advice: Recommendation) -> Todo:
    words = visit.words
    vendor = visit.hall.titles.get(site.vendor, site.vendor)
    given = words("advised", vendor=vendor, day=day(advice.created_at, where, words.language))
    due = ""
    if advice.deadline is not None:
        state = "before" if advice.deadline >= visit.now else "overdue"
        due = words(state, day=day(advice.deadline, where, words.language))
    return Todo(advice.title, advice.message, given, due)


async def _account(reader: Reader, visit: Visit, account: Account) -> AccountView:
    words = visit.words
    answers = [receipt.at for receipt in await reader.receipts(account.id, limit=50) if 200 <= receipt.status < 300]
    last = answers[0] if answers else account.discovered_at
    return AccountView(
        visit.hall.titles.get(account.vendor, account.vendor),
        account.login if visit.seen_by is not None else "",
        words("collected", ago=ago(last, visit.now, words)) if last else words("not_collected"),
        tuple(_trouble(words, incident) for incident in await reader.incidents(account.id, open_only=True)),
    )


def _trouble(words: Words, incident: Incident) -> Trouble:
    times = words.count("times", incident.count) if incident.count > 1 else ""
    return Trouble(incident.what, words.todo(incident.kind, incident.todo), times, incident.needs_user)


def _headline(words: Words, sites: Sequence[SiteView], accounts: Sequence[AccountView]) -> tuple[str, str]:
    """How many sites there are, and what about them wants attention, in one sentence."""
    tiles = [each for site in sites for each in (*((site.hero,) if site.hero else ()), *site.main)]
    counts = {
        "outside": sum(each.outside for each in tiles),
        "doubtful": sum(bool(each.doubt) for each in tiles),
        "advised": sum(len(site.todo) for site in sites),
        "still": sum(site.freshness != "fresh" for site in sites),
        "troubled": sum(trouble.urgent for account in accounts for trouble in account.troubles),
    }
    wanting = [words.count(name, n) for name, n in counts.items() if n]
    return words.count("sites", len(sites)), ", ".join(wanting) or words("quiet")
