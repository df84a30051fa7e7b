"""Asking Ondilo's cloud as one account: the documented headers, the access token, and another one when it is refused."""

from __future__ import annotations

from typing import Final

from margelle.domain.site import Account
from margelle.errors import Conflict, Malformed
from margelle.ports import Answer, Http, Tokens
from margelle.vendors.answer import refusal
from margelle.vendors.bearer import Bearer
from margelle.vendors.ondilo.sign_in import renewed

PREFIX: Final = "/api/customer/v1"
"""General considerations, "URL prefix"."""

HEADERS: Final = {"Accept": "application/json", "Accept-Charset": "utf-8", "Accept-Encoding": "gzip, deflate"}
"""What every example of the document sends besides the token."""


class Cloud:
    """One account's way to its cloud. Every method is one request, or two and a renewal where the access token is refused."""

    def __init__(self, base_url: str, account: Account, http: Http, tokens: Tokens) -> None:
        self._bearer = Bearer(account.base_url or base_url, http, tokens, renewed, HEADERS, prefix=PREFIX)

    async def get(self, name: str, path: str, query: tuple[tuple[str, str], ...] = ()) -> Answer:
        """The answer with status 200; every other one is raised as what it means."""
        return await self._bearer.get(name, path, query)

    async def put(self, name: str, path: str) -> Answer:
        """Likewise; nothing is sent in the body. Raises Conflict where the cloud will not do it."""
        answer = await self._bearer.ask(name, "PUT", path)
        if answer.status != 200:
            error = refusal(answer)
            raise (
                Conflict(error.what, phrase=error.phrase)
                if answer.status == 400 and isinstance(error, Malformed)
                else error
            )
        return answer
