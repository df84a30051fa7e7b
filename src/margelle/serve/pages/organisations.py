"""Organisations: a club, a company, a town. Who are its members, and which accounts are its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.access import ROLES, Membership, Organisation
from margelle.domain.site import Account
from margelle.errors import BadInput, Conflict
from margelle.serve.pages.figures import date_of, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.session import Fields
from margelle.serve.pages.visit import Visit
from margelle.serve.sharing import Sharing


class Row(Struct, frozen=True):
    """An organisation in the list, with how much of it there is."""

    organisation: Organisation
    members: int
    accounts: int


class Member(Struct, frozen=True):
    """Somebody in an organisation or at a site: under which name, whether they can sign in already, and since when and by whom they have the role."""

    membership: Membership
    name: str
    known: bool
    given: str


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/people/organisations", _list),
        hall.form("/people/organisations", _found),
        hall.page("/people/organisations/{organisation}", _one),
        hall.form("/people/organisations/{organisation}/rename", _rename),
        hall.form("/people/organisations/{organisation}/dissolve", _dissolve),
        hall.form("/people/organisations/{organisation}/members", _admit),
        hall.form("/people/organisations/{organisation}/members/end", _dismiss),
        hall.form("/people/organisations/{organisation}/accounts", _assign("")),
        hall.form("/people/organisations/{organisation}/accounts/end", _assign("end")),
    )


AREA = Area(_routes, "/people")


async def _list(visit: Visit) -> Response:
    visit.caller.demand_operator()
    return await _listed(visit)


async def _found(visit: Visit) -> Response:
    form = await visit.form()
    try:
        made = await _sharing(visit).found(form.get("name", ""), visit.caller)
    except BadInput:
        return await _listed(visit, 400, complaint="organisations.bad_name")
    return visit.go(f"/people/organisations/{made.id}", "organisations.founded")


async def _listed(visit: Visit, status: int = 200, *, complaint: str = "") -> Response:
    members, accounts = await visit.store.memberships(), await visit.store.accounts()
    rows = [
        Row(one, sum(each.subject == one.id for each in members), sum(each.organisation == one.id for each in accounts))
        for one in await visit.store.organisations()
    ]
    return visit.page("organisations.html", status, rows=rows, complaint=complaint)


async def _one(visit: Visit) -> Response:
    return await _shown(visit)


async def _rename(visit: Visit) -> Response:
    try:
        await _sharing(visit).rename(_id(visit), (await visit.form()).get("name", ""), visit.caller)
    except BadInput:
        return await _shown(visit, 400, complaint="organisations.bad_name")
    return visit.go(_path(visit), "organisations.renamed")


async def _dissolve(visit: Visit) -> Response:
    try:
        await _sharing(visit).dissolve(_id(visit), visit.caller)
    except Conflict:
        return await _shown(visit, 409, complaint="organisations.has_accounts")
    return visit.go("/people/organisations", "organisations.dissolved")


async def _admit(visit: Visit) -> Response:
    form = await visit.form()
    email = form.get("email", "").strip()
    try:
        await _sharing(visit).admit(_id(visit), email, form.get("role", ""), visit.caller)
    except BadInput:
        return await _shown(visit, 400, wrong="people.bad_email", form=form)
    return visit.go(_path(visit), "shared" if await visit.store.user(email) else "shared.waits")


async def _dismiss(visit: Visit) -> Response:
    await _sharing(visit).dismiss(_id(visit), (await visit.form()).get("email", ""), visit.caller)
    left = visit.caller.operator or await visit.store.memberships(user=visit.user.email, subject=_id(visit))
    return visit.go(_path(visit) if left else "/me", "unshared")


def _assign(end: str) -> Callable[[Visit], Awaitable[Response]]:
    async def assign(visit: Visit) -> Response:
        await _sharing(visit).organisation(_id(visit))
        account = (await visit.form()).get("account", "")
        await _sharing(visit).assign(account, "" if end else _id(visit), visit.caller)
        return visit.go(_path(visit), "organisations.accounts")

    return assign


async def _shown(visit: Visit, status: int = 200, **more: Any) -> Response:
    await _sharing(visit).demand_head(_id(visit), visit.caller)
    organisation = await _sharing(visit).organisation(_id(visit))
    accounts = await visit.store.accounts()
    told: dict[str, Any] = {"form": Fields(), "complaint": "", "wrong": ""} | more
    return visit.page(
        "organisation.html",
        status,
        organisation=organisation,
        members=await members_of(visit, organisation.id),
        roles=ROLES,
        accounts=[_named(visit, one) for one in accounts if one.organisation == organisation.id],
        others=[_named(visit, one) for one in accounts if one.organisation != organisation.id],
        **told,
    )


async def members_of(visit: Visit, subject: str) -> list[Member]:
    """Who has a role given in a site or an organisation."""
    found = []
    for one in await visit.store.memberships(subject=subject):
        user = await visit.store.user(one.user)
        name = f"{user.firstname} {user.lastname}".strip() if user else ""
        since = date_of(one.since, zone(visit.hall.look.time_zone), visit.words.language)
        given = visit.words("shares.since", day=since, by=one.given_by or visit.words("audit.command"))
        found.append(Member(one, name, user is not None and bool(user.password_hash), given))
    return found


def _named(visit: Visit, account: Account) -> tuple[str, str]:
    """An account's id, and what people call it."""
    if account.is_own:
        return account.id, f"{visit.words('people.own_sites')} · {account.owner}"
    title = visit.hall.titles.get(account.vendor, account.vendor)
    return account.id, " · ".join(dict.fromkeys(filter(None, (title, account.login or account.id, account.owner))))


def _id(visit: Visit) -> str:
    organisation: str = visit.request.path_params["organisation"]
    return organisation


def _path(visit: Visit) -> str:
    return f"/people/organisations/{_id(visit)}"


def _sharing(visit: Visit) -> Sharing:
    return Sharing(visit.store, visit.hall.clock)
