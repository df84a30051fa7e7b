"""One path of a face: who asks, whether they may, and what becomes of what goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from margelle.domain.site import User
from margelle.errors import MargelleError, Refused, StoreError
from margelle.ports import Desk, FaceContext
from margelle.vendors.failure import OverQuota

_log: Final = logging.getLogger(__name__)


class Endpoint:
    """What `answer` returns, as an ASGI application: one hop less than a Starlette endpoint, and every method comes through.

    An error of ours that it raises is answered as `failure_of` says.
    """

    def __init__(
        self,
        answer: Callable[[Scope, Receive], Awaitable[Response]],
        failure_of: Callable[[MargelleError], Response],
    ) -> None:
        self._answer = answer
        self._failure_of = failure_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope, receive)
        except MargelleError as error:
            answer = self._failure_of(error)
            if isinstance(error, StoreError):
                _log.error("%s: %s", scope["path"], error)
        await answer(scope, receive, send)


async def holder(scope: Scope, desk: Desk, scheme: str = "bearer") -> User:
    """Whose token comes in the header Authorization, its scheme in any case. Raises Refused."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            said, _, token = value.decode("latin-1").strip().partition(" ")
            user = await desk.holder("access", token.strip()) if said.lower() == scheme else None
            if user is not None:
                return user
    raise Refused("The access token is missing, invalid or has expired.")


def count(context: FaceContext, user: User, now: datetime) -> None:
    """Count one request of a user. Raises OverQuota, and then it is not counted."""
    wait_s = context.quota.take(user.email, now)
    if wait_s is not None:
        raise OverQuota("Too many requests.", retry_after_s=wait_s)


def address(scope: Scope) -> str:
    """Where a request comes from; empty where that is not known."""
    return (scope.get("client") or ("",))[0]
