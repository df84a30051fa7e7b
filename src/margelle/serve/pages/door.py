"""The door: signing in and out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from margelle.errors import Limited, Refused
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.visit import Visit, local


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (
        hall.page("/sign-in", _form, door=True),
        hall.form("/sign-in", _sign_in, door=True),
        hall.form("/sign-out", _sign_out, door=True),
    )


AREA = Area(_routes)


async def _form(visit: Visit) -> Response:
    """The sign-in form. Where nobody is known yet, there is nothing to sign in to: who comes is led to the first run."""
    if visit.user.email:
        return RedirectResponse(_with_language(local(visit.asked("next", "/")), visit), 303)
    if visit.hall.has("/welcome") and not await visit.store.users():
        return RedirectResponse(_with_language("/welcome", visit), 303, {"cache-control": "no-store"})
    return await _shown(visit, 200, "")


async def _sign_in(visit: Visit) -> Response:
    """The form as it was sent: a session and the page that was wanted, or the form again with the reason."""
    words = visit.words
    try:
        return await visit.hall.sessions.begin(visit.request, _with_language(local(visit.asked("next", "/")), visit))
    except Refused:
        return await _shown(visit, 403, words("refused"))
    except Limited as limited:
        wait_s = limited.retry_after_s or 60
        answer = await _shown(visit, 429, words("limited", n=math.ceil(wait_s / 60)))
        answer.headers["retry-after"] = str(math.ceil(wait_s))
        return answer


async def _sign_out(visit: Visit) -> Response:
    """End the session."""
    return await visit.hall.sessions.end(visit.request, _with_language("/sign-in", visit))


async def _shown(visit: Visit, status: int, complaint: str) -> Response:
    newcomer = not await visit.store.users()
    wanted = local(visit.asked("next", "/"))
    return visit.page(
        "sign_in.html",
        status,
        complaint=complaint,
        newcomer=newcomer,
        action="/sign-in" + (f"?{urlencode({'next': wanted})}" if wanted != "/" else ""),
    )


def _with_language(path: str, visit: Visit) -> str:
    """`path` in the language that was asked for by name, if one was."""
    asked = visit.asked("lang")
    return f"{path}{'&' if '?' in path else '?'}lang={asked}" if asked in {"en", "fr"} else path
