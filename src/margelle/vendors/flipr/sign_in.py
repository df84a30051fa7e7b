"""Signing in at Flipr's cloud: the login of the phone's app for a token that lasts 270 days ("Récupération du token").

The document shows the request in a picture that is lost; its fields are those that every public client sends.
"""

from __future__ import annotations

from typing import Final

from margelle.errors import Refused, Unavailable
from margelle.phrase import Phrase
from margelle.ports import Http, Request, Token
from margelle.vendors.answer import said
from margelle.vendors.flipr import wire
from margelle.vendors.login import LoginOnly
from margelle.vendors.token import SIGN_IN_AGAIN, token_of

TOKEN_PATH: Final = "/OAuth2/token"  # noqa: S105
TOKEN_LIFE_S: Final = 23_327_999.0
"""How long an access token is good for where the cloud does not say: what it has always said."""

SUSPENDED: Final = "Flipr has shut out home automation before, for days: the login may still be good."
WRONG_LOGIN: Final = "Use the e-mail and password of the Flipr app."


class FliprConnector(LoginOnly):
    """Signs a user in, once, to get the account's first token. The password is not kept."""

    no_page = "Flipr has no sign-in by browser."
    instead = "Give the e-mail of the Flipr app with --login."

    async def sign_in(self, login: str, password: str) -> Token:
        """The token for a login. Raises Refused."""
        form = (("grant_type", "password"), ("username", login), ("password", password))
        return await _token(self._http, self._base_url, form, hint=WRONG_LOGIN)


async def renewed(http: Http, base_url: str, token: Token) -> Token:
    """Another access token, by the refresh token. Raises Refused where there is none."""
    if not token.refresh:
        raise Refused(
            "The token has expired, and the cloud gave none to renew it with.",
            hint=SIGN_IN_AGAIN,
            phrase=Phrase("login.over"),
        )
    form = (("grant_type", "refresh_token"), ("refresh_token", token.refresh))
    return await _token(http, base_url, form, kept=token.refresh)


async def _token(
    http: Http, base_url: str, form: tuple[tuple[str, str], ...], kept: str = "", hint: str = SIGN_IN_AGAIN
) -> Token:
    headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
    answer = await http.ask(
        Request("token", "POST", f"{base_url}{TOKEN_PATH}", form=form, headers=headers, redirects=False)
    )
    if answer.status == 403:  # a wrong login is 400
        what = said(answer.body)
        phrase = Phrase("flipr.suspended", {"said": what})
        raise Unavailable(f"The cloud answered 403: {what}", hint=SUSPENDED, phrase=phrase)
    return token_of(answer, wire.TokenAnswer, life_s=TOKEN_LIFE_S, kept=kept, hint=hint)
