"""Who calls: a key, a login, or a browser that has signed in at the pages; what they may do, and how often."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from starlette.requests import Request

from margelle.domain.access import Scope
from margelle.domain.site import User
from margelle.errors import Limited, Refused
from margelle.ports import Clock, Grant, Rate, Siblings, Store
from margelle.serve.caller import EVERYTHING, Caller, caller
from margelle.serve.keys import BEFORE_SCOPES
from margelle.serve.quota import SharedWindows
from margelle.serve.sign_in import FaceDesk

if TYPE_CHECKING:
    from margelle.serve.pages.session import Sessions

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_CALLERS: Final = 4096


class Allowance(Struct, frozen=True):
    """How a caller's quota stands: `most` requests in `window_s` seconds, of which so many are `left`."""

    most: int
    window_s: int
    left: int

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers tells it."""
        policy = {"ratelimit-policy": f'"api";q={self.most};w={self.window_s}'}
        return policy | {"ratelimit": f'"api";r={self.left};t={self.window_s}'}


class Admission(Struct, frozen=True):
    """Who calls, and the headers that tell of their quota; where a key speaks for them, what was granted with it. `count` counts one more request of theirs, and may raise Limited."""

    caller: Caller
    headers: Mapping[str, str]
    grant: Grant | None
    count: Callable[[], Mapping[str, str]]


class Visitors:
    """Recognises callers, and counts them; a quota of 0 is none. `sessions` are those of the pages, if there are pages."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        desk: FaceDesk,
        sessions: Sessions | None,
        requests_per_minute: int,
        *,
        siblings: Siblings | None = None,
    ) -> None:
        self._store, self._clock, self._desk, self._sessions = store, clock, desk, sessions
        self._rate = Rate(requests_per_minute, 60)
        self._windows = SharedWindows([self._rate], "api", siblings) if requests_per_minute else None
        self._callers: dict[tuple[str, frozenset[Scope]], Caller] = {}  # true of the store's version
        self._version = -1

    async def admit(self, request: Request) -> Admission:
        """Who calls, counted. Raises Refused, Forbidden and Limited."""
        user, grant = await self._known(request)
        count = partial(self._counted, grant.digest if grant else user.email)
        headers = count()
        return Admission(await self.caller(user, _scopes(grant)), headers, grant, count)

    async def caller(self, user: User, scopes: frozenset[Scope]) -> Caller:
        """A user as they are now."""
        version = await self._store.version(but_points=True)
        if version != self._version or len(self._callers) >= _MOST_CALLERS:
            self._callers.clear()
            self._version = version
        found = self._callers.get((user.email, scopes))
        if found is None:
            found = await caller(self._store, user, scopes)
            if version == self._version:
                self._callers[user.email, scopes] = found
        return found

    async def again(self, request: Request) -> Caller:
        """Who a long request is from, asked anew and not counted. Raises Refused."""
        user, grant = await self._known(request)
        return await self.caller(user, _scopes(grant))

    async def _known(self, request: Request) -> tuple[User, Grant | None]:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            held = await self._desk.held("access", given.strip())
            if held is None:
                raise Refused("The token is nobody's, or has expired.", hint="`margelle user token` makes one.")
            return held
        if scheme.lower() == "basic":
            return await self._by_login(request, given)
        if not scheme and self._sessions is not None and (user := await self._sessions.user(request)) is not None:
            if request.method not in _SAFE:
                self._sessions.demand_own_form(request)
            return user, None
        raise Refused("Nobody has signed in.", hint="Send Authorization: Bearer TOKEN, or a login by Basic.")

    async def _by_login(self, request: Request, given: str) -> tuple[User, Grant | None]:
        """By a login and its password, or a key in the password's place: for programs that know only logins, and quick."""
        login, password = _login(given)
        held = await self._desk.held("access", password)
        if held is not None and held[0].email.casefold() == login.strip().casefold():
            return held
        return await self._desk.sign_in(login, password, request.client.host if request.client else ""), None

    def _counted(self, who: str) -> dict[str, str]:
        if self._windows is None:
            return {}
        now = self._clock()
        wait_s = self._windows.wait_s(who, now)
        if wait_s is not None:
            raise Limited(
                f"More than {self._rate.requests} requests in a minute.", hint="Wait a while.", retry_after_s=wait_s
            )
        self._windows.add(who, now)
        return Allowance(self._rate.requests, 60, self._windows.left(who, now)).headers()


def _scopes(grant: Grant | None) -> frozenset[Scope]:
    if grant is None:
        return EVERYTHING
    return frozenset(grant.scopes or BEFORE_SCOPES)


def _login(given: str) -> tuple[str, str]:
    try:
        login, colon, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise Refused("The login could not be read.")
    return login, password
