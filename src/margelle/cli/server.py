"""The web server of a process: bound first, so that a port in use is an error and not a log line; stopped by an event."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import ssl
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

import uvicorn
from starlette.types import ASGIApp

from margelle.cli.connection import LINGER_S, Connection, Served
from margelle.errors import ConfigError, Conflict
from margelle.serve.readiness import Readiness
from margelle.serve.repeats import Repeats

T = TypeVar("T")

_GRACE_S: Final = 1.0
"""How long open requests may take to end when a server stops of which nobody says otherwise."""


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process has one pair, for all that runs in it."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, repeats: Repeats | None) -> None:
        super().__init__(config)
        self.server_state: Served = Served(repeats)
        self._readiness = readiness

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self._readiness.listens()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more but what has come already; let what is under way end."""
        self.server_state.ending = True
        self._readiness.close()
        waiting = [os.dup(one.fileno()) for one in sockets or ()]
        for server in self.servers:
            server.close()
        for accepted in [one for number in waiting for one in _accepted(number)]:
            await self._adopt(accepted)
        if self.config.ssl is not None:  # a client may be shaking hands, of which nobody else knows
            await asyncio.sleep(LINGER_S)
        await super().shutdown(sockets)

    async def _adopt(self, accepted: socket.socket) -> None:
        def connection() -> Connection:
            return Connection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

        with suppress(OSError):  # it has gone again
            await asyncio.get_running_loop().connect_accepted_socket(connection, accepted, ssl=self.config.ssl)


def _accepted(number: int) -> list[socket.socket]:
    """The connections that wait at the listening socket, which is closed with the last of them: whoever comes later is refused, and not cut."""
    found: list[socket.socket] = []
    with socket.socket(fileno=number) as listening, suppress(BlockingIOError, ConnectionAbortedError):
        while True:
            found.append(listening.accept()[0])
    return found


def bind(host: str, port: int, option: str = "--port ") -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one). `option` is what stands before the number where the user chooses another port.

    Raises Conflict where it is in use, ConfigError where it cannot be.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(f"There is no address {host!r} on this machine: {error.strerror}.") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(512)
    except OSError as error:
        bound.close()
        raise _cannot_bind(error, host, port, option) from error
    return bound


def _cannot_bind(error: OSError, host: str, port: int, option: str) -> Conflict | ConfigError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"Port {port} on {host} is in use by another program.",
            hint=f"Stop that program, or choose another port, such as {option}{port + 1} (0 takes any free one).",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return ConfigError(
            f"Port {port} is not for you to use.",
            hint="Ports below 1024 are the system's: choose a higher one, or let the system give it to you (docs/clients/README.md).",
        )
    return ConfigError(f"Cannot listen on {host} port {port}: {error.strerror}.")


def url_of(bound: socket.socket, scheme: str = "http") -> str:
    """The address under which this machine reaches the socket."""
    host, port = bound.getsockname()[:2]
    loopback = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - shown, not bound
    return f"{scheme}://{loopback.get(host, f'[{host}]' if ':' in host else host)}:{port}"


async def serve(
    app: ASGIApp,
    bound: socket.socket,
    stop: asyncio.Event,
    *,
    proxies: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
    readiness: Readiness | None = None,
    repeats: Repeats | None = None,
    delay_s: float = 0.0,
    grace_s: float = _GRACE_S,
) -> None:
    """Answer on `bound` with `app` until `stop` is set: from then on it is not ready, after `delay_s` nothing more is accepted, and open requests have `grace_s` to end.

    `proxies` are believed whom they forward. What `app` leaves in `repeats` is given again without it.
    """
    readiness = readiness or Readiness()
    server = _Server(
        uvicorn.Config(
            app,
            http=Connection,
            log_config=None,
            access_log=False,  # the hub's own has no queries
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=grace_s,  # type: ignore[arg-type]  # asyncio takes parts of a second
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        ),
        readiness,
        repeats,
    )
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        readiness.end()
        if stop.is_set() and delay_s:
            await asyncio.wait({serving}, timeout=delay_s)
    finally:  # also when this task is cancelled because another one has failed
        server.should_exit = True
        stopping.cancel()
        await serving
        bound.close()


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` unless `stop` is set first; whether it was done."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
        return working.done()
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


@contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set. A second one ends the process at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)

    def set_once() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, set_once)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on the fastest event loop there is. Until it minds the signals itself, Ctrl-C just ends the process."""
    with _unminded(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


@contextmanager
def _unminded() -> Iterator[None]:
    """As a KeyboardInterrupt, Ctrl-C could be swallowed by an import, and the process go on."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
