"""The limit: a Starlette route that returns the same bytes from memory, under the hub's own server.

Run as `python -m bench.bare PORT BODY_FILE`; with `parse` in the file's place, one that parses what is sent and keeps nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from margelle.cli import server


def application(body: bytes) -> Starlette:
    """Any path answers `body`."""

    async def answer(_: Request) -> Response:
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def parser() -> Starlette:
    """Any path parses JSON, or lines of it, and answers with nothing."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-type", "").endswith("ndjson"):
            msgspec.json.Decoder().decode_lines(body)
        elif body:
            msgspec.json.decode(body)
        return Response(b"{}", media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


async def run(port: int, app: Starlette) -> None:
    """Serve until a signal comes."""
    with server.stopped_by_signals() as stop:
        await server.serve(app, server.bind("127.0.0.1", port), stop)


if __name__ == "__main__":
    given = sys.argv[2] if len(sys.argv) > 2 else ""
    served = parser() if given == "parse" else application(Path(given).read_bytes() if given else b"{}")
    server.run(run(int(sys.argv[1]), served))
