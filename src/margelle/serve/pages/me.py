"""One's own page: name, language, units, password, and where one is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.site import User
from margelle.domain.unit import Unit, symbol
from margelle.errors import BadInput, Limited, NotFound, Refused
from margelle.ports import Grant
from margelle.serve.pages.figures import ago
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.session import address
from margelle.serve.pages.visit import THEMES, Visit
from margelle.serve.pages.words import LANGUAGES
from margelle.serve.people import People, ended, name_of

UNITS: Final[dict[str, tuple[Unit, ...]]] = {
    "temperature": (Unit.CELSIUS, Unit.FAHRENHEIT),
    "salt": (Unit.MG_PER_L, Unit.G_PER_L, Unit.PPM),
    "conductivity": (Unit.MICROSIEMENS_PER_CM, Unit.MILLISIEMENS_PER_CM),
}
"""By quantity, the units that people choose between, the canonical one first."""


class Choice(Struct, frozen=True):
    """One of several: what it is sent as, how it reads, whether it is chosen."""

    value: str
    text: str
    chosen: bool


class Session(Struct, frozen=True):
    """A browser that is signed in."""

    id: str
    browser: str
    since: str
    here: bool


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/me", _me),
        hall.form("/me", _save),
        hall.form("/me/password", _password),
        hall.form("/me/sessions/end", _end),
        hall.form("/me/sign-out", _sign_out),
    )


AREA = Area(_routes, "/me")


async def _me(visit: Visit) -> Response:
    return await _shown(visit)


async def _save(visit: Visit) -> Response:
    """Keep the name, the language, the units and this browser's theme."""
    form = await visit.form()
    language = next((one for one in LANGUAGES if one == form.get("language")), visit.words.language)
    try:
        names = {part: name_of(form.get(part, "")) for part in ("firstname", "lastname")}
    except BadInput:
        return await _shown(visit, 400, complaint="me.bad_name")
    units = visit.user.units | {name: _unit(name, form.get(f"unit.{name}", "")) for name in UNITS}
    changed = replace(visit.user, **names, language=language, units=units)
    await visit.store.put_user(changed)
    await _people(visit).record(visit.user, "profile", visit.user.email, "changed")
    answer = visit.go("/me", "me.saved")
    theme = next((one for one in THEMES if one == form.get("theme")), None)
    visit.remember(answer, language=language, theme=theme)
    return answer


async def _password(visit: Visit) -> Response:
    """Another password: every other browser and client is signed out, this one gets a new session."""
    form = await visit.form()
    where = address(visit.request)
    try:
        user = await _people(visit).change_password(visit.user, form.get("old", ""), form.get("new", ""), where)
    except Refused:
        return await _shown(visit, 403, wrong="me.wrong_password")
    except Limited:
        return await _shown(visit, 429, wrong="me.too_often")
    except BadInput:
        return await _shown(visit, 400, weak="password.weak")
    return await visit.hall.sessions.enter(visit.request, user, "/me?said=me.password")


async def _end(visit: Visit) -> Response:
    """Sign one browser out."""
    wanted = (await visit.form()).get("id", "")
    session = next((one for one in await _sessions(visit) if one.id == wanted), None)
    if session is None:
        raise NotFound("There is no such session.")
    await visit.store.take_grant(session.digest)
    await _people(visit).record(visit.user, "sign out", visit.user.email, session.name or "a browser")
    return visit.go("/me", "me.ended")


async def _sign_out(visit: Visit) -> Response:
    """Sign out of every browser and every client, this one too."""
    await _people(visit).sign_out(visit.user)
    await _people(visit).record(visit.user, "sign out", visit.user.email, "everywhere")
    return await visit.hall.sessions.end(visit.request, "/sign-in")


async def _shown(visit: Visit, status: int = 200, *, complaint: str = "", wrong: str = "", weak: str = "") -> Response:
    memberships = await visit.store.memberships(user=visit.user.email)
    led = [one.subject for one in memberships if one.kind == "organisation" and one.role == "owner"]
    return visit.page(
        "me.html",
        status,
        user=visit.user,
        units={name: _choices(visit.user, name) for name in UNITS},
        sessions=[_session(visit, one) for one in await _sessions(visit)],
        organisations=[one for one in await visit.store.organisations() if one.id in led],
        complaint=complaint,
        wrong=wrong,
        weak=weak,
    )


async def _sessions(visit: Visit) -> list[Grant]:
    found = await visit.store.grants(user=visit.user.email)
    return [
        one
        for one in found
        if one.kind == "access" and one.face == visit.hall.sessions.desk.face and not ended(one, visit.now)
    ]


def _session(visit: Visit, grant: Grant) -> Session:
    here = visit.hall.sessions.is_here(visit.request, grant)
    return Session(
        grant.id, grant.name or visit.words("me.browser"), ago(grant.issued_at, visit.now, visit.words), here
    )


def _choices(user: User, quantity: str) -> list[Choice]:
    wanted = user.units.get(quantity, UNITS[quantity][0])
    return [Choice(unit.value, symbol(unit), unit == wanted) for unit in UNITS[quantity]]


def _unit(quantity: str, wanted: str) -> str:
    return next((unit.value for unit in UNITS[quantity] if unit == wanted), UNITS[quantity][0].value)


def _people(visit: Visit) -> People:
    return People(visit.store, visit.hall.sessions.desk, visit.hall.clock)
