"""Answers that say what went wrong, as RFC 9457 has it: `application/problem+json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.responses import Response

from margelle.errors import BadInput, Conflict, Forbidden, Limited, MargelleError, NotFound, Refused, StoreError

RETRY_AFTER_S: Final = 30

_STATUS: Final[tuple[tuple[type[MargelleError], int], ...]] = (
    (BadInput, 400),
    (Forbidden, 403),
    (Refused, 401),
    (NotFound, 404),
    (Conflict, 409),
    (Limited, 429),
)


def details(
    status: int, detail: str = "", *, title: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """An answer with this status: `title` says what kind of problem it is (by default the status's own phrase), `detail` what it is here."""
    told = {"type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status}
    body = msgspec.json.encode({**told, **({"detail": detail} if detail else {}), **more})
    return Response(body, status, dict(headers or {}), "application/problem+json")


def of_error(error: MargelleError) -> Response:
    """The answer that one of our own errors means. The operator's troubles are not the client's to read."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    said = "The store cannot answer now." if isinstance(error, StoreError) else str(error)
    return details(status, said, headers=_headers(status, error.retry_after_s))


def _headers(status: int, wait_s: float | None) -> dict[str, str]:
    if status == 401:
        return {"www-authenticate": 'Bearer realm="margelle", Basic realm="margelle", charset="UTF-8"'}
    if status in {429, 503}:
        return {"retry-after": str(max(1, math.ceil(RETRY_AFTER_S if wait_s is None else wait_s)))}
    return {}
