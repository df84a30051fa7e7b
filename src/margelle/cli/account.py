"""`margelle account`: from which logins at which vendors' clouds this hub collects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from margelle.cli import adding
from margelle.cli.callback import PORT
from margelle.cli.terminal import (
    Exit,
    JsonOption,
    counted,
    invocation,
    note,
    password,
    run,
    say,
    say_json,
    table,
)
from margelle.cli.wanted import Wanted
from margelle.errors import BadInput, Limited, MargelleError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.site import Account
    from margelle.ports import Store

app = typer.Typer(help="Logins at vendors' clouds. This hub collects from them.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, as `margelle account list` shows it.")]


@app.command(
    epilog="Example: margelle account add ondilo\n\nExample: margelle account add ondilo --paste\n\n"
    "Example: margelle account add ondilo --login me@example.org\n\n"
    "Example: margelle account add flipr --bluetooth F2B123"
)
def add(
    context: typer.Context,
    vendor: Annotated[str, typer.Argument(metavar="VENDOR", help="Whose cloud: ondilo, flipr or baxo.")],
    owner: Annotated[
        str, typer.Option(metavar="LOGIN", help="The user of this hub who will see it. Needed where there are several.")
    ] = "",
    login: Annotated[
        str,
        typer.Option(metavar="LOGIN", help="Sign in with this e-mail and a password here, instead of with a browser."),
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password of --login from standard input.")
    ] = False,
    paste: Annotated[
        bool,
        typer.Option("--paste", help="Sign in with a browser on another machine, and paste the address where it ends."),
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Whether to open the browser for you.")
    ] = True,
    callback_port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=1, max=65535, help="The port on this machine to which the browser comes back."
        ),
    ] = PORT,
    base_url: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Another cloud than the vendor's own: `margelle clouds`, or another hub's face."
        ),
    ] = "",
    realm: Annotated[
        str, typer.Option(metavar="NAME", help="What keeps that cloud's ids apart. Default: its host and port.")
    ] = "",
    bluetooth: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS|NAME",
            help="A probe that this machine hears over Bluetooth, by its address or the name that it shows, instead of a login.",
        ),
    ] = "",
    serial: Annotated[
        str,
        typer.Option(
            metavar="SERIAL",
            help="With --bluetooth: the probe's serial, where it shows another name or none.",
        ),
    ] = "",
    name: Annotated[
        str,
        typer.Option(
            "--id",
            metavar="NAME",
            help="The account's id here. Default: the vendor's name. One that exists is signed in again.",
        ),
    ] = "",
) -> None:
    """Add an account, or sign in again.

    An account whose login no longer works is signed in again. Without --login, prints an address where you sign in at the vendor's with a browser; your password is then never seen here. What is kept
    is a token, encrypted; of BAXO Connect, which wants --login and has no tokens, the password itself.
    """
    settings = invocation(context).settings()
    if bluetooth or serial:
        if login or base_url or realm or not bluetooth:
            raise BadInput("--bluetooth goes without --login, --base-url and --realm, and --serial only with it.")
        raise typer.Exit(run(adding.add_nearby(settings, vendor, owner, bluetooth, serial, name)))
    secret = password(from_stdin=password_stdin, confirm=False, prompt=f"Password of {login}") if login else ""
    way = adding.Way(secret, paste, browser, callback_port)
    wanted = Wanted(vendor, owner, login, base_url.rstrip("/"), realm, name)
    raise typer.Exit(run(adding.add(settings, wanted, way)))


@app.command("list", epilog="Example: margelle account list --json")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the accounts.

    Whose they are, how many sites they have, and whether something is wrong.
    """
    rows = run(_listed(invocation(context).settings()))
    if as_json:
        say_json(rows)
    elif rows:
        heads = ("id", "vendor", "login", "owner", "cloud", "sites", "state")
        table([head.upper() for head in heads], [[str(row[head]) for head in heads] for row in rows])
    else:
        note("There is no account yet. Add one: margelle account add ondilo")


