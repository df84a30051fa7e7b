"""What the OAuth2 endpoints of all faces answer where they refuse, and how a time to wait is written."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from starlette.responses import Response

NOT_KEPT: Final = {"cache-control": "no-store", "pragma": "no-cache"}


def refusal(error: str, description: str, status: int = 400, wait_s: float | None = None) -> Response:
    """An error of OAuth2 (RFC 6749, 5.2): clients read both words."""
    headers = dict(NOT_KEPT) if wait_s is None else {**NOT_KEPT, "retry-after": seconds(wait_s)}
    body = msgspec.json.encode({"error": error, "error_description": description})
    return Response(body, status, headers, "application/json")


async def granted(
    form: dict[str, str], grants: Mapping[str, Callable[[dict[str, str]], Awaitable[Response]]]
) -> Response:
    """What the grant that a form asks for answers, by its grant_type (RFC 6749, 4)."""
    kind = form.get("grant_type", "")
    if not kind:
        return refusal("invalid_request", "The parameter grant_type is missing.")
    if kind not in grants:
        return refusal("unsupported_grant_type", f"grant_type must be {' or '.join(grants)}.")
    return await grants[kind](form)


def not_posted(allow: str) -> Response:
    """What a token endpoint says to other methods than those of `allow`."""
    answer = refusal("invalid_request", "The token endpoint is for POST.", 405)
    answer.headers["allow"] = allow
    return answer


def seconds(wait_s: float) -> str:
    """A time to wait, in whole seconds, at least one."""
    return str(max(1, math.ceil(wait_s)))
