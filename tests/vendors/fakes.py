"""Stand-ins for the doors behind which a vendor's client asks: they know no wire format."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import urlencode

from margelle.ports import Answer, Request, Spending, Token
from tests.conftest import NOW

Script = Answer | Exception | Callable[[Request], Answer]


def answer(body: bytes | str = b"", status: int = 200, at: datetime = NOW, **headers: str) -> Answer:
    """An answer; headers are given with underscores."""
    raw = body.encode() if isinstance(body, str) else body
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw, at)


class FakeHttp:
    """Answers by what a request's URL ends with, in order and the last one for ever; keeps every request."""

    def __init__(self, **by_name: Script | list[Script]) -> None:
        self.requests: list[Request] = []
        self._by_name = {
            name: list(script) if isinstance(script, list) else [script] for name, script in by_name.items()
        }

    async def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        scripts = self._by_name[request.name.replace("/", "_")]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        if isinstance(script, Exception):
            raise script
        return script if isinstance(script, Answer) else script(request)

    def spending(self, now: datetime) -> Spending:
        """Without a limit."""
        return Spending()

    @property
    def targets(self) -> list[str]:
        """The method and target of every request, percent-encoded as a form is."""
        return [f"{one.method} {target(one)}" for one in self.requests]


def target(request: Request) -> str:
    """URL and query of a request."""
    return request.url + (f"?{urlencode(request.query)}" if request.query else "")


class FakeTokens:
    """Gives `access`; after a rejection it renews, and then gives what the cloud issued."""

    def __init__(self, access: str = "a-token", refresh: str = "r-token") -> None:
        self.token = Token(access, refresh)
        self.rejected: list[str] = []
        self.fresh = True

    async def access(self, renew: Callable[[Token], Awaitable[Token]]) -> str:
        if not self.fresh:
            self.token, self.fresh = await renew(self.token), True
        return self.token.access

    async def reject(self, access: str) -> None:
        self.rejected.append(access)
        self.fresh = False

    async def keep(self, token: Token) -> None:
        self.token, self.fresh = token, True
