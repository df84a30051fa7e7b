"""Answers in the face's shapes: JSON only (2.3), and never compressed. How an error looks is not documented: an object with `error` and `message`."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
from starlette.responses import Response

from margelle.errors import BadInput, Conflict, Limited, Malformed, MargelleError, NotFound, Refused, StoreError

RETRY_AFTER_S: Final = 30
"""When to come back where we do not know."""

_STATUS: Final[tuple[tuple[type[MargelleError], int], ...]] = (
    (BadInput, 400),
    (Conflict, 400),
    (Refused, 401),
    (NotFound, 404),
    (Limited, 429),
    (Malformed, 502),
)
_JSON: Final = "application/json"
_WORDS: Final = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    429: "too_many_requests",
    502: "bad_gateway",
    503: "unavailable",
}


def success(body: Any) -> Response:
    """200 with a wire type as JSON."""
    return Response(msgspec.json.encode(body), media_type=_JSON)


def failure(status: int, what: str, *, wait_s: float | None = None, allow: str = "") -> Response:
    """An error; the caller may come again after `wait_s` seconds."""
    headers = {"allow": allow} if allow else {}
    if wait_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(wait_s)))
    return Response(
        msgspec.json.encode({"error": _WORDS.get(status, "error"), "message": what}), status, headers, _JSON
    )


def failure_of(error: MargelleError) -> Response:
    """What one of our own errors is to a client. The operator's troubles are not the client's to read."""
    if isinstance(error, StoreError):
        return failure(503, "The store cannot answer now.", wait_s=error.retry_after_s or RETRY_AFTER_S)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    return failure(status, str(error), wait_s=(error.retry_after_s or RETRY_AFTER_S) if status in {429, 503} else None)


def options(methods: tuple[str, ...]) -> Response:
    """What may be done here."""
    return Response(status_code=204, headers={"allow": ", ".join(methods)})
