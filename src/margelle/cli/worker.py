"""One of the processes of a hub: what it is told at its start, and what the parent knows of it."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from contextlib import suppress
from typing import Final, Literal

import msgspec
from msgspec import Struct

from margelle.cli.line import PATIENCE_S, Message, Wire
from margelle.errors import ConfigError
from margelle.serve.traffic import Counts

VARIABLE: Final = "_MARGELLE_WORKER"
"""By which a process knows that it is a worker, and which one."""

Role = Literal["keeper", "server"]


class Post(Struct, frozen=True):
    """What a worker is told at its start: its role, the numbers of its end of the line and of the listening sockets, and whether the hub itself is just starting."""

    role: Role
    line: int
    sockets: tuple[int, ...]
    first: bool

    @classmethod
    def taken(cls) -> Post | None:
        """What this process was told, once; None where it is no worker. Raises ConfigError where that was no hub."""
        told = os.environ.pop(VARIABLE, None)
        if told is None:
            return None
        try:
            post = msgspec.json.decode(told, type=cls)
        except msgspec.MsgspecError:
            post = None
        if post is None or not all(map(_is_socket, (post.line, *post.sockets))):
            raise ConfigError(f"{VARIABLE} is set in the environment, and not by a hub.", hint=f"Unset {VARIABLE}.")
        return post


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except (OSError, OverflowError):
        return False


class Gone(Exception):
    """A worker ended, with this exit code, before it was ready."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ended with {code}")
        self.code = code


class Worker:
    """One process, and the parent's end of the line to it."""

    def __init__(self, role: Role, process: asyncio.subprocess.Process, wire: Wire) -> None:
        self.role, self.process, self._wire = role, process, wire
        self.ready, self.leaving = asyncio.Event(), False
        self.counts = Counts()
        self.begun_s = time.monotonic()
        self._questions: dict[int, asyncio.Future[bytes | None]] = {}
        self._n = 0

    def leave(self) -> None:
        """Have it end, politely. It is told once: a second time, it would end at once."""
        if not self.leaving:
            self.leaving = True
            with suppress(ProcessLookupError):
                self.process.terminate()

    def send(self, message: Message) -> None:
        """Send it a message."""
        self._wire.send(message)

    async def receive(self) -> Message | None:
        """Its next message that is not an answer; None once it is gone."""
        while (message := await self._wire.receive()) is not None:
            if message.kind != "answer":
                return message
            question = self._questions.get(message.n)
            if question is not None and not question.done():
                question.set_result(message.told[0] if message.told else None)
        for question in self._questions.values():
            if not question.done():
                question.set_result(None)
        return None

    async def question(self, topic: str, told: bytes) -> bytes | None:
        """What it answers, if anything, and in time."""
        self._n += 1
        n, answer = self._n, asyncio.get_running_loop().create_future()
        self._questions[n] = answer
        try:
            self.send(Message("question", n, topic, (told,)))
            return await asyncio.wait_for(answer, PATIENCE_S)
        except TimeoutError:
            return None
        finally:
            del self._questions[n]

    async def close(self) -> None:
        """Hang up."""
        await self._wire.close()
