"""The first run: a hub that knows nobody leads its owner from nothing to the first chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from margelle.errors import BadInput, Limited, Refused
from margelle.serve.newcomer import Newcomers
from margelle.serve.pages.hall import DEMO, Area, Hall
from margelle.serve.pages.visit import Visit


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    welcome = _Welcome(hall)
    return (
        hall.page("/welcome", welcome.show, door=True),
        hall.form("/welcome", welcome.join, door=True),
        hall.form("/demo", _look, door=True, real=True),
        hall.form("/demo/leave", _leave, door=True, real=True),
    )


AREA: Final = Area(_routes, "/welcome", backstage=True)


async def _look(visit: Visit) -> Response:
    """From now on this browser looks at the demo. Only somebody who has nothing real to see is led there."""
    if visit.user.email or not await visit.store.users():
        answer = RedirectResponse("/", 303, {"cache-control": "no-store"})
        answer.set_cookie(DEMO, "look", httponly=True, samesite="strict")
        return answer
    return RedirectResponse("/sign-in", 303, {"cache-control": "no-store"})


async def _leave(visit: Visit) -> Response:  # noqa: ARG001
    """Back to what is real."""
    answer = RedirectResponse("/", 303, {"cache-control": "no-store"})
    answer.delete_cookie(DEMO, httponly=True, samesite="strict")
    return answer


class _Welcome:
    def __init__(self, hall: Hall) -> None:
        self._newcomers = Newcomers(hall.store, hall.clock)

    async def show(self, visit: Visit) -> Response:
        """Who are you? Only where nobody is known."""
        if not await self._newcomers.awaited():
            return RedirectResponse("/", 303, {"cache-control": "no-store"})
        return self._shown(visit, {})

    async def join(self, visit: Visit) -> Response:
        """The first user: signed in at once, and led on to what can be connected."""
        form = await visit.form()
        address = visit.request.client.host if visit.request.client else ""
        try:
            await self._newcomers.join(
                form.get("code", ""),
                form.get("login", "").strip(),
                form.get("password", ""),
                address,
                firstname=form.get("firstname", ""),
                language=visit.words.language,
            )
        except Refused:
            return self._shown(visit, form, 403, "code", visit.words("first.wrong_code"))
        except Limited as limited:
            minutes = math.ceil((limited.retry_after_s or 60) / 60)
            return self._shown(visit, form, 429, "code", visit.words("limited", n=minutes))
        except BadInput as error:
            return self._shown(
                visit,
                form,
                400,
                "password" if "assword" in error.what else "login",
                visit.words.said(error.sentence).text,
            )
        return await visit.hall.sessions.begin(visit.request, "/connect")

    def _shown(
        self, visit: Visit, form: dict[str, str], status: int = 200, field: str = "", complaint: str = ""
    ) -> Response:
        return visit.page("welcome.html", status, form=form, field=field, complaint=complaint)
