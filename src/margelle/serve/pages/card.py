"""A site as a card: a basin with the water's temperature, and a tile for each of its quantities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from margelle.domain.site import Probe, Recommendation, Site
from margelle.domain.state import State
from margelle.domain.switch import Switch, state_of
from margelle.intake.hand import is_by_hand
from margelle.serve.glance import MINOR, Glance
from margelle.serve.pages.figures import ago, clock_time, day, freshness, number, with_unit
from margelle.serve.pages.hall import Link
from margelle.serve.pages.tile import WEEK, Scene, Tile, tile
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Words

NOTED: Final = ("measure", "done")
"""The pages of a site on which something is noted, which is done with wet hands: its card leads there at once."""


class Todo(Struct, frozen=True):
    """A recommendation of a vendor, in the vendor's words."""

    title: str
    message: str
    given: str
    due: str


class Card(Struct, frozen=True):
    """One site. `freshness` is one of fresh, stale, silent, never; `age` says the same in words. `links` lead to what can be noted of it."""

    id: str
    name: str
    about: tuple[str, ...]
    state: State
    freshness: str
    age: str
    at: str
    at_iso: str
    hero: Tile | None
    main: tuple[Tile, ...]
    minor: tuple[Tile, ...]
    todo: tuple[Todo, ...]
    links: tuple[Link, ...] = ()

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Those of the water."""
        return (self.hero, *self.main) if self.hero is not None else self.main


async def card(visit: Visit, one: Glance) -> Card:
    """The card of a site."""
    site, newest = one.site, one.condition.newest
    where, words = visit.zone(site), visit.words
    hero, main, minor = await _tiles(visit, one)
    state = freshness(newest, visit.now)
    return Card(
        site.id,
        site.name or site.key,
        (*about(words, site), *[text for switch in site.switches if (text := await _switched(visit, switch))]),
        one.condition.state,
        state,
        words(state, ago=ago(newest, visit.now, words)) if newest else words("never"),
        clock_time(newest, where, visit.now, words.language) if newest else "",
        newest.isoformat() if newest else "",
        hero,
        main,
        minor,
        tuple(todo(visit, site, where, each) for each in one.advice),
        tuple(link for link in visit.hall.at_site(visit.caller, site.id) if link.name in NOTED),
    )


def scene(visit: Visit, one: Glance) -> Scene:
    """What every tile of a site needs."""
    newest, display = one.condition.newest or visit.now, visit.display(one.site)
    return Scene(
        visit.words, visit.now, newest, visit.hall.titles, visit.hall.look.catalogue, display.states, visit.user.units
    )


def places(around: Scene, one: Glance) -> Mapping[str, str]:
    """What tells the probes of a site apart, by probe; nothing where only one measures."""
    measuring = {point.probe for point in one.latest}
    if len(measuring) < 2:
        return {}
    vendors = Counter(each.vendor for each in one.probes if each.id in measuring)
    return {each.id: _place(around, one.site, each, vendors[each.vendor] < 2) for each in one.probes}


def _place(around: Scene, site: Site, probe: Probe, alone: bool) -> str:
    """What is by hand is called so; a vendor's only probe by its vendor, others by the vendor's names of them, and never by a mere number."""
    if is_by_hand(probe) and probe.vendor != site.vendor:
        return around.words("hand.place")
    title = around.titles.get(probe.vendor, "")
    if title and alone:
        return title
    return f"{title} {probe.key}".strip() if probe.key.isdecimal() else probe.key


async def _tiles(visit: Visit, one: Glance) -> tuple[Tile | None, tuple[Tile, ...], tuple[Tile, ...]]:
    """The water's temperature, the other main tiles, and the minor ones."""
    around = scene(visit, one)
    where = places(around, one)
    series = [(point.probe, point.quantity) for point in one.latest if point.quantity not in MINOR]
    weeks = await visit.store.columns_of(series, visit.now - WEEK, visit.now)
    hero: Tile | None = None
    main: list[Tile] = []
    minor: list[Tile] = []
    for point in one.latest:
        alike = sum(each.quantity == point.quantity for each in one.latest)
        place = where.get(point.probe, "")
        if alike == 1 and place in around.titles.values():
            place = ""  # whose it is goes without saying
        if point.quantity in MINOR:
            minor.append(tile(around, point, place=place))
            continue
        shown = tile(around, point, weeks[point.probe, point.quantity], one.bands.get(point.quantity), place=place)
        if hero is None and point.quantity == "temperature":
            hero = shown
        else:
            main.append(shown)
    return hero, tuple(main), tuple(minor)


def about(words: Words, site: Site) -> tuple[str, ...]:
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


async def _switched(visit: Visit, switch: Switch) -> str:
    """How a switch stands, in words, with its age where that is not fresh; nothing where it is not known."""
    words, state = visit.words, state_of(await visit.store.latest(switch.id, visit.now))
    if state is None:
        return ""
    text = words(f"switch.{switch.kind}.{'on' if state.on else 'off'}")
    mode = f" ({words(f'mode.{state.mode}')})" if state.mode else ""
    old = freshness(state.at, visit.now) != "fresh"
    return f"{text}{mode}" + (f", {ago(state.at, visit.now, words)}" if old else "")


def _volume(words: Words, volume_m3: float) -> str:
    return with_unit(number(volume_m3, 0 if volume_m3 == int(volume_m3) else 1, words.language), "m³")


def todo(visit: Visit, site: Site, where: ZoneInfo, advice: Recommendation) -> Todo:
    """What a vendor advises, with its day at the place."""
    words = visit.words
    vendor = visit.hall.titles.get(site.vendor, site.vendor)
    given = words("advised", vendor=vendor, day=day(advice.created_at, where, words.language))
    due = ""
    if advice.deadline is not None:
        state = "before" if advice.deadline >= visit.now else "overdue"
        due = words(state, day=day(advice.deadline, where, words.language))
    return Todo(advice.title, advice.message, given, due)
