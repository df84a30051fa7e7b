"""Who looks at the pages: a session of the hub's own, kept as a grant and carried by a cookie that other sites cannot send."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from margelle.domain.site import User
from margelle.errors import Forbidden
from margelle.serve.sign_in import FaceDesk

COOKIE: Final = "margelle_session"
LIFE_S: Final = 30 * 86400.0


class Sessions:
    """Begins, recognises and ends sessions."""

    def __init__(self, desk: FaceDesk, public_url: str = "") -> None:
        self._desk = desk
        self._public = urlsplit(public_url)

    async def user(self, request: Request) -> User | None:
        """Who has signed in in this browser, or None."""
        token = request.cookies.get(COOKIE)
        return await self._desk.holder("access", token) if token else None

    async def begin(self, request: Request, target: str) -> Response:
        """Sign in with the form that was sent, then go on to `target`. Raises Refused and Limited."""
        form = await fields(request)
        address = request.client.host if request.client else ""
        user = await self._desk.sign_in(form.get("login", ""), form.get("password", ""), address)
        token = await self._desk.issue("access", user.email, life_s=LIFE_S)
        answer = RedirectResponse(target, 303)
        answer.set_cookie(COOKIE, token, int(LIFE_S), secure=self._secure(request), httponly=True, samesite="strict")
        return answer

    async def end(self, request: Request, target: str) -> Response:
        """Sign out, then go on to `target`."""
        if token := request.cookies.get(COOKIE):
            await self._desk.revoke(token)
        answer = RedirectResponse(target, 303)
        answer.delete_cookie(COOKIE, secure=self._secure(request), httponly=True, samesite="strict")
        return answer

    def demand_own_form(self, request: Request) -> None:
        """Raises Forbidden where a browser says that the form came from another site. Only hosts are compared: a proxy may have ended TLS."""
        origin = request.headers.get("origin")
        own = {request.headers.get("host"), self._public.netloc} - {""}
        if origin is not None and urlsplit(origin).netloc not in own:
            raise Forbidden("The form was sent from another site.")

    def _secure(self, request: Request) -> bool:
        return "https" in {request.url.scheme, self._public.scheme}


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form sent as application/x-www-form-urlencoded; of a name sent twice, the first."""
    try:
        text = (await request.body()).decode("utf-8", "replace")
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True, max_num_fields=50).items()}
    except ValueError:
        return {}
