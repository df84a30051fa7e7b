"""What all pages share, and the way from a request to a page: who asks is known, forms are the hub's own, and what goes wrong is a page too."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from margelle.domain.access import Scope
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import User
from margelle.errors import (
    BadInput,
    Conflict,
    Forbidden,
    Limited,
    MargelleError,
    NotFound,
    Refused,
    StoreError,
)
from margelle.ports import Actions, Backstage, Clock, Staged, Store, Vendor
from margelle.serve.caller import Caller
from margelle.serve.calls import Calls
from margelle.serve.glance import Showing
from margelle.serve.pages.once import Once
from margelle.serve.pages.session import Sessions
from margelle.serve.pages.visit import Visit, visitor

DEMO: Final = "margelle_demo"
"""The cookie of a browser that looks at the demo in the hub's place. It opens nothing."""

_log: Final = logging.getLogger("margelle.serve")

Page = Callable[[Visit], Awaitable[Response]]
"""Answers a visit. It may raise any of our errors: they become pages."""

_ERRORS: Final[tuple[tuple[type[MargelleError], int, str], ...]] = (
    (BadInput, 400, "error.bad"),
    (Refused, 401, "error.refused"),
    (Forbidden, 403, "error.forbidden"),
    (NotFound, 404, "lost"),
    (Conflict, 409, "error.conflict"),
    (Limited, 429, "error.limited"),
    (StoreError, 503, "error.store"),
)
"""With its HTTP status and what the page says first; all others are 503, of a cloud that does not answer."""


class Look(Struct, frozen=True):
    """How an installation's pages look: their title, its quantities, the address at which others reach it (empty: that of the request).

    `time_zone` is that of sites whose own is not known, `showing` how sites are shown and judged. With `public`, everybody sees every site and nobody signs in.
    A `demo` says on every page that its water is simulated, and one that is a `room` of another hub leads back there.
    """

    title: str = "Margelle"
    public: bool = False
    public_url: str = ""
    catalogue: Catalogue = CATALOGUE
    time_zone: str = "UTC"
    showing: Showing = Showing()
    demo: Staged = ""


class SiteLink(Struct, frozen=True):
    """A page about a site, at `/sites/<site>` and `suffix`; the site's own page leads there under the text `at_site.<name>`, for whom `scope` allows it."""

    name: str
    suffix: str
    scope: Scope = "read"


class Area(Struct, frozen=True):
    """Pages that belong together. `at_site` are those of them that a site's page leads to. `nav` is what leads there (the text `nav.<nav>`, to `path`), shown to whom `shown` admits; without `nav`, other pages lead there.

    Pages of the `backstage` are there only where there is one: where the whole hub is served, not a store alone.
    """

    routes: Callable[[Hall], Sequence[BaseRoute]]
    path: str = "/"
    nav: str = ""
    shown: Callable[[Caller], bool] = lambda _: True
    backstage: bool = False
    at_site: Sequence[SiteLink] = ()


class Link(Struct, frozen=True):
    """A way to an area: its name among the words and the icons, and where it is."""

    name: str
    path: str


