"""Signing in at a cloud that knows logins only, and gives nothing that could be renewed."""

from __future__ import annotations

from typing import ClassVar

from margelle.errors import BadInput, Refused
from margelle.phrase import Phrase
from margelle.ports import Http, Token
from margelle.vendors.token import SIGN_IN_AGAIN


class LoginOnly:
    """A connector without a page: what is to be said of that is `no_page` and, how to sign in instead, `instead`."""

    no_page: ClassVar[str] = "This cloud has no page to sign in with a browser."
    instead: ClassVar[str] = "Give the login with --login."

    def __init__(self, base_url: str, http: Http) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = http

    def authorize_url(self, redirect_uri: str, state: str) -> str:  # noqa: ARG002
        """Raises BadInput."""
        raise BadInput(self.no_page, hint=self.instead, phrase=Phrase("login.no_page"))

    async def redeem(self, code: str, redirect_uri: str) -> Token:  # noqa: ARG002
        """Raises BadInput: without such a page there are no codes."""
        raise BadInput(self.no_page, hint=self.instead, phrase=Phrase("login.no_page"))


async def never_renewed(_http: Http, _base_url: str, _token: Token) -> Token:
    """Raises Refused: only another sign-in helps."""
    raise Refused(
        "The cloud no longer takes what it was given or gave at the sign-in.",
        hint=SIGN_IN_AGAIN,
        phrase=Phrase("login.over"),
    )
