"""A caller of ASGI applications: the bytes that a server would hand over, with no server and no client library between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from starlette.types import ASGIApp, Message


class Response(Struct, frozen=True):
    """What came back. Header names are in lower case; of those sent more than once, `header_list` has all."""

    status: int
    header_list: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The headers by name."""
        return dict(self.header_list)

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def call(
    app: ASGIApp,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    client: str = "127.0.0.1",
    chunks: Sequence[bytes] | None = None,
) -> Response:
    """Send one request for `target` (path and query as on the request line, percent-encoded).

    `chunks` send the body without a length, as Transfer-Encoding: chunked does.
    """
    messages = _body(chunks if chunks is not None else [body])
    sent: list[Message] = []

    done = asyncio.Event()

    async def receive() -> Message:
        message = next(messages, None)
        if message is None:
            await done.wait()
        return message or {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            done.set()

    await app(_scope(method, target, headers or {}, body, client, chunked=chunks is not None), receive, send)
    start = sent[0]
    return Response(
        start["status"],
        tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]),
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


def _body(chunks: Sequence[bytes]) -> Iterator[Message]:
    last = len(chunks) - 1
    return iter([{"type": "http.request", "body": chunk, "more_body": n < last} for n, chunk in enumerate(chunks)])


def _scope(
    method: str, target: str, headers: Mapping[str, str], body: bytes, client: str, *, chunked: bool
) -> dict[str, Any]:
    path, _, query = target.partition("?")
    lower = {name.lower(): value for name, value in headers.items()}
    lower.setdefault("host", "hub.example:8080")
    if chunked:
        lower["transfer-encoding"] = "chunked"
    elif body or method in {"POST", "PUT"}:
        lower.setdefault("content-length", str(len(body)))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lower.items()],
        "client": (client, 50000),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
