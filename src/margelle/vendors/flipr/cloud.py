"""Asking Flipr's cloud as one account."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from margelle.domain.site import Account
from margelle.errors import Refused
from margelle.ports import Answer, Http, Tokens
from margelle.vendors.answer import refusal, said
from margelle.vendors.bearer import Bearer
from margelle.vendors.flipr.sign_in import renewed

HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json", "Cache-Control": "no-cache"}
"""The document asks for the content type, misspelt, on every request."""

SUSPENDED: Final = "Flipr has shut out home automation before, for days: the login may still be good."


class Cloud:
    """One account's way to its cloud: one request, or two and a renewal where the access token is refused."""

    def __init__(self, base_url: str, account: Account, http: Http, tokens: Tokens) -> None:
        self._bearer = Bearer(account.base_url or base_url, http, tokens, renewed, HEADERS)

    async def get(self, name: str, path: str) -> Answer:
        """The answer with status 200; every other one is raised as what it means."""
        answer = await self._bearer.ask(name, "GET", path)
        if answer.status == 403:
            raise Refused(f"The cloud answered 403: {said(answer.body)}", hint=SUSPENDED)
        if answer.status != 200:
            raise refusal(answer)
        return answer


def path_of(serial: str) -> str:
    """The path of a module, whose serial is the cloud's word."""
    return f"/modules/{quote(serial, safe='')}"
