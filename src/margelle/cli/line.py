"""The line between the workers of a hub: each has a socket to the parent, which carries what one asks of the others or tells them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from margelle.serve.traffic import TOPIC

PATIENCE_S: Final = 1.0
"""So long an answer is waited for."""

MOST_BYTES: Final = 1 << 20
"""So much may wait at the line of a process that hangs, before notes to it are dropped."""

LONGEST_BYTES: Final = 64 << 20
"""No message is longer: where one seems to be, the two ends are out of step."""

_LENGTH_BYTES: Final = 4
_log: Final = logging.getLogger("margelle.cli")
_encode: Final = msgspec.msgpack.Encoder().encode


class Message(Struct, frozen=True, array_like=True):
    """`ready` and `counted` go to the parent; an `ask` of one becomes a `question` to the others, their `answer`s the `answers` to it; a `note` goes to all others."""

    kind: Literal["ready", "counted", "ask", "question", "answer", "answers", "note"]
    n: int = 0
    topic: str = ""
    told: tuple[bytes, ...] = ()

    @property
    def first(self) -> bytes:
        """What it tells, or the first of it."""
        return self.told[0] if self.told else b""


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
        """Send it soon; where nobody is at the other end any more, it is lost, and so is a note to one that takes none."""
        if message.kind == "note" and self._writer.transport.get_write_buffer_size() > MOST_BYTES:
            return
        body = _encode(message)
        if not self._writer.is_closing():
            self._writer.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)

    async def receive(self) -> Message | None:
        """The next message that can be read; None where the other end is gone, or out of step with this one."""
        while True:
            try:
                length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
                if length > LONGEST_BYTES:
                    _log.error("The line to another process of this hub is out of step, and is given up")
                    return None
                body = await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, OSError):
                return None
            try:
                return _DECODER.decode(body)
            except msgspec.MsgspecError as error:  # while a hub is renewed, its processes are of two versions
                _log.warning("A message of another process of this hub cannot be read here and is left out: %s", error)

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
                told = _made(self._answers, message)
                self._wire.send(Message("answer", message.n, message.topic, () if told is None else (told,)))
            elif message.kind == "note":
                _made(self._hears, message)
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


def _made(calls: Mapping[str, Callable[[bytes], Any]], message: Message) -> Any:
    """What is made of a message here. One that cannot be understood, or whose topic nobody knows, ends nothing."""
    call = calls.get(message.topic)
    try:
        return call(message.first) if call is not None else None
    except Exception as failure:
        told = message.topic, type(failure).__name__, failure
        _log.warning("What another process of this hub tells of %r is left out here: %s: %s", *told)
        return None
