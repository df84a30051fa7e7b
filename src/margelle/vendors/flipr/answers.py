"""Answers in the face's shapes, as ASP.NET writes them: always a JSON object or list, since clients look for `Message` without asking."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from margelle.errors import MargelleError
from margelle.vendors import failure as failures
from margelle.vendors.failure import answered

DENIED: Final = "Authorization has been denied for this request."
_JSON: Final = "application/json; charset=utf-8"


def success(body: Any) -> Response:
    """200 with a wire type, or a list of them, as JSON."""
    return answered(body, media_type=_JSON)


def failure(status: int, what: str, wait_s: float | None = None, **headers: str) -> Response:
    """An error."""
    return answered({"Message": what}, status, wait_s=wait_s, media_type=_JSON, **headers)


def failure_of(error: MargelleError) -> Response:
    """What one of our own errors is to a client."""
    said = failures.failure_of(error)
    if said.status == 401:
        return failure(401, DENIED, www_authenticate="Bearer")
    return failure(*said)
