"""Signing in at Ondilo's cloud: OAuth 2.0 (RFC 6749) with an authorization code, for a public client without a secret.

The vendor's document says only "authentication service"; paths, client and form are those that every public client uses.
"""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import parse_qsl, urlencode

from margelle.errors import Malformed, Refused, Unavailable
from margelle.ports import Answer, Http, Request, Token
from margelle.vendors.answer import refusal
from margelle.vendors.ondilo import wire
from margelle.vendors.token import SIGN_IN_AGAIN, token_of

AUTHORIZE_PATH: Final = "/oauth2/authorize"
TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105
CLIENT_ID: Final = "customer_api"
SCOPE: Final = "api"

REDIRECT_URI: Final = "http://localhost/margelle"
"""Where the cloud would send a browser after `sign_in`; nobody goes there, we only read the address."""

TOKEN_LIFE_S: Final = 3600.0
"""How long an access token is good for when the cloud does not say."""

WRONG_ACCOUNT: Final = "Use the e-mail and password of the Ondilo app; those of the web shop are others."


class OndiloConnector:
    """Signs a user in, once, to get the account's first token."""

    def __init__(self, base_url: str, http: Http) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = http

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        """Where the user signs in with a browser."""
        return f"{self._base_url}{AUTHORIZE_PATH}?{urlencode(_authorization(redirect_uri, state))}"

    async def redeem(self, code: str, redirect_uri: str) -> Token:
        """The token for a code that came back to `redirect_uri`."""
        form = {"grant_type": "authorization_code", "client_id": CLIENT_ID, "code": code, "redirect_uri": redirect_uri}
        return await _token(self._http, self._base_url, form)

    async def sign_in(self, login: str, password: str) -> Token:
        """The token for a login, by filling in the cloud's form. Raises Refused."""
        state = secrets.token_urlsafe(16)
        answer = await self._http.ask(
            Request(
                name="authorize",
                method="POST",
                url=f"{self._base_url}{AUTHORIZE_PATH}",
                query=tuple(_authorization(REDIRECT_URI, state)),
                form=(("login", login), ("password", password), ("locale", "en"), ("proceed", "Authorize")),
                redirects=False,
            )
        )
        return await self.redeem(_code(answer, state), REDIRECT_URI)


async def renewed(http: Http, base_url: str, token: Token) -> Token:
    """Another access token. Ondilo's refresh tokens last for ever: the one we have is kept where none comes with the answer."""
    if not token.refresh:
        raise Refused("The account has no refresh token.", hint=SIGN_IN_AGAIN)
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": token.refresh}
    return await _token(http, base_url, form, kept=token.refresh)


def _authorization(redirect_uri: str, state: str) -> list[tuple[str, str]]:
    return [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", redirect_uri),
        ("scope", SCOPE),
        ("state", state),
    ]


def _code(answer: Answer, state: str) -> str:
    """The code in the address to which the cloud would send the browser. A form shown again means that the login is wrong."""
    if answer.status in {200, 401, 403}:
        raise Refused("The cloud refused the login.", hint=WRONG_ACCOUNT)
    if answer.status not in {302, 303}:
        raise refusal(answer)
    given = dict(parse_qsl(answer.headers.get("location", "").partition("?")[2].partition("#")[0]))
    if "error" in given:
        raise _not_authorized(given["error"])
    if given.get("state") != state or not given.get("code"):
        raise Malformed("The cloud sent the browser on without the code or the state that belong to this sign-in.")
    return given["code"]


def _not_authorized(error: str) -> Exception:
    """RFC 6749, 4.1.2.1: what went wrong at the authorization endpoint."""
    if error in {"server_error", "temporarily_unavailable"}:
        return Unavailable(f"The cloud cannot sign anybody in now ({error}).")
    return Refused(f"The cloud refused the login ({error[:40]}).", hint=WRONG_ACCOUNT)


async def _token(http: Http, base_url: str, form: dict[str, str], kept: str = "") -> Token:
    answer = await http.ask(
        Request(
            name="token",
            method="POST",
            url=f"{base_url}{TOKEN_PATH}",
            form=tuple(form.items()),
            headers={"Accept": "application/json"},
            redirects=False,
        )
    )
    return token_of(answer, wire.TokenAnswer, life_s=TOKEN_LIFE_S, kept=kept)
