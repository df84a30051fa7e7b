"""Who may do what at one site, and its public links: for its owners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.access import ROLES
from margelle.domain.site import Site
from margelle.errors import BadInput, NotFound
from margelle.ports import AuditEntry, Grant
from margelle.serve.pages.figures import ago, date_of
from margelle.serve.pages.hall import Area, Hall, SiteLink
from margelle.serve.pages.organisations import members_of
from margelle.serve.pages.people import invited
from margelle.serve.pages.session import Fields
from margelle.serve.pages.visit import Visit
from margelle.serve.people import ended
from margelle.serve.sharing import Sharing

LIVES: Final = ("7", "30", "120", "365")
"""Days for which a link may be good: a week, a month, a season, a year."""
LONGEST_NAME: Final = 60
MOST: Final = 20
"""Links of one site."""


class Link(Struct, frozen=True):
    """A public link in the list."""

    id: str
    name: str
    made: str
    by: str
    until: str
    over: bool


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/sites/{site}/people", _people),
        hall.form("/sites/{site}/people", _share),
        hall.form("/sites/{site}/people/end", _unshare),
        hall.form("/sites/{site}/links", _make),
        hall.form("/sites/{site}/links/end", _end),
    )


AREA = Area(_routes, at_site=(SiteLink("people", "/people", "manage"),))


def path_of(site: Site, page: str = "") -> str:
    """Where a page of a site is."""
    return f"/sites/{quote(site.id, safe=':@')}" + (f"/{page}" if page else "")


async def _people(visit: Visit) -> Response:
    return await _shown(visit, await visit.site("manage"))


async def _share(visit: Visit) -> Response:
    """Give somebody a role here; an operator gets an invitation at once for who is no user yet."""
    site, form = await visit.site("manage"), await visit.form()
    email = form.get("email", "").strip()
    try:
        await Sharing(visit.store, visit.hall.clock).share(site.id, email, form.get("role", ""), visit.caller)
    except BadInput:
        return await _shown(visit, site, 400, form=form, complaint="people.bad_email")
    if await visit.store.user(email) is None and visit.caller.operator:
        return await invited(visit, email)
    return visit.go(path_of(site, "people"), "shared" if await visit.store.user(email) else "shared.waits")


async def _unshare(visit: Visit) -> Response:
    """Take a role back; everybody may give up their own."""
    site = await visit.site("read")
    await Sharing(visit.store, visit.hall.clock).unshare(site.id, (await visit.form()).get("email", ""), visit.caller)
    roles = await visit.store.roles(visit.user.email)
    return visit.go(path_of(site, "people") if roles.get(site.id) == "owner" else "/", "unshared")


async def _make(visit: Visit) -> Response:
    """A new public link, shown once with its QR code."""
    site, form = await visit.site("manage"), await visit.form()
    name, days = form.get("name", "").strip(), form.get("days", "")
    if len(name) > LONGEST_NAME or not name.isprintable() or days not in LIVES:
        return await _shown(visit, site, 400, form=form, wrong="links.bad")
    if len(await _links(visit, site)) >= MOST:
        return await _shown(visit, site, 409, form=form, wrong="links.too_many")
    desk = visit.hall.sessions.desk
    token, link = await desk.issue_named("link", visit.user.email, name, life_s=int(days) * 86400.0, site=site.id)
    await _record(visit, site, link, "made")
    address = f"{visit.hall.address(visit.request)}/p/{token}"
    return visit.page(
        "link_made.html",
        secret=True,
        site=site,
        address=address,
        code=_code(address),
        local=visit.hall.only_here(visit.request),
        link=_link(visit, site, link),
        back=path_of(site, "people"),
    )


async def _end(visit: Visit) -> Response:
    """Take a link back."""
    site, wanted = await visit.site("manage"), (await visit.form()).get("id", "")
    link = next((one for one in await _links(visit, site) if one.id == wanted), None)
    if link is None:
        raise NotFound("There is no such link.")
    await visit.store.take_grant(link.digest)
    await _record(visit, site, link, "taken back")
    return visit.go(path_of(site, "people"), "links.ended")


async def _shown(visit: Visit, site: Site, status: int = 200, **more: Any) -> Response:
    accounts = await visit.store.accounts_of(site.id)
    names = {one.id: one.name for one in await visit.store.organisations()}
    told: dict[str, Any] = {"form": Fields(), "complaint": "", "wrong": ""} | more
    return visit.page(
        "shares.html",
        status,
        site=site,
        back=path_of(site),
        here_path=path_of(site),
        owners=sorted({one.owner for one in accounts}),
        organisations=sorted(
            {(one.organisation, names[one.organisation]) for one in accounts if one.organisation in names}
        ),
        members=await members_of(visit, site.id),
        roles=ROLES,
        vendor=visit.hall.titles.get(site.vendor, site.vendor),
        links=[_link(visit, site, one) for one in await _links(visit, site)],
        lives=LIVES,
        **told,
    )


async def _links(visit: Visit, site: Site) -> list[Grant]:
    return [one for one in await visit.store.grants(site=site.id) if one.kind == "link"]


def _link(visit: Visit, site: Site, link: Grant) -> Link:
    words = visit.words
    until = date_of(link.expires_at, visit.zone(site), words.language) if link.expires_at else ""
    return Link(link.id, link.name, ago(link.issued_at, visit.now, words), link.user, until, ended(link, visit.now))


def _code(address: str) -> str:
    """A QR code as SVG, to be printed: with the error correction that a wet sheet of paper wants."""
    import segno  # noqa: PLC0415 - seldom needed

    made: str = segno.make_qr(address, error="q").svg_inline(
        scale=8, border=4, dark="#000", light="#fff", omitsize=True
    )
    return made


async def _record(visit: Visit, site: Site, link: Grant, outcome: str) -> None:
    entry = AuditEntry(visit.now, visit.user.email, "link", link.name or link.id, outcome, site.id)
    await visit.store.record(entry)
