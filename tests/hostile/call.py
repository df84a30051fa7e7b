"""A request that came to the hostile cloud, and the connection on which it is answered."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

Headers = dict[str, str]


@dataclass(frozen=True)
class Seen:
    """A request as it came. `target` is as it stood in the first line, header names are in lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Call:
    """One request and the connection it came on, which is closed after the answer."""

    seen: Seen
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader

    async def send(self, *parts: bytes) -> None:
        """Raw bytes, at once."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    def reset(self) -> None:
        """Break the connection with a TCP reset instead of an orderly end."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Until the client closes the connection."""
        with suppress(ConnectionError):
            await self.reader.read()


Behaviour = Callable[[Call], Awaitable[None]]


def head(status: int, headers: Headers, version: str = "1.1") -> bytes:
    """The first line and the headers of an answer."""
    lines = [f"HTTP/{version} {status} Hostile", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join((*lines, "Connection: close", "", "")).encode("latin-1")


async def read(reader: asyncio.StreamReader) -> Seen | None:
    """One request; None where TLS is spoken to us, who do not."""
    start = await reader.readexactly(1)
    if start == b"\x16":
        return None
    first, *lines = (start + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return Seen(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
