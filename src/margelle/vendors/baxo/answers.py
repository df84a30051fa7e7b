"""Answers in the face's shapes: JSON only (2.3), and never compressed. How an error looks is not documented: an object with `error` and `message`."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from margelle.errors import Limited, MargelleError
from margelle.vendors import failure as failures
from margelle.vendors.failure import answered

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
    return answered(body)


def failure(status: int, what: str, *, wait_s: float | None = None, **headers: str) -> Response:
    """An error; the caller may come again after `wait_s` seconds."""
    return answered({"error": _WORDS.get(status, "error"), "message": what}, status, wait_s=wait_s, **headers)


def failure_of(error: MargelleError) -> Response:
    """What one of our own errors is to a client."""
    said = failures.failure_of(error)
    return failure(429 if isinstance(error, Limited) else said.status, said.what, wait_s=said.wait_s)


def options(methods: tuple[str, ...]) -> Response:
    """What may be done here."""
    return Response(status_code=204, headers={"allow": ", ".join(methods)})
