"""Asking a cloud as one account, with its access token, and with another one when that is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from msgspec.structs import replace

from margelle.errors import Refused
from margelle.ports import Answer, Http, Request, Token, Tokens
from margelle.vendors.token import SIGN_IN_AGAIN


class Bearer:
    """One account's way to its cloud: `headers` go with every request, `renew` gets another token."""

    def __init__(
        self, http: Http, tokens: Tokens, headers: Mapping[str, str], renew: Callable[[Token], Awaitable[Token]]
    ) -> None:
        self._http, self._tokens, self._headers, self._renew = http, tokens, headers, renew

    async def ask(
        self, name: str, method: Literal["GET", "PUT", "POST"], url: str, query: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """The answer, whatever its status but 401: one request, or two and a renewal where the token is refused. Raises Refused."""
        request = Request(name, method, url, query)
        answer = await self._once(request)
        if answer.status == 401:
            answer = await self._once(request)
        if answer.status == 401:
            raise Refused("The cloud refuses every access token that it gives.", hint=SIGN_IN_AGAIN)
        return answer

    async def _once(self, request: Request) -> Answer:
        access = await self._tokens.access(self._renew)
        headers = {"Authorization": f"Bearer {access}", **self._headers}
        answer = await self._http.ask(replace(request, headers=headers))
        if answer.status == 401:
            await self._tokens.reject(access)
        return answer
