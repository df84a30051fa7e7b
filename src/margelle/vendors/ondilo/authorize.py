"""The page on which a person signs in and lets a client in (RFC 6749, 4.1.1).

A program may post the form without having seen it, so it needs neither a cookie nor a hidden token.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from margelle.errors import BadInput, Limited, Refused
from margelle.ports import FaceContext
from margelle.vendors.form import body, pairs, parameters
from margelle.vendors.ondilo.answers import options
from margelle.vendors.ondilo.page import WORDS, Page, language
from margelle.vendors.ondilo.profile import Profile
from margelle.vendors.ondilo.redirect import Redirect, raw_value, redirect_to
from margelle.vendors.refusal import NOT_KEPT, refusal

CODE_LIFE_S: Final = 600.0
_METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")


class Wish(Struct, frozen=True):
    """What a client wants: its id, where to send the person back to, and the state as it wrote it, percent-encoding and all."""

    client_id: str
    redirect_uri: str
    target: Redirect
    state: str | None

    def back(self, name: Literal["code", "error"], value: str) -> str:
        """Where the person goes next. The code comes before the state: a client reads what is between the two."""
        state = () if self.state is None else (("state", self.state),)
        return self.target.with_answer((name, value), *state)


class AuthorizePage:
    """/oauth2/authorize, as an ASGI application."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._desk = context.desk
        self._profile = profile

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self._answer(_Visit(scope), receive)
        await answer(scope, receive, send)

    async def _answer(self, visit: _Visit, receive: Receive) -> Response:
        if visit.method == "OPTIONS":
            return options(*_METHODS)
        if visit.method not in _METHODS:
            answer = visit.refused("invalid_request", f"{visit.method[:20]} is not allowed here.", 405)
            answer.headers["allow"] = ", ".join(_METHODS)
            return answer
        try:
            if visit.method == "POST":
                visit.take(await body(receive))
            wish = _wish(visit, self._profile)
        except BadInput as error:
            return visit.refused("invalid_request", str(error))
        return await self._sign_in(visit, wish) if visit.method == "POST" else visit.form(wish)

    async def _sign_in(self, visit: _Visit, wish: Wish) -> Response:
        login, password = visit.given.get("login", ""), visit.given.get("password", "")
        try:
            user = await self._desk.sign_in(login, password, visit.address)
        except Limited as error:
            return visit.limited(wish, error)
        except Refused:
            if self._sends_back(visit):
                return _found(wish.back("error", "access_denied"))
            return visit.form(wish, 403, "refused")
        code = await self._desk.issue(
            "code", user.email, life_s=CODE_LIFE_S, redirect_uri=wish.redirect_uri, client_id=wish.client_id
        )
        return _found(wish.back("code", code))

    def _sends_back(self, visit: _Visit) -> bool:
        wanted = self._profile.refused_login
        return wanted == "redirect" or (wanted == "auto" and "text/html" not in visit.accept)


class _Visit:
    """One request, and the answers in the form that its sender can read: a page for a person, JSON for a program that asks for it."""

    def __init__(self, scope: Scope) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self.method: str = scope["method"]
        self.address: str = (scope.get("client") or ("",))[0]
        self.accept = headers.get(b"accept", "").lower()
        self.raw: list[str] = [scope["query_string"].decode("latin-1")]
        self.given: dict[str, str] = {}
        self._accept_language = headers.get(b"accept-language", "")

    def take(self, form: bytes) -> None:
        """Take what was posted too."""
        self.given = parameters(form)
        self.raw.append(form.decode("latin-1"))

    def asked(self) -> dict[str, str]:
        """The parameters, of which the query's win over the form's. Raises BadInput."""
        text = self.raw[0].encode("latin-1").decode("utf-8", "replace")
        return self.given | dict(pairs(text))

    def form(self, wish: Wish, status: int = 200, trouble: str = "") -> Response:
        """The form, with what went wrong before."""
        page = self._page()
        return page.form(
            wish.target.host, wish.back("error", "access_denied"), self.given.get("login", ""), status, trouble
        )

    def limited(self, wish: Wish, error: Limited) -> Response:
        """Too many were refused."""
        if self._wants_json or "text/html" not in self.accept:
            return refusal("temporarily_unavailable", error.what, 429, error.retry_after_s or 60)
        answer = self.form(wish, 429, "limited")
        answer.headers["retry-after"] = str(int(error.retry_after_s or 60) + 1)
        return answer

    def refused(self, error: str, description: str, status: int = 400) -> Response:
        """The request makes no sense, so there is no client to send anybody back to."""
        if self._wants_json:
            return refusal(error, description, status)
        return self._page().trouble(description, status)

    @property
    def _wants_json(self) -> bool:
        return "application/json" in self.accept and "text/html" not in self.accept

    def _page(self) -> Page:
        try:
            locale = self.asked().get("locale", "")
        except BadInput:
            locale = ""
        locale = self.given.get("locale", locale)
        return Page(language(locale if locale in WORDS else "", self._accept_language), self.raw[0])


def _wish(visit: _Visit, profile: Profile) -> Wish:
    asked = visit.asked()
    missing = [name for name in ("response_type", "client_id", "redirect_uri") if not asked.get(name)]
    if missing:
        raise BadInput(f"The address lacks {', '.join(missing)}.")
    if asked["response_type"] != "code":
        raise BadInput("response_type must be code.")
    target = redirect_to(asked["redirect_uri"], profile.redirect_hosts)
    states = (raw_value(raw, "state") for raw in visit.raw)
    state = next((state for state in states if state is not None), None)
    return Wish(asked["client_id"], asked["redirect_uri"], target, state)


def _found(location: str) -> Response:
    return Response(status_code=302, headers={**NOT_KEPT, "location": location, "referrer-policy": "no-referrer"})
