"""Answers in the face's shapes: JSON only, and never compressed, since openHAB and Jeedom ask for gzip and cannot read it."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from margelle.errors import MargelleError
from margelle.vendors import failure as failures
from margelle.vendors.failure import answered

_LIMITED: Final = b'{"message":"Limit Exceeded"}'
"""These very bytes: IPSymcon's module compares them."""


def success(body: Any) -> Response:
    """200 with a wire type, or a list of them, as JSON."""
    return answered(body)


def failure(status: int, what: str, wait_s: float | None = None, **headers: str) -> Response:
    """An error of the customer API; its message has no bare apostrophe, as the cloud's has none."""
    body = msgspec.json.encode({"error": {"message": what}}).replace(b"'", b"\\u0027")
    return answered(body, status, wait_s=wait_s, **headers)


def failure_of(error: MargelleError) -> Response:
    """What one of our own errors is to a client of the customer API."""
    said = failures.failure_of(error)
    if said.status == 401:
        return failure(401, said.what, www_authenticate='Bearer error="invalid_token"')
    return failure(*said)


def limited(status: int, wait_s: float) -> Response:
    """Beyond the quota."""
    return answered(_LIMITED, status, wait_s=wait_s)


def options(*methods: str) -> Response:
    """What may be done here."""
    return Response(status_code=204, headers={"allow": ", ".join(methods)})
