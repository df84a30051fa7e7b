"""Who looks at the pages: a session of the hub's own, kept as a grant and carried by a cookie that no form of another site takes along (docs/decisions/0046)."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from margelle.domain.site import User
from margelle.errors import Forbidden
from margelle.ports import Grant
from margelle.serve.pages.browser import browser_named
from margelle.serve.sign_in import FaceDesk, digest

COOKIE: Final = "margelle_session"
SAFE_COOKIE: Final = "__Host-margelle_session"
"""Over TLS: by this name browsers let nobody but this very host set it, whatever else is on its domain."""
LIFE_S: Final = 30 * 86400.0


class Sessions:
    """Begins, recognises and ends sessions."""

    def __init__(self, desk: FaceDesk, public_url: str = "") -> None:
        self.desk = desk
        self._public = urlsplit(public_url)

    async def user(self, request: Request) -> User | None:
        """Who has signed in in this browser, or None."""
        token = self._token(request)
        return await self.desk.holder("access", token) if token else None

    async def begin(self, request: Request, target: str) -> Response:
        """Sign in with the form that was sent, then go on to `target`. Raises Refused and Limited."""
        form = await fields(request)
        user = await self.desk.sign_in(form.get("login", ""), form.get("password", ""), address(request))
        return await self.enter(request, user, target)

    async def enter(self, request: Request, user: User, target: str) -> Response:
        """A new session of `user`, in the place of one that this browser may have had, then on to `target`."""
        await self._revoke(request)
        name = browser_named(request.headers.get("user-agent", ""))
        token, _ = await self.desk.issue_named("access", user.email, name, life_s=LIFE_S)
        await self.desk.note("sign in", user, name)
        answer = RedirectResponse(target, 303, {"cache-control": "no-store"})
        secure = self._secure(request)
        answer.set_cookie(self._name(request), token, int(LIFE_S), secure=secure, httponly=True, samesite="lax")
        return answer

    async def end(self, request: Request, target: str) -> Response:
        """Sign out, then go on to `target`; the browser forgets what it keeps for when the hub does not answer."""
        await self._revoke(request)
        answer = RedirectResponse(target, 303, {"cache-control": "no-store", "clear-site-data": '"storage"'})
        answer.delete_cookie(self._name(request), secure=self._secure(request), httponly=True, samesite="lax")
        return answer

    def is_here(self, request: Request, session: Grant) -> bool:
        """Whether a session is the one of this very browser."""
        return self.mark(request) == session.digest

    def mark(self, request: Request) -> str:
        """What tells this very browser's session from all others, and opens nothing; empty where nobody has signed in."""
        token = self._token(request)
        return digest(token) if token else ""

    def demand_own_form(self, request: Request) -> None:
        """Raises Forbidden where a browser says that the form came from another site.

        Where it does not say from where (Sec-Fetch-Site, over TLS), the host of its origin counts: a proxy may have ended TLS. What says
        neither is no browser that would send a cookie along from another site (docs/decisions/0046).
        """
        where = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        own = {request.headers.get("host"), self._public.netloc} - {""}
        foreign = where != "same-origin" if where is not None else origin is not None and _netloc(origin) not in own
        if foreign:
            raise Forbidden("The form was sent from another site.")

    async def _revoke(self, request: Request) -> None:
        if token := self._token(request):
            await self.desk.revoke(token)

    def _token(self, request: Request) -> str | None:
        return request.cookies.get(self._name(request))

    def _name(self, request: Request) -> str:
        return SAFE_COOKIE if self._secure(request) else COOKIE

    def _secure(self, request: Request) -> bool:
        return "https" in {request.url.scheme, self._public.scheme}


def address(request: Request) -> str:
    """Where a request comes from; empty where that is not known."""
    return request.client.host if request.client else ""


class Fields(dict[str, str]):
    """A form's fields by name, for templates that show it again; one that was not sent is empty."""

    def __missing__(self, name: str) -> str:
        """Nothing was written there."""
        return ""


async def fields(request: Request, most: int = 100) -> Fields:
    """The fields of a form sent as application/x-www-form-urlencoded, at most `most`; of a name sent twice, the first."""
    try:
        text = (await request.body()).decode("utf-8", "replace")
        sent = parse_qs(text, keep_blank_values=True, max_num_fields=most)
    except ValueError:
        return Fields()
    return Fields({name: values[0] for name, values in sent.items()})


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # brackets that do not match
        return ""
