"""Asking Flipr's cloud as one account."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import quote

from margelle.domain.site import Account
from margelle.errors import Refused
from margelle.phrase import Phrase
from margelle.ports import Answer, Http, Tokens
from margelle.vendors.answer import refusal, said
from margelle.vendors.bearer import Bearer
from margelle.vendors.flipr.sign_in import SUSPENDED, renewed

HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json", "Cache-Control": "no-cache"}
"""The document asks for the content type, misspelt, on every request."""


class Cloud:
    """One account's way to its cloud: one request, or two and a renewal where the access token is refused."""

    def __init__(self, base_url: str, account: Account, http: Http, tokens: Tokens) -> None:
        self._bearer = Bearer(account.base_url or base_url, http, tokens, renewed, HEADERS)

    async def get(self, name: str, path: str) -> Answer:
        """The answer with status 200; every other one is raised as what it means."""
        return _good(await self._bearer.ask(name, "GET", path), {200})

    async def act(self, name: str, method: Literal["PUT", "POST"], path: str) -> Answer:
        """The answer to an act without a body, likewise; it may also be one of the other statuses that mean success."""
        return _good(await self._bearer.ask(name, method, path), {200, 201, 202, 204})


def _good(answer: Answer, statuses: set[int]) -> Answer:
    if answer.status == 403:
        what = said(answer.body)
        phrase = Phrase("flipr.suspended", {"said": what})
        raise Refused(f"The cloud answered 403: {what}", hint=SUSPENDED, phrase=phrase)
    if answer.status not in statuses:
        raise refusal(answer)
    return answer


def path_of(serial: str) -> str:
    """The path of a module, whose serial is the cloud's word."""
    return f"/modules/{quote(serial, safe='')}"
