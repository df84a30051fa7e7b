"""One request for a page: who makes it, what they may see, in which language, at which instant."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from margelle.domain.access import Scope
from margelle.domain.site import Site, User
from margelle.errors import NotFound
from margelle.ports import Display, Store
from margelle.serve.caller import Caller, caller
from margelle.serve.pages.figures import moment, zone
from margelle.serve.pages.once import number as form_number
from margelle.serve.pages.paper import page
from margelle.serve.pages.session import fields
from margelle.serve.pages.words import LANGUAGES, TEXTS, Language, Words, chosen

if TYPE_CHECKING:
    from margelle.serve.pages.hall import Hall

Theme = Literal["auto", "light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("auto", "light", "dark")
LANGUAGE_COOKIE: Final = "margelle_language"
THEME_COOKIE: Final = "margelle_theme"
_A_YEAR_S: Final = 365 * 86400

MOST_PAGES: Final = 10_000
"""Pages of a list: whoever wants what is behind them asks for less."""

ME: Final = "/me"
"""A person's own page, which the menu leads to."""

EVERYBODY: Final = User("", "")
"""Who looks at public pages."""

GRAVE: Final = frozenset({"hand.doubted", "hand.far", "hand.doubted_far"})
"""What is said of a form that was taken, and is to be looked at."""


class Visit:
    """A request with the person behind it. `caller` says what they may: on public pages everybody may read, and nobody may do anything else."""

    def __init__(self, hall: Hall, request: Request, caller: Caller, now: datetime) -> None:
        self.hall, self.request, self.caller, self.now = hall, request, caller, now
        self.words = Words(language_of(request, caller.user))

    @property
    def store(self) -> Store:
        """What is kept."""
        return self.hall.store

    @property
    def user(self) -> User:
        """Who it is."""
        return self.caller.user

    @property
    def seen_by(self) -> str | None:
        """Whose sites are seen, as `Reader.sites` takes it: None sees all."""
        return None if self.hall.look.public else self.user.email

    @property
    def signed_in(self) -> str:
        """The name of who has signed in; empty on public pages."""
        return f"{self.user.firstname} {self.user.lastname}".strip() or self.user.email

    @property
    def is_swap(self) -> bool:
        """Whether htmx asks, to replace a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def asked(self, name: str, default: str = "") -> str:
        """What the query says about `name`."""
        return self.request.query_params.get(name, default)

    @property
    def from_site(self) -> bool:
        """Whether they came from a site's own page, and want to go back there."""
        return self.asked("from") == "site"

    @property
    def number(self) -> int:
        """Which page of a list is asked for, from 1 on."""
        text = self.asked("page")
        return min(max(int(text), 1), MOST_PAGES) if text.isascii() and text.isdecimal() and len(text) < 9 else 1

    async def form(self) -> dict[str, str]:
        """The fields of the form that was sent."""
        return await fields(self.request)

    async def site(self, scope: Scope = "read") -> Site:
        """The site that the path names as `{site}`. Raises NotFound where it is none or not theirs to see, Forbidden where they may not do there what `scope` says."""
        wanted: str = self.request.path_params["site"]
        self.caller.demand(scope, wanted)
        found = await self.store.site(wanted)
        if found is None:
            raise NotFound(f"There is no site {wanted!r}.")
        return found

    def display(self, site: Site) -> Display:
        """How the site's quantities are shown."""
        return self.hall.look.showing.display(site)

    def zone(self, site: Site) -> ZoneInfo:
        """The site's time zone, or the installation's where the vendor does not tell it."""
        return zone(site.time_zone if site.time_zone != "UTC" else self.hall.look.time_zone)

    def page(self, template: str, status: int = 200, *, secret: bool = False, **values: Any) -> Response:
        """The page of a template, for this visit. One that shows a `secret` is never compressed (BREACH)."""
        encodings = "" if secret else self.request.headers.get("accept-encoding", "")
        said = self.asked("said")
        answer = page(
            template,
            self.words,
            status,
            encodings=encodings,
            title=self.hall.look.title,
            demo=self.hall.look.demo,
            theme=theme_of(self.request),
            path=self.request.url.path,
            here=self._here,
            once=form_number,
            nav=self.hall.nav(self.caller) if self.caller.roles or self.signed_in else [],
            area=self.hall.area(self.request.url.path),
            me=ME if self.signed_in and self.hall.area(ME) == ME else "",
            caller=self.caller,
            signed_in=self.signed_in,
            made_at=moment(self.now, zone(self.hall.look.time_zone), self.words.language),
            said=self.words(f"said.{said}") if f"said.{said}" in TEXTS else "",
            said_state="watch" if said in GRAVE else "good",
            **values,
        )
        return self._remembered(answer)

    def go(self, path: str, said: str = "") -> Response:
        """On to another page, after a form has been taken; there it says the text called `said.<said>`."""
        target = f"{path}{'&' if '?' in path else '?'}{urlencode({'said': said})}" if said else path
        return RedirectResponse(target, 303, {"cache-control": "no-store"})

    def remember(self, answer: Response, *, language: Language | None = None, theme: Theme | None = None) -> None:
        """Have this browser ask for the language or theme from now on."""
        for name, value in ((LANGUAGE_COOKIE, language), (THEME_COOKIE, theme)):
            if value is not None:
                answer.set_cookie(name, value, _A_YEAR_S, httponly=True, samesite="lax")

    def _here(self, **changes: str) -> str:
        """This page's query with some of it changed; what was just said is not said again."""
        kept = {name: value for name, value in self.request.query_params.items() if name != "said"}
        return "?" + urlencode(kept | changes)

    def _remembered(self, answer: Response) -> Response:
        """The answer, which keeps the language or theme that the query asked for."""
        language = next((each for each in LANGUAGES if each == self.asked("lang")), None)
        theme = next((each for each in THEMES if each == self.asked("theme")), None)
        self.remember(answer, language=language, theme=theme)
        return answer


def language_of(request: Request, user: User = EVERYBODY) -> Language:
    """The language that the query asks for, or this browser has chosen, or the user, or the browser prefers."""
    named = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
    known = next((name for name in named if name in LANGUAGES), None)
    # English is what a user has who has never chosen: their browser knows better.
    return chosen(
        known or (user.language if user.language != "en" else None), request.headers.get("accept-language", "")
    )


def theme_of(request: Request) -> Theme:
    """The theme that the query asks for, or this browser has chosen; else the system's."""
    named = (request.query_params.get("theme"), request.cookies.get(THEME_COOKIE))
    return next((theme for name in named for theme in THEMES if theme == name), "auto")


def local(path: str) -> str:
    """`path` where it is one of this hub's own pages, else the first page: nobody is led elsewhere."""
    safe = path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path
    return path if safe else "/"


async def visitor(hall: Hall, user: User | None, request: Request) -> Visit:
    """The visit of `user`, or of everybody."""
    if user is not None:
        return Visit(hall, request, await caller(hall.store, user), hall.clock())
    sites = await hall.store.sites() if hall.look.public else []
    reading: frozenset[Scope] = frozenset({"read"})
    return Visit(hall, request, Caller(EVERYBODY, {site.id: "viewer" for site in sites}, False, reading), hall.clock())
