"""`margelle clouds`: the vendors' clouds, imitated on this machine."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from margelle.cli.terminal import invocation, password, progress, say, utc_now
from margelle.simulate.people import NEIGHBOUR, OWNER, SEED, people

if TYPE_CHECKING:
    from margelle.config import Settings
    from margelle.domain.site import User
    from margelle.ports import Clock, Store
    from margelle.simulate.clouds import Clouds
    from margelle.simulate.faults import Faults


def clouds(
    context: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", help="The port to listen on; 0 for any free one.", min=0, max=65535)
    ] = 8081,
    tls_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="The port to speak TLS on as well, as the vendors' own hosts, after `margelle tls init`. Default: none.",
            min=0,
            max=65535,
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Their folder. Default: clouds, in the data folder.")
    ] = None,
    seed: Annotated[
        str, typer.Option(metavar="TEXT", help="The water follows from it: the same seed, the same water.")
    ] = SEED,
    speed: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            help="How many times faster than the world's their clock runs. A hub whose clock is the world's doubts what lies ahead of it.",
        ),
    ] = 1.0,
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="What time it is there at first: 2026-07-14T12:00Z. Default: now."),
    ] = None,
    quotas: Annotated[
        bool, typer.Option("--quotas/--no-quotas", help="Whether they enforce the documented request quotas.")
    ] = True,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password of their users from standard input. Default: a new one, printed.",
        ),
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:PROBABILITY]",
            help="Let a fault happen, always or with this probability. May be repeated.",
        ),
    ] = None,
    faults_list: Annotated[
        bool, typer.Option("--faults-list", help="Show every fault, where it was seen and what it fits, and end.")
    ] = False,
) -> None:
    """Imitate the vendors' clouds.

    For trying a hub or another client without a probe. Ctrl-C ends them. They have a year of believable water in several pools, go on measuring, recommend, and enforce quotas and token life as documented. Collect from them with
    margelle account add ondilo --base-url http://127.0.0.1:8081/ondilo --login owner@clouds.example
    """
    from margelle.cli import server
    from margelle.cli.export import instant

    if faults_list:
        _list_faults()
        return
    settings = invocation(context).settings()
    faults = _faults(seed, fault or [])
    secret = password(from_stdin=True) if password_stdin else secrets.token_urlsafe(9)
    folder = (data or settings.data_dir / "clouds").absolute()
    start = instant(at)
    plan = _Plan(folder, seed, speed, start, quotas, "" if password_stdin else secret)
    server.run(_run(settings, plan, (host, port, tls_port), people(secret), faults))


def _faults(seed: str, told: Sequence[str]) -> Faults:
    from margelle.simulate.faults import Faults

    faults = Faults(seed)
    for name, probability in chosen(told):
        faults.choose(name, probability)
    return faults


def chosen(told: Sequence[str]) -> list[tuple[str, float]]:
    """The faults and probabilities of `--fault`, each `NAME` or `NAME:PROBABILITY`. Raises BadInput."""
    from margelle.errors import BadInput

    faults = []
    for text in told:
        name, colon, probability = text.partition(":")
        try:
            faults.append((name, float(probability) if colon else 1.0))
        except ValueError as error:
            raise BadInput(
                f"--fault {text[:60]!r} has no probability after its colon.", hint="Write it as html-502:0.2."
            ) from error
    return faults


def _list_faults() -> None:
    from margelle.simulate.faults import CATALOGUE

    for fault in CATALOGUE:
        say(fault.name)
        say(f"  {fault.what}")
        say(f"  Seen: {fault.seen}")
        say(f"  Fits: {', '.join(fault.operations)}")


class _Plan(Struct, frozen=True):
    """How the clouds are to run. `shown` is the password to print, empty where the user knows it."""

    folder: Path
    seed: str
    speed: float
    at: datetime | None
    quotas: bool
    shown: str


def open_in(folder: Path, settings: Settings) -> Store:
    """The clouds' own store in `folder`."""
    from margelle.store import open_store
    from margelle.store.vault import Vault

    folder.mkdir(parents=True, exist_ok=True)
    return open_store(str(folder / "clouds.sqlite"), Vault.open(settings.key_file))


async def fill(clouds: Clouds) -> None:
    """Bring the clouds up to the present, with a progress bar."""
    with progress("Filling the clouds with a year of water") as told:
        await clouds.start(told)


async def _clock(store: Store, plan: _Plan) -> Clock:
    """The world's clock, or a faster or other one; never behind what the clouds have told already."""
    from margelle.simulate.clock import FastClock
    from margelle.simulate.clouds import reached

    now, before = utc_now(), await reached(store)
    start = plan.at or (max(now, before) if before else now)
    return utc_now if plan.speed == 1 and start == now else FastClock(start, plan.speed, utc_now)


async def _run(
    settings: Settings, plan: _Plan, where: tuple[str, int, int | None], users: Sequence[User], faults: Faults
) -> None:
    from margelle.cli import server
    from margelle.cli.lock import held
    from margelle.cli.tls import Certificate, keyring_of
    from margelle.simulate.clouds import Clouds
    from margelle.vendors import VENDORS

    busy = held(
        plan.folder / "clouds.lock",
        f"Other clouds run in {plan.folder} already",
        "Give these another folder with --data.",
    )
    host, port, tls_port = where
    certificate = None if tls_port is None else Certificate(keyring_of(settings), utc_now)
    with (
        server.stopped_by_signals() as stop,
        server.bind(host, port) as bound,
        nullcontext() if tls_port is None else server.bind(host, tls_port, "--tls-port ") as secure,
        busy,
    ):
        store = open_in(plan.folder, settings)
        try:
            made = Clouds(store, list(VENDORS.values()), await _clock(store, plan), seed=plan.seed, users=users)
            app = made.app({name: settings.section(name) for name in VENDORS}, quotas=plan.quotas, faults=faults)
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve(app, bound, stop))
                if certificate and secure:
                    group.create_task(server.serve(app, secure, stop, tls=certificate.context))
                    group.create_task(certificate.keep(stop))
                if await server.until(stop, fill(made)):
                    _announce(server.url_of(bound), server.url_of(secure, "https") if secure else None, plan, faults)
                    group.create_task(made.run(stop))
        finally:
            await store.close()


def _announce(url: str, secure: str | None, plan: _Plan, faults: Faults) -> None:
    from margelle.vendors import VENDORS

    for name, vendor in VENDORS.items():
        say(f"Cloud:     {url}/{name}  (as {vendor.title}, {vendor.base_url})")
    if secure:
        say(f"TLS:       {secure}  (also as {', '.join(vendor.host for vendor in VENDORS.values())})")
    say(f"Logins:    {OWNER}, {NEIGHBOUR}")
    say(f"Password:  {plan.shown or 'the one you gave'}")
    say(f"Quotas:    {'as documented' if plan.quotas else 'none'}")
    say(f"Faults:    {', '.join(faults.chosen) or 'none'}  (chosen at {url}/clouds/faults, log at {url}/clouds/log)")
    say(f"Data:      {plan.folder}")
