"""`margelle serve` and `margelle collect`: the hub at work, in one process or in several."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from margelle.cli.terminal import Exit, invocation, note, run, say
from margelle.errors import Conflict

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings

_log = logging.getLogger("margelle.cli")


def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="The address to listen on; 0.0.0.0 for the whole network. Default: 127.0.0.1."
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="The port to listen on; 0 for any free one. Default: 8080.")
    ] = None,
    tls_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", help="The port to speak TLS on as well, after `margelle tls init`. Default: none."
        ),
    ] = None,
    collect: Annotated[
        bool | None, typer.Option("--collect/--no-collect", help="Whether to collect as well. Default: yes.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="How many processes answer; with more than one, another one collects. Default: 1."
        ),
    ] = None,
) -> None:
    """Run the hub: collect, and serve.

    It collects from every account, and serves the vendors' APIs and the pages. Ctrl-C ends it.

    With several workers SIGHUP renews them one after another, and no request is lost.

    The faces are below /<vendor>: give http://host:port/ondilo to a client instead of https://interop.ondilo.com. Over TLS the hub also answers as that host itself.
    """
    from margelle.cli import server, serving

    settings = invocation(context).settings(
        host=host, port=port, tls__port=tls_port, collect__enabled=collect, workers=workers
    )
    if code := server.run(serving.serve(settings)):
        raise typer.Exit(code)


def collect(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Ask what is due now, then end; exit code 3 if something needs you.")
    ] = False,
) -> None:
    """Collect, without serving.

    From every account, until Ctrl-C. For a hub in two processes, beside `margelle serve --no-collect`; or with --once from cron.
    """
    from margelle.cli import server

    settings = invocation(context).settings()
    if once:
        raise typer.Exit(run(_collect_once(settings)))
    server.run(_collect(settings))


@asynccontextmanager
async def collecting_alone(home: House) -> AsyncIterator[str]:
    """The right to collect from every account, under this name, while no other collector runs. Raises Conflict."""
    from margelle.collect import holder
    from margelle.collect.claims import LEASE_S

    name, now = holder.new(), home.clock()
    await home.store.claim(name, now, LEASE_S)
    try:
        others = [one for one in await home.store.collectors(now) if one != name and not holder.is_dead(one)]
        if others:
            raise Conflict(
                f"Another process collects into {home.settings.data_dir} already (process {others[0].split()[-2]}).",
                hint="It asks what is due by itself.",
            )
        yield name
    finally:
        await home.store.release(name)


async def _collect(settings: Settings) -> None:
    from margelle.cli import house, server

    with server.stopped_by_signals() as stop:
        async with house.opened(settings) as home, asyncio.TaskGroup() as group:
            say(f"Data:   {settings.data_dir}")
            collector = home.collector()
            if listener := home.listener(collector):
                group.create_task(listener.run(stop))
            group.create_task(home.folder().run(stop))
            group.create_task(collector.run(stop))
            group.create_task(home.reviewer().run(stop))


async def _collect_once(settings: Settings) -> Exit:
    from margelle.cli import house

    async with house.opened(settings) as home:
        async with collecting_alone(home) as name:
            note("Asking what is due")
            due_at = await home.collector(name).round()
        say(f"Done. Next: {due_at:%Y-%m-%d %H:%M} UTC." if due_at else "Done. There is no account to collect from.")
        wrong = await home.store.incidents(open_only=True)
        return Exit.NEEDS_USER if any(one.needs_user for one in wrong) else Exit.OK
