"""Stands around the faces: lets faults befall their answers, and keeps the log."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from margelle.ports import Clock
from margelle.redaction import redact
from margelle.simulate.faults.asked import Asked, Body, asked_of, body_of
from margelle.simulate.faults.fault import Answer, Ask, Operation
from margelle.simulate.faults.faults import Faults, Turn
from margelle.simulate.faults.log import EXCERPT, Entry, Log
from margelle.simulate.faults.operations import operation_of

Pause = Callable[[float], Awaitable[None]]
Restart = Callable[[str], Awaitable[None]]


class Faulty:
    """Wraps an application. `hosts` are the vendors' names by their own hosts; `pause` lets time pass for slow answers, `restart` restarts a vendor's devices."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        log: Log,
        clock: Clock,
        *,
        hosts: Mapping[str, str],
        pause: Pause = asyncio.sleep,
        restart: Restart | None = None,
    ) -> None:
        self._app, self._faults, self._log, self._clock = app, faults, log, clock
        self._hosts, self._pause, self._restart = dict(hosts), pause, restart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        vendor, path = self._place(scope) if scope["type"] == "http" else ("", "")
        if not vendor:
            await self._app(scope, receive, send)
            return
        body = await body_of(receive) if scope["method"] in {"POST", "PUT"} else Body()
        asked = await asked_of(scope, vendor, path, body.known)
        operation = operation_of(vendor, asked.method, path, asked.given.get("get", ""))
        turn = self._faults.turn(operation) if operation else None
        number = self._log.number()

        async def cloud() -> Answer:
            return await _answer(self._app, scope, body.replayed(receive))

        told, fell = await self._told(asked, operation, turn, cloud) if operation and turn else (await cloud(), False)
        fault = turn.name if turn and fell else ""
        if fault:
            self._faults.happened(fault)
        self._log.add(self._entry(number, asked, operation.id if operation else "", fault, told))
        await _tell(scope, told, send, cut=bool(turn and turn.effect.cut))

    async def _told(
        self, asked: Asked, operation: Operation, turn: Turn, cloud: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """What the client is told, and whether the fault has made a difference."""
        effect = turn.effect
        token = hashlib.sha256(asked.token.encode()).hexdigest() if asked.token else ""
        ask = Ask(operation, asked.path, asked.given, token, turn.memory)
        if effect.pause_s:
            await self._pause(effect.pause_s)
        if effect.restart and self._restart:
            await self._restart(operation.vendor)
        if effect.instead and (told := effect.instead(ask)):
            return told, True
        real = await cloud()
        told = effect.then(ask, real) if effect.then else real
        return told, told is not real or effect.cut or effect.restart or effect.pause_s > 0

    def _place(self, scope: Scope) -> tuple[str, str]:
        """The vendor that is asked, and the path below its prefix; no vendor for anything else."""
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        if first in self._hosts.values():
            return first, slash + rest
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        return self._hosts.get(host.partition(":")[0].lower(), ""), scope["path"]

    def _entry(self, number: int, asked: Asked, operation: str, fault: str, told: Answer) -> Entry:
        secrets = asked.secrets()
        target = f"{asked.path}?{asked.query}" if asked.query else asked.path
        excerpt = told.body[: EXCERPT * 4].decode("utf-8", "backslashreplace")
        return Entry(
            n=number,
            at=self._clock(),
            client=asked.client,
            agent=redact(asked.headers.get("user-agent", "")[:200], secrets),
            vendor=asked.vendor,
            operation=operation,
            method=asked.method,
            target=redact(target[:2000], secrets),
            form=tuple(asked.form),
            fault=fault,
            status=told.status,
            size_bytes=len(told.body),
            told=redact(excerpt, secrets)[:EXCERPT],
        )


async def _answer(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """What the cloud answers rightly."""
    start: Message = {}
    parts: list[bytes] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], headers, b"".join(parts))


async def _tell(scope: Scope, told: Answer, send: Send, *, cut: bool) -> None:
    """Send the answer with its true length, or of its body the first half only: the server then closes the connection."""
    head = scope["method"] == "HEAD"
    length = [(name, value) for name, value in told.headers if name == "content-length"] if head else []
    headers = [(name, value) for name, value in told.headers if name != "content-length"]
    headers += length or [("content-length", str(len(told.body)))]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": told.status, "headers": raw})
    body = told.body[: len(told.body) // 2] if cut else told.body
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": cut})
