"""What the faces of all vendors have in common."""

from __future__ import annotations

import math
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from margelle.domain.site import User
from margelle.errors import (
    BadInput,
    Conflict,
    Limited,
    Malformed,
    MargelleError,
    NotFound,
    Refused,
    Unavailable,
    Unreachable,
)
from margelle.ports import Reader

RETRY_AFTER_S: Final = 30
"""When to come back where we do not know."""

LARGEST_FORM: Final = 64 << 10
"""In bytes."""

_STATUS: Final[tuple[tuple[type[MargelleError], int], ...]] = (
    (BadInput, 400),
    (Conflict, 400),
    (Refused, 401),
    (NotFound, 404),
    (Malformed, 502),
    (Limited, 503),
    (Unavailable, 503),
    (Unreachable, 503),
)


def status_of(error: MargelleError) -> int:
    """The HTTP status that one of our own errors has on a face."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def seconds(wait_s: float) -> str:
    """A time to wait as a Retry-After header has it."""
    return str(max(1, math.ceil(wait_s)))


async def body(receive: Receive, largest: int = LARGEST_FORM) -> bytes:
    """A request's whole body. Raises BadInput for one larger than any form, ClientDisconnect where the rest will not come."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":  # half a form is no form
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > largest:
            raise BadInput("The form is too large.")
        more = message.get("more_body", False)
    return b"".join(chunks)


async def demand_discovery(reader: Reader, user: User) -> None:
    """Raises Unavailable where a user has nothing because nothing was collected yet, or it is doubted: clients delete what they had when they are told an empty list."""
    accounts = await reader.accounts(user.email)
    if not accounts:
        raise Unavailable("Nothing is collected for this user yet.", hint="Add an account on the hub.")
    for account in accounts:  # where something is wrong, that there is nothing may be wrong too
        if account.discovered_at is None or await reader.incidents(account.id, open_only=True):
            raise Unavailable("What this user has has not been collected yet.")
