"""The limit: a Starlette route that returns the same bytes from memory, under the hub's own server.

Run as `python -m bench.bare PORT BODY_FILE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

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


async def run(port: int, body: bytes) -> None:
    """Serve until a signal comes."""
    with server.stopped_by_signals() as stop:
        await server.serve(application(body), server.bind("127.0.0.1", port), stop)


if __name__ == "__main__":
    server.run(run(int(sys.argv[1]), Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else b"{}"))
