"""What stands around every answer, for pages and faces alike: size limit, security headers, access log, and no error left unanswered.

Pure ASGI and one layer only, since each costs every request.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from margelle.errors import MargelleError, StoreError
from margelle.redaction import MASK
from margelle.serve.api import API
from margelle.serve.api.problem import details
from margelle.serve.calls import FACE, LONGEST, Calls
from margelle.serve.problem import of_error, problem, unavailable
from margelle.serve.repeats import REPEATABLE, Repeats
from margelle.serve.traffic import Traffic

LARGEST_BODY: Final = 1 << 20
"""In bytes: far more than any vendor's request needs."""

LARGEST_BATCH: Final = 16 << 20
"""In bytes: of measurements that are sent to the hub's own API."""

TELLING_PATHS: Final = ("/p/", "/invitation/")
"""Behind which a path holds a token: that of a link or of an invitation, for whoever has its address."""

_access: Final = logging.getLogger("margelle.access")
_log: Final = logging.getLogger("margelle.serve")

Headers = tuple[tuple[bytes, bytes], ...]

# An answer's own header of the same name wins: a page that needs a style sheet says so itself.
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class Gate:
    """Wraps an application. Nothing that it answers is ever compressed: some clients ask for gzip and cannot read it.

    What arrives at a face is noted in `calls`, and all that it answers counted in `traffic`; what may be given again is left in `repeats`. By the header `Server` a collector knows a hub where it looked for a cloud, and by the `mark` in it, itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        largest_body: int = LARGEST_BODY,
        *,
        mark: str = "",
        calls: Calls | None = None,
        traffic: Traffic | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        self._app = app
        self._repeats = repeats
        self._calls = calls
        self._largest_body = largest_body
        self._traffic = traffic
        self._headers = ((b"server", b"Margelle" + (f" ({mark})".encode() if mark else b"")), *_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ours = scope["path"].startswith(API)
        largest = max(LARGEST_BATCH, self._largest_body) if ours else self._largest_body
        passage = _Passage(receive, send, largest, self._headers)
        try:
            if passage.too_large(scope):
                await (too_large_batch if ours else too_large)(scope, receive, passage.send)
            else:
                await self._app(scope, passage.receive if passage.counted else receive, passage.send)
        except ClientDisconnect:
            pass
        except asyncio.CancelledError:  # only the server does that, when it ends and waits no longer
            await passage.give_up(scope)
        except Exception as failure:
            await passage.fail(scope, failure)
        finally:
            if self._calls is not None and (face := scope.get(FACE)) is not None:
                passage.note(self._calls, face, scope)
            if self._repeats is not None and passage.status == 200 and REPEATABLE in scope:
                self._repeats.keep(scope, passage.headers, passage.body)
            if self._traffic is not None:
                self._traffic.note(scope, passage.status, passage.seconds())
            if _access.isEnabledFor(logging.INFO):
                passage.log(scope)


class _Passage:
    """One request on its way in, and its answer on the way out."""

    __slots__ = (
        "_begin_s",
        "_headers",
        "_largest_body",
        "_receive",
        "_received",
        "_said",
        "_send",
        "_sent",
        "body",
        "counted",
        "headers",
        "status",
    )

    def __init__(self, receive: Receive, send: Send, largest_body: int, headers: Headers) -> None:
        self._receive, self._send, self._largest_body, self._headers = receive, send, largest_body, headers
        self._received = self._sent = self.status = 0
        self._begin_s = time.perf_counter()
        self._said = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.counted = False

    def too_large(self, scope: Scope) -> bool:
        """Whether the request announces a body that is too large; one without a length is counted as it comes."""
        for name, value in scope["headers"]:
            if name == b"content-length":
                return not value.isdigit() or int(value) > self._largest_body
            if name == b"transfer-encoding":
                self.counted = True
        return False

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self._largest_body:
            raise HTTPException(413)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            own = {name for name, _ in headers}
            headers += [header for header in self._headers if header[0] not in own]
            self.headers = headers
        else:
            self.body = body = message.get("body", b"")
            self._sent += len(body)
            if self.status >= 400 and len(self._said) < LONGEST:
                self._said += bytes(body[:LONGEST])
        await self._send(message)

    async def fail(self, scope: Scope, failure: Exception) -> None:
        """Answer for a failure that nobody caught; its traceback goes to the log only."""
        if isinstance(failure, MargelleError):
            answer = of_error(failure)
            if isinstance(failure, StoreError):
                _log.error("%s %s: %s", scope["method"], _path(scope), failure)
        else:
            incident = secrets.token_hex(4)
            _log.error("incident %s: %s %s", incident, scope["method"], _path(scope), exc_info=failure)
            answer = problem(500, "Something went wrong here; the log has more.", incident=incident)
        if not self.status:  # an answer cut in the middle is closed by the server
            await answer(scope, self._receive, self.send)

    async def give_up(self, scope: Scope) -> None:
        """Answer for a request that is not worked on any more."""
        if not self.status:
            await unavailable("This hub is ending.", 5)(scope, self._receive, self.send)

    def seconds(self) -> float:
        """How long it has been here."""
        return time.perf_counter() - self._begin_s

    def note(self, calls: Calls, face: str, scope: Scope) -> None:
        """Remember the request at the face where it arrived."""
        calls.note(face, scope, self.status, self.seconds(), self._said)

    def log(self, scope: Scope) -> None:
        """One line, with neither query nor headers: both carry tokens."""
        client = scope.get("client")
        _access.info(
            "%s %s %s %d %d B %.1f ms",
            client[0] if client else "-",
            scope["method"],
            _path(scope),
            self.status,
            self._sent,
            self.seconds() * 1000,
        )


def _path(scope: Scope) -> str:
    """The path as it was sent, percent-encoded, so that it cannot break a line; without the token of a link or an invitation."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "backslashreplace")
    path = raw.decode("ascii", "backslashreplace")[:300].encode("unicode_escape").decode()
    for telling in TELLING_PATHS:
        if scope["path"].startswith(telling) or path.startswith(telling):
            return telling + MASK
    return path


too_large = problem(413, "The request's body is larger than 1 MiB.")
too_large_batch = details(413, "The request's body is larger than 16 MiB.")
