"""`margelle demo`: imitated clouds and a hub that collects from them, on this machine only."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from msgspec import Struct

from margelle.cli.terminal import invocation, note
from margelle.errors import BadInput, Conflict, StoreError

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.collect.loop import Collector
    from margelle.config import Settings
    from margelle.domain.site import Site, User
    from margelle.ports import Store
    from margelle.simulate.clouds import Clouds

EMAIL: Final = "demo@margelle.example"
PASSWORD: Final = "margelle-demo"  # noqa: S105 - announced, and for a hub that only this machine reaches
REALM: Final = "demo"
TAGS: Final = {"NIVEAU": "level", "PH": "ph", "CONDUCTIVITE": "conductivity", "REDOX": "orp"}
"""What the tags of the imitated stations are; but for one, DEBIT, so that there is something to say on their pages of tags."""
HOURLY: Final = 1000
"""Requests in an hour: the demo's clouds have no quotas."""
_SETTINGS: Final = f"""\
# Written by `margelle demo`: with --config and this file, other commands look into the same folder.
data_dir = "."
key_file = "key"

[collect]
requests_per_hour = {HOURLY}

[baxo.tags]
{"".join(f"{tag} = {quantity!r}{chr(10)}" for tag, quantity in TAGS.items())}"""
_LONG_AGO: Final = timedelta(days=21)
"""Readings this old show that the month was collected; at its very beginning a probe may have been silent for some days."""
_SET_BACK: Final = timedelta(days=7)
"""Less than what a month is longer than `_LONG_AGO`."""
_LOOK_EVERY_S: Final = 0.5
_PATIENCE_S: Final = 15.0
_CLOUD_S: Final = 600.0
"""How long the clouds may take to answer: they share a process with the hub, and on a busy machine that is long."""


class Login(Struct, frozen=True):
    """Who signs in to the demo's hub; `own` says that the password came from the environment."""

    email: str
    password: str
    own: bool

    @property
    def shown(self) -> str:
        """The password where it may be printed, else nothing."""
        return "" if self.own else self.password


def demo(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", help="The hub's port; 0 for any free one. Default: PORT, else 8080.", min=0, max=65535
        ),
    ] = None,
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder to keep everything in; used again at the next start.")
    ] = Path("margelle-demo"),
) -> None:
    """Show a hub at work on imitated clouds.

    Nothing to own or to configure; only this machine reaches it. Ctrl-C ends it. Starts the clouds (without the vendors' quotas, so that the first month is there in seconds) and a hub that collects from them by HTTP and OAuth2. The
    login is demo@margelle.example with margelle-demo, or what MARGELLE_DEMO_EMAIL and MARGELLE_DEMO_PASSWORD say.
    """
    from margelle.cli import logs, server
    from margelle.config import FILE_NAME

    folder = data.absolute()
    settings = invocation(context).settings(
        data_dir=str(folder),
        store="",
        key_file=str(folder / "key"),
        host="127.0.0.1",
        port=port if port is not None else port_of(os.environ),
        public_url="",
        baxo__tags=None if (folder / FILE_NAME).is_file() else TAGS,  # later, what stands in the file counts
        collect__requests_per_hour=HOURLY,
        collect__timeout_s=_CLOUD_S,
    )
    if settings.origin("log_level") == "default" and not invocation(context).debug:
        logs.set_up("warning", settings["log_format"])
    server.run(_run(settings, login_of(os.environ), by_environ=port is None and port_of(os.environ) is not None))


