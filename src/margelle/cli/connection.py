"""A client's connection: it ends where a request does not come whole in time, has no end, or an answer is not taken."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from margelle.serve.repeats import ASKED, Repeats

PATIENCE_S: Final = 30.0
"""How long a request may take to come, head and body; and an answer's next part to be taken."""

LONGEST_HEAD: Final = 1 << 16
"""In bytes. As much may come again before each piece of the body, and after its last one."""

LINGER_S: Final = 1.0
"""So long a connection that waits for its next request is still kept when the server ends: a request may be on its way."""

_OK: Final = b"HTTP/1.1 200 OK\r\n"
_END_OF_HEAD: Final = b"\r\n\r\n"
_log: Final = logging.getLogger("margelle.cli")


class Served(ServerState):
    """What all connections of a server share; `ending` once nothing more is accepted. What is in `repeats` is given again."""

    ending = False

    def __init__(self, repeats: Repeats | None = None) -> None:
        super().__init__()
        self.repeats = repeats


class Connection(HttpToolsProtocol):
    """uvicorn's own waits for ever for the rest of a request, keeps heads of any length, and keeps what nobody reads.

    At the end of the server it cuts connections on which a request may be on its way; this one answers that request too, and says that it is the last one.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._coming: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._unread = 0  # bytes that came since the last thing that was understood
        self._within = False  # a request: its head or its body is still coming
        self._repeats = self.server_state.repeats if isinstance(self.server_state, Served) else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._coming = self.loop.call_later(PATIENCE_S, self._end, "no request came in time")
        if self._ending:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._came()
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. The time for a request does not begin anew with each of its pieces."""
        free = self._repeats is not None and self._between and not self._unread
        if free and self._repeated(data):
            return
        self._unread += len(data)
        super().data_received(data)
        if free and self._alone(data):
            self.cycle.scope[ASKED] = data  # type: ignore[typeddict-unknown-key]
        if self._unread > LONGEST_HEAD:
            self._end("a request's head has no end")
        elif self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self._came()
        elif self._coming is None and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._coming = self.loop.call_later(PATIENCE_S, self._end, "a request did not come whole in time")

    def _repeated(self, data: bytes) -> bool:
        """Give an answer again, if these bytes, which begin a request, have one. It is not read: the next one is as if it had not been."""
        if self._repeats is None or self._ending or self.flow.write_paused or self.transport.is_closing():
            return False
        told = self._repeats.told(data)
        if told is None:
            return False
        self._unset_keepalive_if_required()
        self._came()
        head, body = told
        lines = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        self.transport.writelines([b"".join([_OK, *lines, head, b"\r\n"]), body])
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        return True

    def _alone(self, data: bytes) -> bool:
        """Whether that was one request, all of it, and the connection goes on after it: the same bytes will be the same then."""
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.body or not cycle.keep_alive:
            return False
        return data.startswith(b"GET ") and data.find(_END_OF_HEAD) == len(data) - len(_END_OF_HEAD)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._within = True

    def on_headers_complete(self) -> None:
        """The head is there."""
        super().on_headers_complete()
        self._unread = 0
        if self._ending:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of the body is there."""
        super().on_body(body)
        self._unread = 0

    def on_message_complete(self) -> None:
        """All of the request is there."""
        super().on_message_complete()
        self._unread = 0
        self._within = False

    def shutdown(self) -> None:
        """The server ends: the request that is worked on is the last one; where there is none, one may come for a moment."""
        if self._idle:
            self.loop.call_later(LINGER_S, self._leave)
        else:
            self.cycle.keep_alive = False

    @property
    def _ending(self) -> bool:
        return isinstance(self.server_state, Served) and self.server_state.ending

    @property
    def _idle(self) -> bool:
        """Whether no request is worked on."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _between(self) -> bool:
        """Whether what comes next is a new request, and the first one of those that are worked on."""
        return self._idle and not self._within

    def _leave(self) -> None:
        if self._idle and not self._unread and not self.transport.is_closing():
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read as fast as we answer: see that it goes on at all."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._taken()
        super().resume_writing()

    def _watch(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(PATIENCE_S, self._look, left)

    def _look(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch()
        else:
            self._end("an answer was not taken")

    def _came(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _end(self, why: str) -> None:
        """Let go of the client at once: a polite end would wait for it again."""
        _log.debug("closed a connection from %s: %s", self.client[0] if self.client else "somewhere", why)
        self._came()
        self._taken()
        self.transport.abort()
