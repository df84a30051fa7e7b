"""An invitation: whoever has its address chooses a password, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.errors import BadInput, NotFound, Refused
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.visit import Visit
from margelle.serve.people import People


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/invitation/{token}", _invitation, door=True),
        hall.form("/invitation/{token}", _accept, door=True),
    )


AREA = Area(_routes)


async def _invitation(visit: Visit) -> Response:
    return await _shown(visit)


async def _accept(visit: Visit) -> Response:
    """The password that was chosen: the user is signed in at once."""
    form = await visit.form()
    names = {part: form.get(part, "") for part in ("firstname", "lastname")}
    try:
        user = await _people(visit).accept(_token(visit), form.get("password", ""), **names)
    except BadInput:
        return await _shown(visit, 400, form=names, complaint="password.weak")
    except Refused:
        return await _shown(visit, 404)
    return await visit.hall.sessions.enter(visit.request, user, "/?said=joined")


async def _shown(visit: Visit, status: int = 200, *, form: Mapping[str, str] = {}, complaint: str = "") -> Response:
    user = await _people(visit).invited(_token(visit))
    if user is None:
        raise NotFound("This invitation was used, or is too old. Ask for another one.")
    shown = {"firstname": user.firstname, "lastname": user.lastname} | dict(form)
    answer = visit.page("invitation.html", status, user=user, form=shown, complaint=complaint)
    answer.headers["referrer-policy"] = "strict-origin"  # the address is a secret; yet a form needs its Origin
    return answer


def _token(visit: Visit) -> str:
    token: str = visit.request.path_params["token"]
    return token


def _people(visit: Visit) -> People:
    return People(visit.store, visit.hall.sessions.desk, visit.hall.clock)
