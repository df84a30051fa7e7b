"""Answers in the face's shapes: JSON only, and never compressed, since openHAB and Jeedom ask for gzip and cannot read it."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
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
        return failure(503, "The store cannot answer now.", retry_after=_seconds(error.retry_after_s or RETRY_AFTER_S))
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if status == 401:
        return failure(401, str(error), www_authenticate='Bearer error="invalid_token"')
    if status == 503:
        return failure(503, str(error), retry_after=_seconds(error.retry_after_s or RETRY_AFTER_S))
    return failure(status, str(error))


def limited(status: int, wait_s: float) -> Response:
    """Beyond the quota."""
    return Response(_LIMITED, status, {"retry-after": _seconds(wait_s)}, _JSON)


def refusal(error: str, description: str, status: int = 400, wait_s: float | None = None) -> Response:
    """An error of OAuth2 (RFC 6749, 5.2): clients read both words."""
    headers = dict(NOT_KEPT) if wait_s is None else {**NOT_KEPT, "retry-after": _seconds(wait_s)}
    return Response(msgspec.json.encode({"error": error, "error_description": description}), status, headers, _JSON)


NOT_KEPT: Final = {"cache-control": "no-store", "pragma": "no-cache"}


def options(*methods: str) -> Response:
    """What may be done here."""
    return Response(status_code=204, headers={"allow": ", ".join(methods)})


class Kept:
    """Answers for as long as they are true: until the store changes, and for a second at most, since windows move with the clock."""

    LIFE: Final = timedelta(seconds=1)
    MOST_BYTES: Final = 4 << 20

    def __init__(self) -> None:
        self._answers: dict[Any, tuple[datetime, Response]] = {}
        self._version: int | None = None
        self._bytes = 0

    def get(self, version: int, key: Any, now: datetime) -> Response | None:
        """The answer kept under `key`, if it is true at `now`."""
        if version != self._version:
            self._forget(version)
            return None
        made_at, answer = self._answers.get(key, (None, None))
        return answer if made_at is not None and made_at <= now < made_at + self.LIFE else None

    def put(self, version: int, key: Any, now: datetime, answer: Response) -> None:
        """Keep an answer that was read from the store at `version`."""
        if version != self._version:
            return
        self._bytes += len(answer.body) + 500
        if self._bytes > self.MOST_BYTES:
            self._forget(version)
        self._answers[key] = now, answer

    def _forget(self, version: int) -> None:
        self._answers.clear()
        self._version, self._bytes = version, 0


def _seconds(wait_s: float) -> str:
    return str(max(1, math.ceil(wait_s)))
