"""What one of our own errors is to a client of a face, whatever shape that face gives it; and JSON as faces send it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from starlette.responses import Response

from margelle.errors import (
    BadInput,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    MargelleError,
    NotFound,
    Refused,
    StoreError,
    Unavailable,
    Unreachable,
)
from margelle.vendors.refusal import seconds

RETRY_AFTER_S: Final = 30.0
"""When to come back where nobody knows."""


class OverQuota(Limited):
    """The client has used up what the face allows each user."""


STATUS: Final[tuple[tuple[type[MargelleError], int], ...]] = (
    (BadInput, 400),
    (Conflict, 400),
    (Forbidden, 403),
    (Refused, 401),
    (NotFound, 404),
    (OverQuota, 429),
    (Malformed, 502),
    (Limited, 503),  # by the cloud behind us, which is nothing that the client did
    (Unavailable, 503),
    (Unreachable, 503),
)
"""The first that fits counts; 503 where none does: never a 500."""


class Failure(NamedTuple):
    """The status of the answer, what to say, and after how many seconds to come back, if that helps."""

    status: int
    what: str
    wait_s: float | None = None


def failure_of(error: MargelleError) -> Failure:
    """What to tell a client of `error`. The operator's troubles are not the client's to read."""
    wait_s = error.retry_after_s or RETRY_AFTER_S
    if isinstance(error, StoreError):
        return Failure(503, "The store cannot answer now.", wait_s)
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 503)
    return Failure(status, str(error), wait_s if status in {429, 503} else None)


def answered(
    body: Any, status: int = 200, *, wait_s: float | None = None, media_type: str = "application/json", **headers: str
) -> Response:
    """`body` as JSON, or its very bytes. Headers are named with `_` for `-`; `wait_s` becomes Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if wait_s is not None:
        named["retry-after"] = seconds(wait_s)
    return Response(body if isinstance(body, bytes) else msgspec.json.encode(body), status, named, media_type)
