"""Over real connections to 127.0.0.1; what is waited for is the connection's end, and never a time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from margelle.cli import connection, server

SOON_S = 0.02
LARGE = b"x" * 40_000_000


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Tells how long the body was; at /large, more than any system buffers."""
    size = 0
    while (message := await receive()).get("more_body") or "body" in message:
        size += len(message["body"])
        if not message.get("more_body"):
            break
    body = LARGE if scope["path"] == "/large" else str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served() -> AsyncIterator[Callable[[], Any]]:
    """A server; what is called opens a connection to it."""
    stop, bound = asyncio.Event(), server.bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    serving = asyncio.create_task(server.serve(_app, bound, stop))
    try:
        yield lambda: asyncio.open_connection("127.0.0.1", port)
    finally:
        stop.set()
        await serving


async def _ended(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the server lets go."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r\n",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_whoever_does_not_finish_a_request_is_let_go(beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", SOON_S)
    async with served() as opened:
        reader, writer = await opened()
        writer.write(beginning)
        assert await _ended(reader) == b""
        writer.close()


async def test_the_second_request_of_a_connection_must_come_whole_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", SOON_S)
    async with served() as opened:
        reader, writer = await opened()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200")
        writer.write(b"\r\n")  # which is no request, and ends uvicorn's own wait
        assert await _ended(reader) == b""
        writer.close()


@pytest.mark.parametrize(
    "before",
    [b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"],
)
async def test_a_head_without_an_end_is_not_kept(before: bytes) -> None:
    async with served() as opened:
        reader, writer = await opened()
        writer.write(before)
        ended = asyncio.create_task(_ended(reader))
        sent = 0
        while not ended.done() and sent < 50_000_000:
            writer.write(b"X-A: " + b"a" * 10_000 + b"\r\n")
            sent += 10_000
            try:
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
        assert b"200 OK" not in await ended
        assert sent < 50_000_000
        writer.close()


async def test_a_long_body_and_a_usual_head_are_no_flood() -> None:
    async with served() as opened:
        reader, writer = await opened()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nX-A: " + b"a" * 20_000 + b"\r\n\r\n")
        writer.write(b"b" * 1_000_000)
        assert (await reader.readuntil(b"\r\n\r\n1000000")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_an_answer_that_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", SOON_S)
    async with served() as opened:
        reader, writer = await opened()
        lost = asyncio.Event()
        watched = connection.Connection.connection_lost

        def lose(self: connection.Connection, exc: Exception | None) -> None:
            watched(self, exc)
            lost.set()

        monkeypatch.setattr(connection.Connection, "connection_lost", lose)
        reader._transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(lost.wait(), 10)
        writer.transport.abort()


async def test_an_answer_that_is_taken_slowly_comes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 1.0)
    async with served() as opened:
        reader, writer = await opened()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert len((await _ended(reader)).partition(b"\r\n\r\n")[2]) == len(LARGE)
        writer.close()
