"""The server of the hostile cloud."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.hostile.behaviour import json
from tests.hostile.call import Behaviour, Call, Seen, head, read


@dataclass
class HostileCloud:
    """The server. `certificate` (a PEM file with key and certificate) makes it speak TLS."""

    certificate: Path | None = None
    seen: list[Seen] = field(default_factory=list)
    unscripted: list[Seen] = field(default_factory=list)
    _scripts: dict[str | None, deque[Behaviour]] = field(default_factory=lambda: defaultdict(deque))
    _always: dict[str | None, Behaviour] = field(default_factory=dict)
    _calls: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Another one each time."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def script(self, *behaviours: Behaviour, path: str | None = None) -> None:
        """Answer the next requests (of `path`, if given) so, one each. A path's own script goes before the one for all."""
        self._scripts[path].extend(behaviours)

    def always(self, behaviour: Behaviour, path: str | None = None) -> None:
        """Answer so whatever no script is left for."""
        self._always[path] = behaviour

    async def __aenter__(self) -> HostileCloud:
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.create_task(self._serve(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            try:
                if seen := await read(reader):
                    self.seen.append(seen)
                    await self._behaviour(seen)(Call(seen, writer, reader))
                else:
                    writer.write(head(400, {}))
            finally:
                writer.close()
                await writer.wait_closed()

    def _behaviour(self, seen: Seen) -> Behaviour:
        for path in (seen.path, None):
            if self._scripts[path]:
                return self._scripts[path].popleft()
        for path in (seen.path, None):
            if path in self._always:
                return self._always[path]
        self.unscripted.append(seen)
        return json({"error": f"nothing is scripted for {seen.method} {seen.target}"}, 599)
