"""The users of the hub, for its operators: who there is, who is invited, who is an operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.site import User
from margelle.errors import BadInput, Conflict
from margelle.ports import Grant
from margelle.serve.pages.figures import date_of, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.session import Fields
from margelle.serve.pages.visit import Visit
from margelle.serve.people import People


class Row(Struct, frozen=True):
    """A user in the list. `state` is one of `operator`, `user`, `invited`, `shut`; `until` is the end of an invitation; `accounts` are those at clouds, and `hosts` says whether they have sites without one."""

    user: User
    name: str
    state: str
    until: str
    accounts: int
    hosts: bool
    own: bool


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/people", _list),
        hall.form("/people/invite", _invite),
        *(hall.form(f"/people/{act}", _changed(act)) for act in _ACTS),
    )


AREA = Area(_routes, "/people", "people", shown=lambda caller: caller.operator)

_Act = Callable[[People, str, User], Awaitable[object]]
_ACTS: Final[dict[str, _Act]] = {
    "operator": lambda people, email, by: people.make_operator(email, by),
    "no-operator": lambda people, email, by: people.make_operator(email, by, operator=False),
    "disable": lambda people, email, by: people.disable(email, by),
    "withdraw": lambda people, email, by: people.withdraw(email, by),
    "remove": lambda people, email, by: people.remove(email, by),
}


async def _list(visit: Visit) -> Response:
    visit.caller.demand_operator()
    return await _shown(visit)


async def _invite(visit: Visit) -> Response:
    """Invite somebody, for the first time or again; the link is shown once."""
    visit.caller.demand_operator()
    form = await visit.form()
    email, names = form.get("email", "").strip(), {part: form.get(part, "") for part in ("firstname", "lastname")}
    try:
        return await invited(visit, email, **names)
    except BadInput:
        return await _shown(visit, 400, form=form, complaint="people.bad_email")
    except Conflict:
        return await _shown(visit, 409, form=form, complaint="people.known")


async def invited(visit: Visit, email: str, **names: str) -> Response:
    """The page with a new invitation's link. Raises BadInput and Conflict."""
    token, invitation = await people_of(visit).invite(email, visit.user, **names)
    link = f"{visit.hall.address(visit.request)}/invitation/{token}"
    return visit.page(
        "invited.html",
        secret=True,
        email=invitation.user,
        link=link,
        until=_until(visit, invitation),
        local=visit.hall.only_here(visit.request),
    )


def _changed(act: str) -> Callable[[Visit], Awaitable[Response]]:
    async def change(visit: Visit) -> Response:
        visit.caller.demand_operator()
        email = (await visit.form()).get("email", "")
        try:
            await _ACTS[act](people_of(visit), email, visit.user)
        except Conflict as conflict:
            return await _shown(visit, 409, conflict=visit.words.said(conflict.sentence), about=email)
        return visit.go("/people", f"people.{act}")

    return change


async def _shown(visit: Visit, status: int = 200, **more: Any) -> Response:
    every = await visit.store.accounts()
    accounts = Counter(one.owner.casefold() for one in every if not one.is_own)
    hosts = {one.owner.casefold() for one in every if one.is_own}
    invitations = await people_of(visit).invitations()
    rows = [
        Row(
            user,
            f"{user.firstname} {user.lastname}".strip(),
            _state(user, invitations),
            _until(visit, invitations[user.email]) if user.email in invitations else "",
            accounts[user.email.casefold()],
            user.email.casefold() in hosts,
            user.email == visit.user.email,
        )
        for user in await visit.store.users()
    ]
    told: dict[str, Any] = {"form": Fields(), "complaint": "", "conflict": None, "about": ""} | more
    return visit.page("people.html", status, rows=rows, **told)


def _state(user: User, invitations: dict[str, Grant]) -> str:
    if user.password_hash:
        return "operator" if user.operator else "user"
    return "invited" if user.email in invitations else "shut"


def _until(visit: Visit, grant: Grant) -> str:
    return date_of(grant.expires_at, zone(visit.hall.look.time_zone), visit.words.language) if grant.expires_at else ""


def people_of(visit: Visit) -> People:
    """The hub's users, to be managed."""
    return People(visit.store, visit.hall.sessions.desk, visit.hall.clock)