class Hall:
    """What all pages share; `vendors` are those of this hub, `titles` their titles by name."""

    def __init__(
        self,
        store: Store,
        vendors: Sequence[Vendor],
        clock: Clock,
        *,
        sessions: Sessions,
        actions: Actions,
        look: Look,
        areas: Sequence[Area],
        calls: Calls | None = None,
        backstage: Backstage | None = None,
    ) -> None:
        self.store, self.clock, self.sessions, self.actions, self.look = store, clock, sessions, actions, look
        self.vendors = tuple(vendors)
        self.titles: Mapping[str, str] = {vendor.name: vendor.title for vendor in vendors}
        self.calls = calls or Calls(clock)
        self._once = Once(store, clock)
        self._backstage = backstage
        self._areas = tuple(areas)

    @property
    def backstage(self) -> Backstage:
        """The hub behind the store. Only pages of the backstage ask for it."""
        assert self._backstage is not None
        return self._backstage

    def vendor(self, name: str) -> Vendor:
        """The vendor called `name`. Raises NotFound."""
        found = next((vendor for vendor in self.vendors if vendor.name == name), None)
        if found is None:
            raise NotFound(f"There is no vendor {name!r}.")
        return found

    def routes(self) -> list[BaseRoute]:
        """Those of all areas."""
        return [route for area in self._areas for route in area.routes(self)]

    def nav(self, caller: Caller) -> list[Link]:
        """The areas that `caller` can go to."""
        return [Link(area.nav, area.path) for area in self._areas if area.nav and area.shown(caller)]

    def has(self, path: str) -> bool:
        """Whether there is an area at this path."""
        return any(area.path == path for area in self._areas)

    def at_site(self, caller: Caller, site: str) -> list[Link]:
        """The pages about a site that `caller` can go to."""
        links = [link for area in self._areas for link in area.at_site if caller.may(link.scope, site)]
        return [Link(link.name, f"/sites/{quote(site, safe=':@')}{link.suffix}") for link in links]

    def area(self, path: str) -> str:
        """The path of the area to which a page belongs; the first page's where it has none of its own."""
        paths = [area.path for area in self._areas if path == area.path or path.startswith(f"{area.path}/")]
        return max(paths, key=len, default="/")

    def address(self, request: Request) -> str:
        """Where others reach this hub, without a slash at the end."""
        return (self.look.public_url or str(request.base_url)).rstrip("/")

    def only_here(self, request: Request) -> bool:
        """Whether that address is this machine's name of itself, and good for nobody else."""
        return (urlsplit(self.address(request)).hostname or "") in {"localhost", "127.0.0.1", "::1"}

    def page(self, path: str, show: Page, *, door: bool = False, asked: bool = False) -> Route:
        """The route of a page. Who has not signed in is led to the door first, unless it is a `door` itself, and from there back to it: also to what its query has `asked`, where no secret ever stands in that."""
        return Route(path, self._led(show, door=door, asked=asked), methods=["GET"])

    def form(self, path: str, take: Page, *, door: bool = False, real: bool = False) -> Route:
        """The route of a form: taken once, however often it is sent, where it has a number; only from the hub's own pages and, unless it is a `door`, from those who have signed in.

        One that is `real` is taken by this hub also where a browser looks at the demo.
        """

        async def taken(visit: Visit) -> Response:
            try:
                self.sessions.demand_own_form(visit.request)
            except Forbidden:
                return visit.page("error.html", 403, heading="foreign", error=None)
            return await self._once.answer(visit.request, visit.user.email, await visit.form(), lambda: take(visit))

        return Route(path, self._led(taken, door=door, real=real), methods=["POST"])

    def _led(
        self, show: Page, *, door: bool, real: bool = False, asked: bool = False
    ) -> Callable[[Request], Awaitable[ASGIApp]]:
        async def answer(request: Request) -> ASGIApp:
            if DEMO in request.cookies and self._backstage is not None and not real and await self._may_look(request):
                return await self._backstage.demo.app()
            visit = Visit(self, request, _NOBODY, self.clock())
            try:
                user = None if self.look.public else await self.sessions.user(request)
                if user is None and not self.look.public and not door:
                    return self._to_the_door(request, asked=asked)
                visit = await visitor(self, user, request)
                return await show(visit)
            except MargelleError as error:
                return _told(visit, error)
            except Exception as failure:
                return _broken(visit, failure)

        return answer

    async def _may_look(self, request: Request) -> bool:
        """Whether the demo is theirs to see: of who has signed in, and of everybody while nobody is known. A stranger makes no hub work for it."""
        return await self.sessions.user(request) is not None or not await self.store.users()

    def _to_the_door(self, request: Request, *, asked: bool) -> Response:
        """The sign-in page, which leads back to where a reader wanted to go."""
        kept = [f"lang={lang}" for lang in (request.query_params.get("lang"),) if lang in {"en", "fr"}]
        if request.method == "GET" and request.url.path != "/":
            parts = [each for each in request.url.query.split("&") if asked and each and not each.startswith("lang=")]
            wanted = "?".join(filter(None, (request.url.path, "&".join(parts))))
            kept.append(f"next={quote(wanted, safe='')}")
        target = "/sign-in" + ("?" + "&".join(kept) if kept else "")
        return RedirectResponse(target, 303, {"cache-control": "no-store"})


_NOBODY: Final = Caller(User("", ""), {}, False, frozenset())


def _told(visit: Visit, error: MargelleError) -> Response:
    """The page that says what an error means. What is wrong with the store is for the operator's log only."""
    if visit.request.method == "GET" and "text/html" not in visit.request.headers.get("accept", "text/html"):
        raise error  # a program asks: the gate answers it in JSON
    status, heading = next(
        ((code, name) for kind, code, name in _ERRORS if isinstance(error, kind)), (503, "error.cloud")
    )
    if isinstance(error, StoreError):
        _log.error("%s %s: %s", visit.request.method, visit.request.url.path, error)
    shown = None if isinstance(error, StoreError | NotFound) else error
    told = visit.words.said(shown.sentence) if shown is not None else None
    return visit.page("error.html", status, heading=heading, error=told)


def _broken(visit: Visit, failure: Exception) -> Response:
    """The page for a failure that nobody foresaw: its traceback is in the log, under the number that the page tells."""
    if "text/html" not in visit.request.headers.get("accept", ""):
        raise failure  # a program asks: the gate answers it in JSON
    incident = secrets.token_hex(4)
    _log.error("incident %s: %s %s", incident, visit.request.method, visit.request.url.path, exc_info=failure)
    return visit.page("error.html", 500, heading="error.broken", error=None, incident=incident)
