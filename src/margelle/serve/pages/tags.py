"""What a vendor's own names measure at a site: said here by a person, with suggestions, and in force at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue, Quantity
from margelle.domain.site import Site
from margelle.domain.unit import Unit, alike, convert, symbol
from margelle.errors import ConfigError, NotFound
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Mapped, Naming, Suggestion
from margelle.serve.pages.accounts import FROM_SITE, may_say
from margelle.serve.pages.figures import ago, number, with_unit
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.session import fields
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.visit import Visit

LATELY: Final = timedelta(days=3)
MOST_VALUES: Final = 200
MOST_TAGS: Final = 400

_FIELD: Final = "tag:"


class Choice(Struct, frozen=True):
    """A meaning that can be chosen: as the settings write it, and as people read it."""

    meaning: str
    says: str


class Row(Struct, frozen=True):
    """A tag: its newest value as it came, what it means now, whether the file says so, and what it may be. `would` is the newest value read as the first suggestion."""

    tag: str
    value: str
    age: str
    meaning: str
    chosen: str
    in_file: bool
    suggested: tuple[Choice, ...]
    would: str


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/tags/{site}", _show), hall.form("/tags/{site}", _save))


AREA: Final = Area(_routes, "/tags", backstage=True)


async def _show(visit: Visit) -> Response:
    """The tags of a site."""
    site = await _site(visit)
    return await _page(visit, site, _naming(visit, site))


async def _save(visit: Visit) -> Response:
    """What was said of the tags of a site; of all sites with the same tags, where an operator wants that."""
    site = await _site(visit)
    naming, form = _naming(visit, site), await fields(visit.request, MOST_TAGS)
    everywhere = "everywhere" in form
    if everywhere:
        visit.caller.demand_operator()
    said = _said(visit, site, naming, form, everywhere=everywhere)
    try:
        await visit.hall.backstage.meanings.say(site.vendor, said)
    except ConfigError as error:
        return await _page(visit, site, naming, error)
    outcome = ", ".join(f"{name} = {meaning or 'nothing'}" for name, meaning in said.items()) or "nothing changed"
    meant = ", ".join(f"{name} = {meaning or '—'}" for name, meaning in said.items())[:1000]
    phrase = Phrase("tags.meant", {"tags": meant}) if said else None
    await visit.store.record(
        AuditEntry(visit.now, visit.user.email, "map tags", site.id, outcome[:1000], site.id, phrase=phrase)
    )
    path = f"/tags/{site.id}"
    return visit.go(f"{path}?{FROM_SITE}" if visit.from_site else path, "tags.saved")


async def _site(visit: Visit) -> Site:
    """The site that the path names, with all that was said of its tags in any process. Raises NotFound and Forbidden."""
    await visit.hall.backstage.meanings.refresh()
    site = await visit.store.site(visit.request.path_params["site"])
    if site is not None and may_say(visit, site):
        return site
    return await visit.site("manage")


def _naming(visit: Visit, site: Site) -> Naming:
    naming = next((vendor.naming for vendor in visit.hall.vendors if vendor.name == site.vendor), None)
    if naming is None:
        raise NotFound("This site has no tags.")
    return naming


def _said(visit: Visit, site: Site, naming: Naming, form: dict[str, str], *, everywhere: bool) -> dict[str, str]:
    """What the form changes, as the settings write it. What the file says is not the page's to change."""
    meanings, catalogue = visit.hall.backstage.meanings, visit.hall.look.catalogue
    said: dict[str, str] = {}
    for tag in naming.names(site):
        wanted = form.get(f"{_FIELD}{tag}")
        now = naming.meant(meanings.in_force(site.vendor), site, tag, catalogue)
        if wanted is None or wanted == now or naming.meant(meanings.in_file(site.vendor), site, tag, catalogue):
            continue
        here, everyone = naming.key(site, tag), naming.key(None, tag)
        said[everyone if everywhere else here] = wanted
        if (everywhere or not wanted) and here in meanings.in_force(site.vendor):
            said[here] = ""
    return {name: meaning for name, meaning in said.items() if meaning or name in meanings.in_force(site.vendor)}


