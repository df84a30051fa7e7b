"""What people see: the first page, and signing in to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Site, User
from margelle.errors import Limited, Refused
from margelle.ports import Clock, Display, Store, Vendor
from margelle.serve.pages.home import Visit, home
from margelle.serve.pages.paper import asset, page
from margelle.serve.pages.session import Sessions
from margelle.serve.pages.words import Words, chosen
from margelle.serve.sign_in import Attempts, FaceDesk

FACE = "pages"
"""The face to which sessions belong."""


class Look(Struct, frozen=True):
    """How an installation's pages look: their title, its quantities, the address at which others reach it (empty: that of the request).

    `time_zone` is that of sites whose own is not known, `displays` how each vendor's sites are shown. With `public`, everybody sees every site and nobody signs in.
    """

    title: str = "Margelle"
    public: bool = False
    public_url: str = ""
    catalogue: Catalogue = CATALOGUE
    time_zone: str = "UTC"
    displays: Mapping[str, Callable[[Site], Display]] = {}


def routes(store: Store, vendors: Sequence[Vendor], clock: Clock, attempts: Attempts, look: Look) -> list[BaseRoute]:
    """The pages' routes, to stand behind all others."""
    titles = {vendor.name: vendor.title for vendor in vendors}
    pages = Pages(store, titles, clock, Sessions(FaceDesk(FACE, store, clock, attempts), look.public_url), look)
    door: list[BaseRoute] = [
        Route("/sign-in", pages.form),
        Route("/sign-in", pages.sign_in, methods=["POST"]),
        Route("/sign-out", pages.sign_out, methods=["POST"]),
    ]
    return [
        Route("/", pages.first),
        Route("/static/{name}", asset),
        *(() if look.public else door),
        Route("/{path:path}", pages.lost),
    ]


class Face(Struct, frozen=True):
    """Where clients of a vendor find its face."""

    title: str
    url: str


class Pages:
    """Answers the pages' requests; `titles` are the vendors' by name."""

    def __init__(self, store: Store, titles: Mapping[str, str], clock: Clock, sessions: Sessions, look: Look) -> None:
        self._store, self._titles, self._clock, self._sessions, self._look = store, titles, clock, sessions, look

    async def first(self, request: Request) -> Response:
        """`/`: all sites of whoever looks."""
        words = _words(request)
        user = None if self._look.public else await self._sessions.user(request)
        if user is None and not self._look.public:
            return RedirectResponse(_with_language("/sign-in", request), 303, {"cache-control": "no-store"})
        base = (self._look.public_url or str(request.base_url)).rstrip("/")
        visit = Visit(
            words,
            self._clock(),
            user.email if user else None,
            self._titles,
            self._look.catalogue,
            self._look.time_zone,
            self._look.displays,
        )
        return page(
            "home.html",
            words,
            title=self._look.title,
            home=await home(self._store, visit),
            faces=[Face(title, f"{base}/{name}") for name, title in self._titles.items()],
            signed_in=_name(user) if user else "",
        )

    async def lost(self, request: Request) -> Response:
        """Every other address: a page for people, JSON for programs."""
        if "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404)
        return page("lost.html", _words(request), 404, title=self._look.title)

    async def form(self, request: Request) -> Response:
        """The sign-in form."""
        if await self._sessions.user(request) is not None:
            return RedirectResponse(_with_language("/", request), 303)
        return await self._form(request, 200, "")

    async def sign_in(self, request: Request) -> Response:
        """The form as it was sent: a session and the first page, or the form again with the reason."""
        words = _words(request)
        try:
            self._sessions.demand_own_form(request)
        except Refused:
            return await self._form(request, 403, words("foreign"))
        try:
            return await self._sessions.begin(request, _with_language("/", request))
        except Refused:
            return await self._form(request, 403, words("refused"))
        except Limited as limited:
            wait_s = limited.retry_after_s or 60
            answer = await self._form(request, 429, words("limited", n=math.ceil(wait_s / 60)))
            answer.headers["retry-after"] = str(math.ceil(wait_s))
            return answer

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        self._sessions.demand_own_form(request)
        return await self._sessions.end(request, _with_language("/sign-in", request))

    async def _form(self, request: Request, status: int, complaint: str) -> Response:
        newcomer = not await self._store.users()
        return page(
            "sign_in.html", _words(request), status, title=self._look.title, complaint=complaint, newcomer=newcomer
        )


def _words(request: Request) -> Words:
    return Words(chosen(request.query_params.get("lang"), request.headers.get("accept-language", "")))


def _with_language(path: str, request: Request) -> str:
    """`path` in the language that was asked for by name, if one was."""
    asked = request.query_params.get("lang")
    return f"{path}?lang={asked}" if asked in {"en", "fr"} else path


def _name(user: User) -> str:
    return f"{user.firstname} {user.lastname}".strip() or user.email
