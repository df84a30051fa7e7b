"""What the OAuth2 endpoints of all faces answer where they refuse, and how a time to wait is written."""

from __future__ import annotations

import math
from typing import Final

import msgspec
from starlette.responses import Response

NOT_KEPT: Final = {"cache-control": "no-store", "pragma": "no-cache"}


def refusal(error: str, description: str, status: int = 400, wait_s: float | None = None) -> Response:
    """An error of OAuth2 (RFC 6749, 5.2): clients read both words."""
    headers = dict(NOT_KEPT) if wait_s is None else {**NOT_KEPT, "retry-after": seconds(wait_s)}
    body = msgspec.json.encode({"error": error, "error_description": description})
    return Response(body, status, headers, "application/json")


def seconds(wait_s: float) -> str:
    """A time to wait, in whole seconds, at least one."""
    return str(max(1, math.ceil(wait_s)))