async def _page(visit: Visit, site: Site, naming: Naming, error: ConfigError | None = None) -> Response:
    meanings, catalogue = visit.hall.backstage.meanings, visit.hall.look.catalogue
    force, file = meanings.in_force(site.vendor), meanings.in_file(site.vendor)
    rows = [await _row(visit, site, naming, tag, (force, file)) for tag in naming.names(site)]
    return visit.page(
        "tags.html",
        400 if error else 200,
        site=site,
        back=path_of(site) if visit.from_site else "",
        rows=rows,
        guessed=any(row.chosen and not row.meaning for row in rows),
        groups=_choices(visit, catalogue),
        complaint=visit.words.said(error.sentence) if error else None,
        setting=f"[{site.vendor}.{naming.setting}]",
        field=_FIELD,
    )


async def _row(visit: Visit, site: Site, naming: Naming, tag: str, said: tuple[Mapped, Mapped]) -> Row:
    """A tag in the mapping in force, and in the file's part of it."""
    catalogue, words = visit.hall.look.catalogue, visit.words
    force, file = said
    meaning = naming.meant(force, site, tag, catalogue)
    points = await _points(visit, site, naming.series(tag), meaning)
    values = [number for point in points if (number := _as_came(point)) is not None]
    found = naming.suggest(tag, values[-MOST_VALUES:], catalogue)
    suggested = tuple(Choice(_written(one, catalogue), _says(visit, one.quantity, one.unit)) for one in found)
    newest = points[-1] if points else None
    return Row(
        tag,
        newest.raw if newest is not None else "",
        ago(newest.at, visit.now, words) if newest is not None else "",
        meaning,
        meaning or (suggested[0].meaning if found and found[0].because == "both" else ""),
        bool(naming.meant(file, site, tag, catalogue)),
        suggested,
        _would(visit, found[0], values[-1]) if found and values else "",
    )


async def _points(visit: Visit, site: Site, series: str, meaning: str) -> list[Measurement]:
    """What came of a tag of late, under its own name or the quantity that it is now; its newest value where that is older."""
    for quantity in filter(None, (meaning.partition(" ")[0], series)):
        for probe in await visit.store.probes(site.id):
            found = await visit.store.history(probe.id, quantity, visit.now - LATELY, visit.now)
            newest = (await visit.store.latest(probe.id, visit.now)).get(quantity)
            if found or newest is not None:
                return found or [newest] if newest is not None else found
    return []


def _as_came(point: Measurement) -> float | None:
    """The number as the vendor wrote it."""
    try:
        return float(point.raw)
    except ValueError:
        return None


def _choices(visit: Visit, catalogue: Catalogue) -> list[tuple[str, list[Choice]]]:
    """All that a tag can mean, by quantity: in each unit in which that can be."""
    return [
        (
            visit.words.label(quantity.name),
            [
                Choice(_written(Suggestion(quantity.name, unit, "name"), catalogue), _says(visit, quantity.name, unit))
                for unit in _units(quantity)
            ],
        )
        for quantity in catalogue
    ]


def _units(quantity: Quantity) -> Sequence[Unit]:
    return alike(quantity.unit)


def _written(one: Suggestion, catalogue: Catalogue) -> str:
    """As the settings write it: the unit only where it is not the quantity's own."""
    return one.quantity if catalogue[one.quantity].unit is one.unit else f"{one.quantity} {one.unit}"


def _says(visit: Visit, quantity: str, unit: Unit) -> str:
    sign = symbol(unit)
    return f"{visit.words.label(quantity)}{f' ({sign})' if sign else ''}"


def _would(visit: Visit, one: Suggestion, value: float) -> str:
    """A value as it would be shown."""
    known = visit.hall.look.catalogue[one.quantity]
    return with_unit(number(convert(value, one.unit, known.unit), known.decimals, visit.words.language), known.unit)
