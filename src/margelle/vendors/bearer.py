"""Asking a cloud as one account, with its access token, and with another one when that is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from msgspec.structs import replace

from margelle.errors import Refused
from margelle.phrase import Phrase
from margelle.ports import Answer, Http, Request, Token, Tokens
from margelle.vendors.answer import refusal
from margelle.vendors.token import SIGN_IN_AGAIN


class Bearer:
    """One account's way to its cloud at `base_url`: `headers` go with every request, `renew` gets another token.

    `scheme` is the word before the token in the header Authorization, `prefix` goes before every path.
    """

    def __init__(
        self,
        base_url: str,
        http: Http,
        tokens: Tokens,
        renew: Callable[[Http, str, Token], Awaitable[Token]],
        headers: Mapping[str, str],
        *,
        scheme: str = "Bearer",
        prefix: str = "",
    ) -> None:
        self._base_url, self._prefix = base_url.rstrip("/"), prefix
        self._http, self._tokens, self._renew = http, tokens, renew
        self._headers, self._scheme = headers, scheme

    async def ask(
        self, name: str, method: Literal["GET", "PUT", "POST"], path: str, query: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """The answer, whatever its status but 401: one request, or two and a renewal where the token is refused. Raises Refused."""
        request = Request(name, method, f"{self._base_url}{self._prefix}{path}", query)
        answer = await self._once(request)
        if answer.status == 401:
            answer = await self._once(request)
        if answer.status == 401:
            raise Refused(
                "The cloud refuses every access token that it gives.",
                hint=SIGN_IN_AGAIN,
                phrase=Phrase("token.useless"),
            )
        return answer

    async def get(self, name: str, path: str, query: tuple[tuple[str, str], ...] = ()) -> Answer:
        """The answer with status 200; every other one is raised as what it means."""
        answer = await self.ask(name, "GET", path, query)
        if answer.status != 200:
            raise refusal(answer)
        return answer

    async def _once(self, request: Request) -> Answer:
        access = await self._tokens.access(self._renewed)
        headers = {"Authorization": f"{self._scheme} {access}", **self._headers}
        answer = await self._http.ask(replace(request, headers=headers))
        if answer.status == 401:
            await self._tokens.reject(access)
        return answer

    async def _renewed(self, token: Token) -> Token:
        return await self._renew(self._http, self._base_url, token)
