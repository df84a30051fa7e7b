"""Stands around the faces: lets faults befall their answers, and keeps the log."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from margelle.ports import Clock
from margelle.redaction import is_telling, redact
from margelle.simulate.faults.fault import Answer, Ask, Operation
from margelle.simulate.faults.faults import Faults, Turn
from margelle.simulate.faults.log import EXCERPT, Entry, Log
from margelle.simulate.faults.operations import operation_of

LARGEST_FORM: Final = 1 << 16
"""In bytes: what is longer is not looked into."""

Pause = Callable[[float], Awaitable[None]]


class Asked(Struct, frozen=True):
    """A request as it came: its `path` is below the vendor's prefix, `query` as it was sent."""

    vendor: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    form: dict[str, str]
    client: str

    @property
    def token(self) -> str:
        """The bearer token; empty without."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def given(self) -> dict[str, str]:
        """The query's and the form's fields."""
        return dict(parse_qsl(self.query, keep_blank_values=True)) | self.form

    def secrets(self) -> list[str]:
        """What must not be read in any log."""
        return [value for name, value in self.given.items() if is_telling(name)] + [self.token]


class Faulty:
    """Wraps an application. `hosts` are the vendors' names by their own hosts; `pause` lets time pass for slow answers."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        log: Log,
        clock: Clock,
        *,
        hosts: Mapping[str, str],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._app, self._faults, self._log, self._clock = app, faults, log, clock
        self._hosts, self._pause = dict(hosts), pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        vendor, path = self._place(scope) if scope["type"] == "http" else ("", "")
        if not vendor:
            await self._app(scope, receive, send)
            return
        body = await _body(receive) if scope["method"] in {"POST", "PUT"} else _Body(b"", ())
        asked = _asked(scope, vendor, path, body.known)
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
        ask = Ask(operation, asked.path, asked.query, asked.form, token, turn.memory)
        if effect.pause_s:
            await self._pause(effect.pause_s)
        if effect.instead and (told := effect.instead(ask)):
            return told, True
        real = await cloud()
        told = effect.then(ask, real) if effect.then else real
        return told, told is not real or effect.cut or effect.pause_s > 0

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


class _Body(Struct, frozen=True):
    """A request's body: `known` where it is short enough, and the messages in which it came."""

    known: bytes
    messages: tuple[Message, ...]

    def replayed(self, receive: Receive) -> Receive:
        """Hears the messages once more, and then what comes."""
        left = iter(self.messages)

        async def again() -> Message:
            return next(left, None) or await receive()

        return again


async def _body(receive: Receive) -> _Body:
    messages = [await receive()]
    size = len(messages[0].get("body", b""))
    while messages[-1].get("more_body") and size <= LARGEST_FORM:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    known = b"".join(message.get("body", b"") for message in messages) if size <= LARGEST_FORM else b""
    return _Body(known, tuple(messages))


def _asked(scope: Scope, vendor: str, path: str, body: bytes) -> Asked:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    is_form = "form-urlencoded" in headers.get("content-type", "")
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) if is_form else {}
    client = scope.get("client")
    query = scope["query_string"].decode("ascii", "backslashreplace")
    return Asked(vendor, scope["method"], path, query, headers, form, client[0] if client else "")


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
