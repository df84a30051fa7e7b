"""Ways to answer, good and bad. Each is a function that makes a `Behaviour`, or is one."""

from __future__ import annotations

import asyncio
import gzip
import json as _json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tests.hostile.call import Behaviour, Call, Headers, head

# --- answers that are whole ------------------------------------------------------------------------------------------


def answer(status: int = 200, body: bytes = b"", headers: Headers | None = None, *, version: str = "1.1") -> Behaviour:
    """A whole answer, with its right length."""

    async def behave(call: Call) -> None:
        await call.send(head(status, {"Content-Length": str(len(body)), **(headers or {})}, version), body)

    return behave


def json(value: Any, status: int = 200, headers: Headers | None = None) -> Behaviour:
    """`value` as JSON; NaN and infinities as Python writes them, which is not JSON."""
    return answer(status, _json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def html(status: int = 200, title: str = "Bad Gateway") -> Behaviour:
    """A page where JSON was asked for, as a proxy in front of a cloud sends it."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return answer(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def empty(status: int = 200) -> Behaviour:
    """No body."""
    return answer(status, b"", {"Content-Type": "application/json"})


def invalid_utf8() -> Behaviour:
    """JSON whose text is Latin-1."""
    return answer(200, '{"name": "Piscine d’été"}'.encode("cp1252"), {"Content-Type": "application/json"})


def nan() -> Behaviour:
    """A measurement that is NaN, as some serializers write it."""
    return answer(200, b'[{"data_type": "ph", "value": NaN, "is_valid": true}]', {"Content-Type": "application/json"})


def limited(retry_after: str | None = None) -> Behaviour:
    """429, with a Retry-After of these words (a number, a date, garbage) or without."""
    return json({"message": "Limit Exceeded"}, 429, {} if retry_after is None else {"Retry-After": retry_after})


def gzipped(body: bytes) -> Behaviour:
    """A compressed body, whatever the client accepts."""
    return answer(200, gzip.compress(body), {"Content-Type": "application/json", "Content-Encoding": "gzip"})


def redirect(location: str, status: int = 302) -> Behaviour:
    """Somewhere else. To its own path it is a loop, if it is there `always`."""
    return answer(status, b"", {"Location": location})


def http10(body: bytes) -> Behaviour:
    """HTTP/1.0 without a length: the body ends with the connection."""

    async def behave(call: Call) -> None:
        await call.send(head(200, {"Content-Type": "application/json"}, "1.0"), body)

    return behave


# --- answers that are not --------------------------------------------------------------------------------------------


def cut(body: bytes, missing: int = 10) -> Behaviour:
    """A body that ends `missing` bytes before its announced length."""

    async def behave(call: Call) -> None:
        await call.send(
            head(200, {"Content-Type": "application/json", "Content-Length": str(len(body) + missing)}), body
        )

    return behave


async def reset_before_answer(call: Call) -> None:
    """The connection breaks when the request has come."""
    call.reset()


async def close_before_answer(call: Call) -> None:
    """The connection ends in good order, without a byte."""


async def reset_in_headers(call: Call) -> None:
    """The connection breaks within the headers."""
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    call.reset()


def reset_in_body(body: bytes) -> Behaviour:
    """The connection breaks within the body."""

    async def behave(call: Call) -> None:
        await call.send(head(200, {"Content-Length": str(len(body) + 1000)}), body)
        call.reset()

    return behave


def huge(announced_bytes: int) -> Behaviour:
    """A body so long by its header; none of it comes."""

    async def behave(call: Call) -> None:
        await call.send(head(200, {"Content-Length": str(announced_bytes)}))
        await call.gone()

    return behave


async def endless(call: Call) -> None:
    """A chunked body without an end: it stops when the client leaves."""
    with suppress(ConnectionError):
        await call.send(head(200, {"Transfer-Encoding": "chunked"}))
        while not call.writer.transport.is_closing():
            await call.send(b"4000\r\n" + b" " * 0x4000 + b"\r\n")


def broken_chunk(body: bytes = b"[1, 2") -> Behaviour:
    """A chunked body whose second chunk has no readable length."""

    async def behave(call: Call) -> None:
        await call.send(
            head(200, {"Transfer-Encoding": "chunked"}),
            f"{len(body):x}\r\n".encode(),
            body,
            b"\r\nzz\r\n,3]\r\n0\r\n\r\n",
        )

    return behave


def large_headers(size_bytes: int = 100_000) -> Behaviour:
    """A header longer than any client reads."""
    return answer(200, b"[]", {"X-Long": "a" * size_bytes})


async def no_http(call: Call) -> None:
    """Something else speaks on this port."""
    await call.send(b"220 smtp.example ESMTP ready\r\n")


def hold(event: asyncio.Event) -> Behaviour:
    """Not a byte before `event`; then an empty list. The client may lose its patience first."""

    async def behave(call: Call) -> None:
        await _either(event, call)
        with suppress(ConnectionError):
            await json([])(call)

    return behave


def drip(body: bytes, event: asyncio.Event) -> Behaviour:
    """All but the last byte of `body`, which comes after `event`."""

    async def behave(call: Call) -> None:
        await call.send(head(200, {"Content-Length": str(len(body))}), body[:-1])
        await _either(event, call)
        with suppress(ConnectionError):
            await call.send(body[-1:])

    return behave


async def _either(event: asyncio.Event, call: Call) -> None:
    """Until `event`, or until the client has gone."""
    waits: Iterable[asyncio.Task[Any]] = [asyncio.create_task(event.wait()), asyncio.create_task(call.gone())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
