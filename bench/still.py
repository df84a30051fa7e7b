"""The least that a server can do, to see how much the load generator can ask: `python -m bench.still PORT BODY_FILE` answers whatever comes with the same bytes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import cast

import uvloop


class Still(asyncio.Protocol):
    """Does not read what it is asked."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(self._answer * data.count(b"\r\n\r\n"))


async def serve(port: int, body: bytes) -> None:
    """Until killed."""
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    listening = await asyncio.get_running_loop().create_server(lambda: Still(answer), "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
