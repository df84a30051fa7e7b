"""Answers in the face's shapes: JSON only, and never compressed, since openHAB and Jeedom ask for gzip and cannot read it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from margelle.errors import (
    BadInput,
    Conflict,
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

RETRY_AFTER_S: Final = 30
_JSON: Final = "application/json"
_LIMITED: Final = b'{"message":"Limit Exceeded"}'
"""These very bytes: IPSymcon's module compares them."""

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


def success(body: Any) -> Response:
    """200 with a wire type, or a list of them, as JSON."""
    return Response(msgspec.json.encode(body), media_type=_JSON)


def failure(status: int, what: str, **headers: str) -> Response:
    """An error of the customer API; its message has no bare apostrophe, as the cloud's has none. Headers are named with `_` for `-`."""
    body = msgspec.json.encode({"error": {"message": what}}).replace(b"'", b"\\u0027")
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()}, _JSON)


def failure_of(error: MargelleError) -> Response:
    """What one of our own errors is to a client of the customer API. The operator's troubles are not the client's to read."""
    if isinstance(error, StoreError):
        return failure(503, "The store cannot answer now.", retry_after=seconds(error.retry_after_s or RETRY_AFTER_S))
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    if status == 401:
        return failure(401, str(error), www_authenticate='Bearer error="invalid_token"')
    if status == 503:
        return failure(503, str(error), retry_after=seconds(error.retry_after_s or RETRY_AFTER_S))
    return failure(status, str(error))


def limited(status: int, wait_s: float) -> Response:
    """Beyond the quota."""
    return Response(_LIMITED, status, {"retry-after": seconds(wait_s)}, _JSON)


def options(*methods: str) -> Response:
    """What may be done here."""
    return Response(status_code=204, headers={"allow": ", ".join(methods)})
