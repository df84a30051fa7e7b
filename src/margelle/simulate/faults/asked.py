"""A request as it came, with what its query and its body say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message, Receive, Scope

from margelle.redaction import is_telling

LARGEST_FORM: Final = 1 << 16
"""In bytes: what is longer is not looked into."""


class Asked(Struct, frozen=True):
    """A request: its `path` is below the vendor's prefix, `query` as it was sent, `form` what its body says in whatever encoding."""

    vendor: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    form: dict[str, str]
    client: str

    @property
    def token(self) -> str:
        """The bearer token; empty without."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def given(self) -> dict[str, str]:
        """The query's and the form's fields."""
        return dict(parse_qsl(self.query, keep_blank_values=True)) | self.form

    def secrets(self) -> list[str]:
        """What must not be read in any log."""
        return [value for name, value in self.given.items() if is_telling(name)] + [self.token]


class Body(Struct, frozen=True):
    """A request's body: `known` where it is short enough, and the messages in which it came."""

    known: bytes = b""
    messages: tuple[Message, ...] = ()

    def replayed(self, receive: Receive) -> Receive:
        """Hears the messages once more, and then what comes."""
        left = iter(self.messages)

        async def again() -> Message:
            return next(left, None) or await receive()

        return again


async def body_of(receive: Receive) -> Body:
    """What comes, as far as it may be looked into."""
    messages = [await receive()]
    size = len(messages[0].get("body", b""))
    while messages[-1].get("more_body") and size <= LARGEST_FORM:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    known = b"".join(message.get("body", b"") for message in messages) if size <= LARGEST_FORM else b""
    return Body(known, tuple(messages))


async def asked_of(scope: Scope, vendor: str, path: str, body: bytes) -> Asked:
    """The request that `scope` and `body` are."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    query = scope["query_string"].decode("ascii", "backslashreplace")
    return Asked(vendor, scope["method"], path, query, headers, await _form(headers, body), client[0] if client else "")


async def _form(headers: dict[str, str], body: bytes) -> dict[str, str]:
    """The fields of a body, as lenient faces read it: multipart, a JSON object, or else a form; nothing where it is none."""
    if "multipart/form-data" in headers.get("content-type", "").lower():
        return await _parts(headers, body)
    if body.lstrip()[:1] == b"{":
        return _members(body)
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        return {}


async def _parts(headers: dict[str, str], body: bytes) -> dict[str, str]:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    try:
        form = await MultiPartParser(Headers(headers), stream(), max_files=0).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError, ValueError, AssertionError):
        return {}
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def _members(body: bytes) -> dict[str, str]:
    try:
        said: dict[str, Any] = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}
