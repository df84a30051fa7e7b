"""A hub that serves: all in one process, or as a parent with workers, each of which is one of the processes here."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from margelle.cli import house, server, systemd
from margelle.cli.line import Line, Wire
from margelle.cli.terminal import Exit, say, utc_now
from margelle.cli.tls import Certificate, keyring_of
from margelle.cli.worker import Gone, Post
from margelle.serve.readiness import Readiness

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from margelle.cli.house import House
    from margelle.config import Settings

_log: Final = logging.getLogger("margelle.cli")


async def serve(settings: Settings) -> int:
    """Serve until a signal comes; the exit code."""
    post = Post.taken()
    if post is not None:
        return await (_keeper(settings, post) if post.role == "keeper" else _server(settings, post))
    return await (_parent(settings) if settings["workers"] > 1 else _alone(settings))


async def _alone(settings: Settings) -> int:
    """Everything in this process."""
    with server.stopped_by_signals() as stop, _bound(settings) as sockets:
        certificate = _certificate(settings)
        async with house.opened(settings) as home, asyncio.TaskGroup() as group:
            await _warn(home)
            readiness = Readiness(len(sockets), lambda: systemd.notify("READY=1"))
            _background(group, home, stop)
            _answer(group, home, home.app(readiness=readiness), sockets, stop, readiness, certificate)
            if certificate is not None:
                group.create_task(certificate.keep(stop))
            await _announce(home, sockets)
            await stop.wait()
            systemd.notify("STOPPING=1")
    return Exit.OK


async def _parent(settings: Settings) -> int:
    """Workers in other processes."""
    from margelle.cli.crew import Crew

    with server.stopped_by_signals() as stop, _bound(settings) as sockets:
        try:
            await Crew(settings["workers"], sockets, settings["shutdown.delay_s"] + settings["shutdown.grace_s"]).run(
                stop
            )
        except Gone as gone:  # it has said why
            return gone.code if gone.code > 0 else Exit.FAILED
    return Exit.OK


async def _server(settings: Settings, post: Post) -> int:
    """A worker that answers."""
    sockets = [socket.socket(fileno=number) for number in post.sockets]
    certificate = _certificate(settings, renews=False)
    with server.stopped_by_signals() as stop:
        async with _hub(settings, post, stop) as (home, line), asyncio.TaskGroup() as group:
            if settings["collect.enabled"]:
                home.heard()  # what the keeper would refuse is refused here, before the keeper of before has left
            readiness = Readiness(len(sockets), line.ready)
            _answer(group, home, home.app(readiness=readiness), sockets, stop, readiness, certificate)
            group.create_task(home.meanings.follow(stop))
            if certificate is not None:
                group.create_task(certificate.keep(stop))
    return Exit.OK


async def _keeper(settings: Settings, post: Post) -> int:
    """The worker that does all else."""
    sockets = [socket.socket(fileno=number) for number in post.sockets]
    certificate = _certificate(settings)
    with server.stopped_by_signals() as stop:
        async with _hub(settings, post, stop) as (home, line), asyncio.TaskGroup() as group:
            if post.first:
                await _warn(home)
                await _announce(home, sockets)
            if settings["metrics"]:
                from margelle.serve.metrics import counted
                from margelle.serve.traffic import TOPIC, Traffic

                line.answer(TOPIC, lambda _: counted(Traffic(())).told())
            for one in sockets:  # it was only told what they are
                one.close()
            _background(group, home, stop)
            if certificate is not None:
                group.create_task(certificate.keep(stop))
            line.ready()
    return Exit.OK


@asynccontextmanager
async def _hub(settings: Settings, post: Post, stop: asyncio.Event) -> AsyncIterator[tuple[House, Line]]:
    """The installation, with the line to the other workers. It ends with the parent; at once, where it was ending already."""
    line = Line(await Wire.over(socket.socket(fileno=post.line)))

    async def listen() -> None:
        await line.run()
        if stop.is_set():
            os._exit(Exit.FAILED)
        stop.set()

    listening = asyncio.create_task(listen())
    try:
        async with house.opened(settings) as home:
            home.siblings = line
            yield home, line
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await line.close()


def _background(group: asyncio.TaskGroup, home: House, stop: asyncio.Event) -> None:
    """What is done beside answering, by one process of a hub."""
    group.create_task(home.folder().run(stop))
    if home.settings["collect.enabled"]:
        collector = home.collector()
        if listener := home.listener(collector):
            group.create_task(listener.run(stop))
        group.create_task(collector.run(stop))
        group.create_task(home.reviewer().run(stop))
    else:
        group.create_task(home.meanings.follow(stop))
        group.create_task(home.pruner().run(stop))


def _answer(
    group: asyncio.TaskGroup,
    home: House,
    app: Starlette,
    sockets: list[socket.socket],
    stop: asyncio.Event,
    readiness: Readiness,
    certificate: Certificate | None,
) -> None:
    """A server on each of the sockets: plain on the first, with TLS on the second."""
    contexts = (None, certificate.context if certificate is not None else None)
    settings = home.settings
    for bound, context in zip(sockets, contexts, strict=False):
        answering = server.serve(
            app,
            bound,
            stop,
            proxies=settings["trusted_proxies"],
            tls=context,
            readiness=readiness,
            repeats=app.state.repeats,
            delay_s=settings["shutdown.delay_s"],
            grace_s=settings["shutdown.grace_s"],
        )
        group.create_task(answering)


@contextmanager
def _bound(settings: Settings) -> Iterator[list[socket.socket]]:
    """The sockets that listen, the second one for TLS. Raises Conflict and ConfigError."""
    with server.bind(settings["host"], settings["port"]) as plain:
        if not settings["tls.port"]:
            yield [plain]
            return
        with server.bind(settings["host"], settings["tls.port"], "--tls-port ") as secure:
            yield [plain, secure]


def _certificate(settings: Settings, *, renews: bool = True) -> Certificate | None:
    return Certificate(keyring_of(settings), utc_now, renews=renews) if settings["tls.port"] else None


async def _announce(home: House, sockets: list[socket.socket]) -> None:
    from margelle.serve import newcomer
    from margelle.vendors import VENDORS

    settings = home.settings
    url = settings["public_url"].rstrip("/") or server.url_of(sockets[0])
    if settings["pages"]:
        say(f"Pages:  {url}/")
    for name, vendor in VENDORS.items():
        say(f"Face:   {url}/{name}  (as {vendor.title})")
    for secure in sockets[1:]:
        say(
            f"TLS:    {server.url_of(secure, 'https')}/  (also as {', '.join(vendor.host for vendor in VENDORS.values())})"
        )
    say(f"Data:   {settings.data_dir}")
    if settings["pages"] and (code := await newcomer.offer(home.store)):
        say(f"First user: {url}/welcome  with the code {code}  (or here: margelle user add you@example.org)")


async def _warn(home: House) -> None:
    settings = home.settings
    if not settings["pages"] and not await home.store.users():
        _log.warning("Nobody can sign in yet: add a user with `margelle user add`")
    if not _is_loopback(settings["host"]) and not settings["public_url"].startswith("https://"):
        _log.warning(
            "Passwords cross your network unencrypted: put a proxy with TLS in front, and set public_url to its https address"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
