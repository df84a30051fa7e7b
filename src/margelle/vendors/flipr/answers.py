"""Answers in the face's shapes, as ASP.NET writes them: always a JSON object or list, since clients look for `Message` without asking."""

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
DENIED: Final = "Authorization has been denied for this request."
_JSON: Final = "application/json; charset=utf-8"

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
    """An error. Headers are named with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(msgspec.json.encode({"Message": what}), status, named, _JSON)


def failure_of(error: MargelleError) -> Response:
    """What one of our own errors is to a client. The operator's troubles are not the client's to read."""
    if isinstance(error, StoreError):
        return failure(503, "The store cannot answer now.", retry_after=seconds(error.retry_after_s or RETRY_AFTER_S))
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    if status == 401:
        return failure(401, DENIED, www_authenticate="Bearer")
    if status == 503:
        return failure(503, str(error), retry_after=seconds(error.retry_after_s or RETRY_AFTER_S))
    return failure(status, str(error))
