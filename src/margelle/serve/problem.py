"""Answers that say what went wrong: JSON, in the words of RFC 6749 (`error`, `error_description`), which OAuth2 clients read too."""

from __future__ import annotations

import math
from collections.abc import Mapping

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
)

RETRY_AFTER_S = 30
"""When to come back where we do not know."""

_STATUS: tuple[tuple[type[MargelleError], int], ...] = (
    (BadInput, 400),
    (Forbidden, 403),
    (Refused, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Limited, 429),
    (Malformed, 502),
)


_WORDS = {
    400: "invalid_request",
    401: "unauthorized",
    403: "access_denied",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "content_too_large",
    429: "too_many_requests",
    500: "server_error",
    502: "bad_gateway",
    503: "temporarily_unavailable",
}


def problem(
    status: int, description: str, *, error: str = "", headers: Mapping[str, str] | None = None, incident: str = ""
) -> Response:
    """An answer with this HTTP `status`; `error` is its name in one word, by default the status's usual one."""
    body = {"error": error or _WORDS.get(status, "error"), "error_description": description}
    if incident:
        body["incident"] = incident
    return Response(msgspec.json.encode(body), status, dict(headers or {}), "application/json")


def of_error(error: MargelleError) -> Response:
    """The answer that one of our own errors means, where a face has no other. The operator's troubles are not the client's to read."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    if isinstance(error, StoreError):
        return unavailable("The store cannot answer now.", error.retry_after_s)
    if status == 503:
        return unavailable(str(error), error.retry_after_s)
    return problem(status, str(error), headers=_retry(error.retry_after_s) if status == 429 else None)


def unavailable(description: str, retry_after_s: float | None = None) -> Response:
    """503, and when to come back."""
    return problem(503, description, headers=_retry(retry_after_s))


def _retry(after_s: float | None) -> dict[str, str]:
    return {"retry-after": str(max(1, math.ceil(RETRY_AFTER_S if after_s is None else after_s)))}
