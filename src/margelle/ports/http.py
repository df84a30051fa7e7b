"""Speaking HTTP with a vendor's cloud, and keeping its token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct, field

Clock = Callable[[], datetime]
"""Gives the instant: aware, in UTC. Nobody asks the time but through one."""


class Request(Struct, frozen=True):
    """An HTTP request to a vendor. `name` is the vendor's operation, as it stands in receipts and `status`.

    `query` and `form` are pairs in order, not yet percent-encoded; `form` is sent as application/x-www-form-urlencoded.
    `redirects` says whether to follow them. Nothing in `url` is secret. `act` is what the account's budget notes it is for: an act of the
    collector's plan, or nothing where a user acts.
    """

    name: str
    method: Literal["GET", "POST", "PUT"]
    url: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    redirects: bool = True
    act: str = ""


class Answer(Struct, frozen=True):
    """An HTTP answer, whatever its status. Header names are in lower case. `at` is when it had come whole."""

    status: int
    headers: dict[str, str]
    body: bytes
    at: datetime


class Http(Protocol):
    """Asks one account's cloud: within its request budget, with a receipt of every answer, and no secret in either."""

    async def ask(self, request: Request) -> Answer:
        """The whole answer. Raises Unreachable (none came, or it was cut or too large) and Limited (our own budget is used up)."""
        ...


class Spent(Struct, frozen=True, array_like=True):
    """One request of an account's budget, and what it was for (see `Request.act`)."""

    at: datetime
    act: str = ""


class Spending(Struct, frozen=True):
    """What an account's budget says at an instant: the requests of its longest window, oldest first, whoever made them.

    `full` is how many we allow ourselves in any `window_s` (None: any number); `allowed` is how many the cloud seems to bear, fewer after it
    refused one, at `refused_at`. Until `paused_until` nothing can be asked.
    """

    window_s: float = 3600.0
    full: int | None = None
    allowed: int | None = None
    spent: tuple[Spent, ...] = ()
    paused_until: datetime | None = None
    refused_at: datetime | None = None


class PacedHttp(Http, Protocol):
    """An `Http` that tells how its budget stands."""

    def spending(self, now: datetime) -> Spending:
        """How the budget stands. Raises StoreError where it cannot be read."""
        ...


class Token(Struct, frozen=True):
    """What a vendor's cloud gave for a login. `expires_at` is of the access token; None where it does not say."""

    access: str
    refresh: str = ""
    expires_at: datetime | None = None


class Tokens(Protocol):
    """Keeps one account's token, encrypted at rest."""

    async def access(self, renew: Callable[[Token], Awaitable[Token]]) -> str:
        """An access token that is still good for a while; calls `renew` when it is not, once, whoever asks meanwhile.

        Raises Refused where the account has no token, or `renew` was refused (until a new one is kept).
        """
        ...

    async def reject(self, access: str) -> None:
        """Say that the cloud refused `access`, so that the next `access()` renews it."""
        ...

    async def keep(self, token: Token) -> None:
        """Keep `token` from now on."""
        ...