def port_of(environ: Mapping[str, str]) -> int | None:
    """The port that PORT names, if any. Raises BadInput."""
    text = environ.get("PORT", "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= 65535):
        raise BadInput(f"PORT is {text!r:.40}, but it must be a whole number from 0 to 65535.")
    return int(text) if text else None


def login_of(environ: Mapping[str, str]) -> Login:
    """The login that the environment wants. Raises BadInput for what is no text."""
    email, password = environ.get("MARGELLE_DEMO_EMAIL") or EMAIL, environ.get("MARGELLE_DEMO_PASSWORD") or PASSWORD
    for name, value in (("MARGELLE_DEMO_EMAIL", email), ("MARGELLE_DEMO_PASSWORD", password)):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise BadInput(f"{name} is not UTF-8 text.") from error
    return Login(email, password, own=password != PASSWORD)


async def _run(settings: Settings, login: Login, *, by_environ: bool) -> None:
    from margelle.cli import server
    from margelle.cli.lock import held
    from margelle.config import FILE_NAME

    busy = held(
        settings.data_dir / "demo.lock",
        f"Another demo runs in {settings.data_dir}",
        "Stop it, or choose a folder with --data.",
    )
    with (
        server.stopped_by_signals() as stop,
        busy,
        server.bind("127.0.0.1", settings["port"], "PORT=" if by_environ else "--port ") as hub,
        server.bind("127.0.0.1", 0) as cloud,
    ):
        note(f"Starting in {settings.data_dir}")
        _write_settings(settings.data_dir / FILE_NAME)
        await _live(settings, login, hub, cloud, stop)
        note(f"Ended. The data stay in {settings.data_dir}.")


def _write_settings(file: Path) -> None:
    """Let other commands find what the demo works with, unless somebody has written there already. All of it or nothing."""
    draft = file.with_name(f".{file.name}.part")  # ours alone: the folder is locked
    try:
        if not file.exists():
            draft.write_text(_SETTINGS, encoding="utf-8")
            draft.replace(file)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from error


async def _live(
    settings: Settings, login: Login, hub: socket.socket, cloud: socket.socket, stop: asyncio.Event
) -> None:
    from margelle.cli import clouds, house, server, welcome
    from margelle.ports import Rate
    from margelle.simulate import people
    from margelle.simulate.clouds import Clouds
    from margelle.simulate.pool import POOLS
    from margelle.vendors import VENDORS

    secret, ready = secrets.token_urlsafe(16), asyncio.Event()
    store = clouds.open_in(settings.data_dir / "clouds", settings)
    try:
        if await _demand_time(store) is None:
            note("Making a year of water, this first time: half a minute, or more on a busy machine")
        async with house.opened(settings, pace=(Rate(100, 1),)) as home, asyncio.TaskGroup() as group:
            made = Clouds(
                store,
                list(VENDORS.values()),
                home.clock,
                seed=people.SEED,
                users=people.people(secret)[:1],
                pools=POOLS[:1],
            )
            group.create_task(server.serve(home.app(public_page=True, ready=ready.is_set, demo=True), hub, stop))
            group.create_task(server.serve(made.app(quotas=False), cloud, stop))
            collector = home.collector()
            if await server.until(stop, _prepare(home, made, collector, login, server.url_of(cloud), secret)):
                group.create_task(made.run(stop))
                group.create_task(collector.run(stop))
                group.create_task(home.reviewer().run(stop))
                ready.set()
                welcome.announce(settings, login.email, login.shown, server.url_of(hub), server.url_of(cloud))
    finally:
        await store.close()


async def _demand_time(clouds: Store) -> datetime | None:
    """How far an earlier run came, None where there was none. Raises Conflict where the clock is so far behind an earlier run that the last month, by this clock, was never collected."""
    from margelle.cli.terminal import utc_now
    from margelle.simulate.clouds import reached

    now, before = utc_now(), await reached(clouds)
    if before and before - now > _SET_BACK:
        raise Conflict(
            f"The clock says {now:%Y-%m-%d}, and this folder's demo has lived until {before:%Y-%m-%d} already.",
            hint="Set the clock right, or choose a new folder with --data.",
        )
    return before


async def _prepare(home: House, made: Clouds, collector: Collector, login: Login, cloud_url: str, secret: str) -> None:
    """Fill the clouds, let the hub know its user and their accounts at the clouds, and collect what they have."""
    from margelle.cli import clouds

    await clouds.fill(made)
    user = await _settle_user(home, login)
    note("Collecting a month of history")
    for vendor in home.vendors:
        await _connect(home, vendor, user.email, f"{cloud_url}/{vendor}", secret)
    await _collect_first(home, collector, user.email)


async def _settle_user(home: House, login: Login) -> User:
    """Make `login` the hub's user, and the only one: the demo of before may have had another."""
    from msgspec.structs import replace

    from margelle.domain.site import User
    from margelle.serve.sign_in import hash_password

    known = await home.store.user(login.email) or User(login.email, "", "Camille", "Martin")
    user = replace(known, password_hash=hash_password(login.password))
    await home.store.put_user(user)
    for account in await home.store.accounts():
        await home.store.put_account(replace(account, owner=user.email))
    for other in await home.store.users():
        if other.email != user.email:
            await home.store.remove_user(other.email)
    return user


async def _connect(home: House, vendor: str, owner: str, base_url: str, secret: str) -> None:
    """Let the account point to where its cloud is this time, and sign in to it."""
    from msgspec.structs import replace

    from margelle.cli.connections import enter
    from margelle.domain.site import Account
    from margelle.simulate import people

    known = await home.store.account(vendor) or Account(vendor, vendor, owner, people.OWNER, realm=REALM)
    account = replace(known, owner=owner, base_url=base_url)
    token = await home.connector(account).sign_in(people.OWNER, secret)
    await enter(home, account, token)


async def _collect_first(home: House, collector: Collector, email: str) -> None:
    """Collect until the user sees all that the demo promises."""
    await collector.round()
    waited_s = 0.0
    while missing := await _missing(home, email):
        if waited_s % _PATIENCE_S == 0:
            note(f"Not there yet: {missing}")
            if waited_s:  # a busy machine may have cut off an answer, and it would be asked for again only tomorrow
                collector.look_again()
        await asyncio.sleep(_LOOK_EVERY_S)
        waited_s += _LOOK_EVERY_S
        await collector.round()


async def _missing(home: House, email: str) -> str:
    """What the demo promises and the user does not see yet, or nothing."""
    from margelle.collect.report import reports

    for report in await reports(home.store, home.spending, home.clock()):
        for past in report.past:
            if past.ok_at is None:
                return f"{past.act} {past.subject} {past.quantity}".rstrip()
    sites = await home.store.sites(seen_by=email)
    kinds = {site.disinfection.primary for site in sites}
    for kind in ("chlorine", "salt"):
        if kind not in kinds:
            return f"a {kind} pool"
    for site in sites:
        if not await _has_month(home, site):
            return f"a month of {site.name}"
    advised = [one for site in sites for one in await home.store.recommendations(site.id, waiting=False)]
    return "" if advised else "a recommendation"


async def _has_month(home: House, site: Site) -> bool:
    """Whether a device of the site has measured for a month, as far as the hub knows."""
    until = home.clock() - _LONG_AGO
    for probe in await home.store.probes(site.id):
        for quantity in await home.store.quantities(probe.id) if probe.serial else ():
            if await home.store.history(probe.id, quantity, None, until, 1):
                return True
    return False
