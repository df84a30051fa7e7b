"""The line between the workers of a hub: each has a socket to the parent, which carries what one asks of the others or tells them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal

import msgspec
from msgspec import Struct

from margelle.serve.traffic import TOPIC

PATIENCE_S: Final = 1.0
"""So long an answer is waited for."""

_LENGTH_BYTES: Final = 4
_encode: Final = msgspec.msgpack.Encoder().encode


class Message(Struct, frozen=True, array_like=True):
    """`ready` and `counted` go to the parent; an `ask` of one becomes a `question` to the others, their `answer`s the `answers` to it; a `note` goes to all others."""

    kind: Literal["ready", "counted", "ask", "question", "answer", "answers", "note"]
    n: int = 0
    topic: str = ""
    told: tuple[bytes, ...] = ()


_DECODER: Final = msgspec.msgpack.Decoder(Message)


class Wire:
    """One end of the socket, on which messages go both ways."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def over(cls, end: socket.socket) -> Wire:
        """Over a connected socket, which belongs to the wire from then on."""
        return cls(*await asyncio.open_unix_connection(sock=end))

    def send(self, message: Message) -> None:
        """Send it soon; where nobody is at the other end any more, it is lost."""
        body = _encode(message)
        if not self._writer.is_closing():
            self._writer.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)

    async def receive(self) -> Message | None:
        """The next message; None where the other end is gone."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            return _DECODER.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def close(self) -> None:
        """Send what is to be sent, and hang up."""
        with suppress(OSError):
            self._writer.close()
            await self._writer.wait_closed()


class Line:
    """Implements `ports.Siblings` for a worker, over its wire to the parent."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._answers: dict[str, Callable[[bytes], bytes | None]] = {}
        self._hears: dict[str, Callable[[bytes], None]] = {}
        self._asked: dict[int, asyncio.Future[tuple[bytes, ...]]] = {}
        self._n = 0

    async def run(self) -> None:
        """Listen until the parent is gone."""
        while (message := await self._wire.receive()) is not None:
            if message.kind == "question":
                call = self._answers.get(message.topic)
                told = call(message.told[0]) if call is not None else None
                self._wire.send(Message("answer", message.n, message.topic, () if told is None else (told,)))
            elif message.kind == "note" and message.topic in self._hears:
                self._hears[message.topic](message.told[0])
            elif message.kind == "answers" and (asked := self._asked.get(message.n)) is not None and not asked.done():
                asked.set_result(message.told)

    def ready(self) -> None:
        """Tell the parent that this process takes requests."""
        self._wire.send(Message("ready"))

    async def close(self) -> None:
        """Hang up, with the last word of what was counted here."""
        if (counts := self._answers.get(TOPIC)) is not None and (told := counts(b"")) is not None:
            self._wire.send(Message("counted", told=(told,)))
        await self._wire.close()

    # --- ports.Siblings

    async def ask(self, topic: str, told: bytes = b"") -> list[bytes]:
        """What the others answer."""
        self._n += 1
        n, asked = self._n, asyncio.get_running_loop().create_future()
        self._asked[n] = asked
        try:
            self._wire.send(Message("ask", n, topic, (told,)))
            return list(await asyncio.wait_for(asked, 2 * PATIENCE_S))
        except TimeoutError:
            return []
        finally:
            del self._asked[n]

    def tell(self, topic: str, told: bytes) -> None:
        """Tell the others something."""
        self._wire.send(Message("note", topic=topic, told=(told,)))

    def answer(self, topic: str, call: Callable[[bytes], bytes | None]) -> None:
        """Answer what the others ask."""
        self._answers[topic] = call

    def hear(self, topic: str, call: Callable[[bytes], None]) -> None:
        """Hear what the others tell."""
        self._hears[topic] = call
