"""Keys of the hub's own API: made, listed, taken back. A key is shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.access import SCOPES, Scope
from margelle.errors import NotFound
from margelle.ports import AuditEntry, Grant
from margelle.serve.api import NAME as API_NAME
from margelle.serve.pages.figures import ago, date_of, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.session import Fields
from margelle.serve.pages.visit import Visit
from margelle.serve.people import ended, is_key
from margelle.serve.sign_in import FaceDesk

LIVES: Final = ("30", "90", "365", "0")
"""Days for which a key may be good; 0 is for ever."""
LONGEST_NAME: Final = 60
_EMPTY: Final = Fields()
MOST: Final = 50
"""Keys of one user: whoever has more has lost count."""


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
    if len(await _known(visit)) >= MOST:
        return await _shown(visit, 409, form=form, complaint="keys.too_many")
    days = int(form["days"])
    desk = FaceDesk(API_NAME, visit.store, visit.hall.clock)
    token, key = await desk.issue_named(
        "access", visit.user.email, name, life_s=days * 86400.0 if days else None, scopes=scopes
    )
    await _record(visit, key, f"made for {', '.join(scopes)}")
    return visit.page(
        "key_made.html", secret=True, token=token, key=_key(visit, key), base=visit.hall.address(visit.request)
    )


async def _end(visit: Visit) -> Response:
    """Take a key back."""
    wanted = (await visit.form()).get("id", "")
    key = next((one for one in await _known(visit) if one.id == wanted), None)
    if key is None:
        raise NotFound("There is no such key.")
    await visit.store.take_grant(key.digest)
    await _record(visit, key, "taken back")
    return visit.go("/me/keys", "keys.ended")


async def _shown(visit: Visit, status: int = 200, *, form: Mapping[str, str] = _EMPTY, complaint: str = "") -> Response:
    keys = [_key(visit, one) for one in await _known(visit)]
    return visit.page("keys.html", status, keys=keys, form=form, complaint=complaint, scopes=SCOPES, lives=LIVES)


async def _known(visit: Visit) -> list[Grant]:
    return [one for one in await visit.store.grants(user=visit.user.email) if is_key(one)]


def _key(visit: Visit, grant: Grant) -> Key:
    where = zone(visit.hall.look.time_zone)
    until = "" if grant.expires_at is None else date_of(grant.expires_at, where, visit.words.language)
    made = ago(grant.issued_at, visit.now, visit.words)
    return Key(grant.id, grant.name, grant.scopes, made, until, ended(grant, visit.now))


async def _record(visit: Visit, key: Grant, outcome: str) -> None:
    await visit.store.record(AuditEntry(visit.now, visit.user.email, "key", key.name, outcome))