@app.command(epilog="Example: margelle account check ondilo")
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id. Default: all of them.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Check that the login works.

    Asks the account's cloud one thing; that costs one or two requests of its budget.
    """
    checks = run(_checked(invocation(context).settings(), name))
    if as_json:
        say_json(checks)
    for one in [] if as_json else checks:
        word = {True: "works", False: "FAILED", None: "not checked"}[one["ok"]]
        say(f"{one['id']}: {word}. {one['what']}")
        if left := requests_left(one):
            say(f"  {left}")
    raise typer.Exit(Exit.OK if all(one["ok"] for one in checks) else Exit.NEEDS_USER)


@app.command(epilog="Example: margelle account pause ondilo")
def pause(context: typer.Context, name: Id) -> None:
    """Ask an account's cloud nothing for a while.

    Until `margelle account resume`. What its cloud still remembers then is fetched.
    """
    run(_pause(invocation(context).settings(), name, paused=True))
    say(f"{name} is paused. To go on: margelle account resume {name}")


@app.command(epilog="Example: margelle account resume ondilo")
def resume(context: typer.Context, name: Id) -> None:
    """Collect from an account again."""
    run(_pause(invocation(context).settings(), name, paused=False))
    say(f"{name} is collected again.")


@app.command(epilog="Example: margelle account remove ondilo")
def remove(context: typer.Context, name: Id) -> None:
    """Stop collecting from an account.

    Its login is forgotten. Everything measured stays.
    """
    kept = run(_remove(invocation(context).settings(), name))
    say(f"{name} is removed, and its token forgotten. {counted(kept, 'measurement')} kept.")


async def _listed(settings: Settings) -> list[dict[str, Any]]:
    from margelle.cli import house

    async with house.opened(settings) as home:
        return [await _row(home, account) for account in await home.store.accounts()]


async def _row(home: House, account: Account) -> dict[str, Any]:
    wrong = await home.store.incidents(account.id, open_only=True)
    return {
        "id": account.id,
        "vendor": account.vendor,
        "login": account.login or account.person.email,
        "owner": account.owner,
        "cloud": "none: this hub" if account.is_own else account.base_url or home.vendor(account.vendor).base_url,
        "realm": account.realm,
        "sites": len(await home.store.sites(account=account.id)),
        "state": ", ".join([*(["paused"] if account.paused else []), *sorted({one.kind for one in wrong})]) or "ok",
    }


async def _checked(settings: Settings, name: str) -> list[dict[str, Any]]:
    from margelle.cli import house

    async with house.opened(settings) as home:
        accounts = [await _account(home.store, name)] if name else await home.store.accounts()
        return [await _check(home, account) for account in accounts]


async def _account(store: Store, name: str) -> Account:
    account = await store.account(name)
    if account is None:
        raise NotFound(f"There is no account {name!r}.", hint="`margelle account list` shows those there are.")
    return account


async def _check(home: House, account: Account) -> dict[str, Any]:
    ok: bool | None = True
    if account.is_own:
        return {"id": account.id, "ok": ok, "what": "There is no cloud behind it.", **home.requests_left(account)}
    try:
        what = await _ask_one(home, account)
    except MargelleError as error:
        ok, what = (None if isinstance(error, Limited) else False), str(error)
    return {"id": account.id, "ok": ok, "what": what, **home.requests_left(account)}


def requests_left(told: Mapping[str, Any]) -> str:
    """What is left of an account's request budget, as a sentence; empty where it has none."""
    if "requests_left" not in told:
        return "It is read over Bluetooth: no cloud is asked, and each reading is paid for by the probe's battery."
    if not told["requests_allowed"]:
        return ""
    return f"{told['requests_left']} of {told['requests_allowed']} requests are left for this hour."


async def _ask_one(home: House, account: Account) -> str:
    now = home.clock()
    source = home.source(account)
    for site in await home.store.sites(account=account.id):
        for probe in await home.store.probes(site.id):
            if probe.vendor != site.vendor:  # measured by hand
                continue
            batch = await source.latest(probe, now)
            return f"{site.name}: {counted(len(batch.measurements), 'value')}."
    discovery = await source.discover(now)
    return f"{counted(len(discovery.sites), 'site')}."


async def _pause(settings: Settings, name: str, *, paused: bool) -> None:
    from msgspec.structs import replace

    from margelle.cli import house

    async with house.opened(settings) as home:
        account = await _account(home.store, name)
        await home.store.put_account(replace(account, paused=paused))
        await home.record_on(account, "pause" if paused else "resume", "done")


async def _remove(settings: Settings, name: str) -> int:
    from margelle.cli import house

    async with house.opened(settings) as home:
        account = await _account(home.store, name)
        await home.store.remove_account(account.id)
        await home.record_on(account, "remove account", "removed; its measurements stay")
        return await home.store.count()
