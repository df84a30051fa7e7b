"""Sites of one's own, by page: added, described anew, removed."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import available_timezones

from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.site import OWN, Site
from margelle.errors import BadInput, Conflict, MargelleError, NotFound
from margelle.intake import own
from margelle.phrase import Phrase
from margelle.ports import AuditEntry
from margelle.serve.pages.hall import Hall
from margelle.serve.pages.shares import path_of
from margelle.serve.pages.visit import Visit


def own_site_routes(hall: Hall) -> Sequence[BaseRoute]:
    """Their routes, among those of what can be connected."""
    return (
        hall.page("/connect/site", _new),
        hall.form("/connect/site", _add),
        hall.page("/connect/site/{site}", _edit),
        hall.form("/connect/site/{site}", _describe),
        hall.form("/connect/site/{site}/remove", _remove),
    )


async def _new(visit: Visit) -> Response:
    visit.caller.demand_somebody()
    return _page(visit, None, {"time_zone": visit.hall.look.time_zone})


async def _edit(visit: Visit) -> Response:
    site = await visit.site("manage")
    if site.vendor != OWN:
        raise NotFound("A site of a cloud is described there.")
    volume = "" if site.volume_m3 is None else f"{site.volume_m3:g}"
    return _page(visit, site, {"name": site.name, "kind": site.kind, "volume": volume, "time_zone": site.time_zone})


async def _add(visit: Visit) -> Response:
    form = await visit.form()
    visit.caller.demand_somebody()
    try:
        wanted = _described(form)
        key = await _free_key(visit, wanted.name)
        site, _ = await own.add(visit.store, visit.user.email, wanted, visit.now, key=key)
    except (BadInput, Conflict) as error:
        return _page(visit, None, form, error)
    await visit.store.record(AuditEntry(visit.now, visit.user.email, "add site", site.id, "added", site.id))
    return visit.go(path_of(site), "site_added")


async def _describe(visit: Visit) -> Response:
    site, form = await visit.site("manage"), await visit.form()
    try:
        await own.describe(visit.store, site.id, _described(form), visit.now)
    except BadInput as error:
        return _page(visit, site, form, error)
    await visit.store.record(AuditEntry(visit.now, visit.user.email, "describe site", site.id, "done", site.id))
    return visit.go(path_of(site) if visit.from_site else "/collection", "site_described")


async def _remove(visit: Visit) -> Response:
    site = await visit.site("manage")
    await own.remove(visit.store, site.id, visit.now)
    await visit.store.record(AuditEntry(visit.now, visit.user.email, "remove site", site.id, "removed", site.id))
    return visit.go("/collection", "site_removed")


def _described(form: dict[str, str]) -> own.Described:
    """What the form says. Raises BadInput."""
    text = form.get("volume", "").strip().replace(",", ".")
    try:
        volume = float(text) if text else None
    except ValueError:
        raise BadInput("A volume is a number of cubic metres.", phrase=Phrase("own.bad_volume")) from None
    return own.described(form.get("name", ""), form.get("kind", "pool"), volume, form.get("time_zone", "UTC"))


async def _free_key(visit: Visit, name: str) -> str:
    """What a new site's id is made of: its name, with a number where another has it."""
    taken = {site.key for site in await visit.store.sites() if site.vendor == OWN}
    word = own.word(name) or "site"
    return next(key for n in range(1, len(taken) + 2) if (key := word if n == 1 else f"{word[:54]}-{n}") not in taken)


def _page(visit: Visit, site: Site | None, form: dict[str, str], error: MargelleError | None = None) -> Response:
    return visit.page(
        "own_site.html",
        400 if error else 200,
        site=site,
        back=path_of(site) if site and visit.from_site else "",
        form=form,
        complaint=_complaint(visit, error),
        kinds=own.KINDS,
        zones=sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/"))),
    )


def _complaint(visit: Visit, error: MargelleError | None) -> str:
    """What is wrong with the form."""
    return "" if error is None else visit.words.said(error.sentence).text
