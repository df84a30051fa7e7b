"""How a right answer looks, whatever was asked."""

from __future__ import annotations

import json
from typing import Any

from tests.asgi import Response
from tests.fuzz.faces import Request

WELL = {200, 204, 302}
LONGEST = 400_000
"""In bytes: no answer here has reason to be longer."""

OAUTH = {"/oauth2/token", "/oauth2/authorize"}
"""Where errors are those of RFC 6749, in every face."""

TOO_LARGE = 413
"""Said at the hub's gate, where nobody has looked yet whose face is asked."""

AT_ALL = {"persona", "record"}
"""What may be written for whoever is refused: public ids of what they have, and the audit."""

SIGNED_IN = {"baxo": {"put_grant"}}
"""Likewise where the login was good: that it was."""


def judge(request: Request, answer: Response, written: list[str]) -> None:
    """Fails where an answer is not in its vendor's own shape, or something was stored for a request that was refused."""
    assert answer.status in WELL or 400 <= answer.status < 500, answer.text
    assert len(answer.body) < LONGEST
    for _, value in answer.header_list:
        assert value.isprintable()
    if answer.status < 400:
        return
    assert set(written) <= AT_ALL | SIGNED_IN.get(request.vendor, set())
    if request.method != "HEAD":
        _is_an_error(request, answer)


def _is_an_error(request: Request, answer: Response) -> None:
    kind = answer.headers["content-type"]
    if request.route == "/oauth2/authorize" and kind.startswith("text/html"):
        assert answer.body.startswith(b"<!doctype html>")
        return
    assert kind.startswith("application/json")
    said: Any = json.loads(answer.body)
    assert isinstance(said, dict)
    in_oauth = request.route.casefold() in OAUTH or answer.status == TOO_LARGE
    assert _SHAPES[request.vendor](said) or (in_oauth and _is_oauth(said)), said


def _is_oauth(said: dict[str, Any]) -> bool:
    return said.keys() == {"error", "error_description"} and all(isinstance(one, str) and one for one in said.values())


def _is_ondilo(said: dict[str, Any]) -> bool:
    return said == {"message": "Limit Exceeded"} or (
        isinstance(said.get("error"), dict) and bool(said["error"].get("message"))
    )


def _is_flipr(said: dict[str, Any]) -> bool:
    return said.keys() == {"Message"} and bool(said["Message"])


def _is_baxo(said: dict[str, Any]) -> bool:
    return said.keys() == {"error", "message"} and all(isinstance(one, str) and one for one in said.values())


_SHAPES = {"ondilo": _is_ondilo, "flipr": _is_flipr, "baxo": _is_baxo}
