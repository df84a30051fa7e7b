"""Keys of the hub's own API: made, listed, taken back. A key is shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.access import SCOPES, Scope
from margelle.errors import Conflict
from margelle.ports import Grant
from margelle.serve.keys import Keys
from margelle.serve.pages.figures import ago, date_of, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.session import Fields
from margelle.serve.pages.visit import Visit
from margelle.serve.people import ended

LIVES: Final = ("30", "90", "365", "0")
"""Days for which a key may be good; 0 is for ever."""
LONGEST_NAME: Final = 60
_EMPTY: Final = Fields()


class Key(Struct, frozen=True):
    """A key in the list."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    made: str
    until: str
    over: bool


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/me/keys", _keys),
        hall.form("/me/keys", _make),
        hall.form("/me/keys/end", _end),
    )


AREA = Area(_routes, "/me/keys")


async def _keys(visit: Visit) -> Response:
    return await _shown(visit)


async def _make(visit: Visit) -> Response:
    """A new key, shown once."""
    form = await visit.form()
    name, scopes = form.get("name", "").strip(), tuple(scope for scope in SCOPES if f"scope.{scope}" in form)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return await _shown(visit, 400, form=form, complaint="keys.bad_name")
    if not scopes or form.get("days") not in LIVES:
        return await _shown(visit, 400, form=form, complaint="keys.no_scope")
    days = int(form["days"]) or None
    try:
        token, key = await _all(visit).make(visit.user.email, name, scopes, days, by=visit.user.email)
    except Conflict:
        return await _shown(visit, 409, form=form, complaint="keys.too_many")
    return visit.page(
        "key_made.html", secret=True, token=token, key=_key(visit, key), base=visit.hall.address(visit.request)
    )


async def _end(visit: Visit) -> Response:
    """Take a key back."""
    await _all(visit).take_back(visit.user.email, (await visit.form()).get("id", ""), by=visit.user.email)
    return visit.go("/me/keys", "keys.ended")


async def _shown(visit: Visit, status: int = 200, *, form: Mapping[str, str] = _EMPTY, complaint: str = "") -> Response:
    keys = [_key(visit, one) for one in await _all(visit).of(visit.user.email)]
    return visit.page("keys.html", status, keys=keys, form=form, complaint=complaint, scopes=SCOPES, lives=LIVES)


def _all(visit: Visit) -> Keys:
    return Keys(visit.store, visit.hall.clock)


def _key(visit: Visit, grant: Grant) -> Key:
    where = zone(visit.hall.look.time_zone)
    until = "" if grant.expires_at is None else date_of(grant.expires_at, where, visit.words.language)
    made = ago(grant.issued_at, visit.now, visit.words)
    return Key(grant.id, grant.name, grant.scopes, made, until, ended(grant, visit.now))
