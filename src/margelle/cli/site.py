"""`margelle site`: sites of the hub's own, with no vendor's cloud behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from margelle.cli.terminal import JsonOption, brief, invocation, note, run, say, say_json, table
from margelle.cli.wanted import owner_named

if TYPE_CHECKING:
    from margelle.config import Settings
    from margelle.domain.site import Probe, Site
    from margelle.intake.own import Described

app = typer.Typer(
    help="Sites of your own. With no cloud behind them: measured by hand, or by what sends to the hub.",
    no_args_is_help=True,
)


@app.command(epilog="Example: margelle site add 'Garden pool' --kind pool --volume 48 --time-zone Europe/Paris")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="How people call it.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help="pool, spa, tank, plant or other.")] = "pool",
    volume: Annotated[float | None, typer.Option(metavar="M3", min=0, help="Its volume in cubic metres.")] = None,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Its time zone, such as Europe/Paris.")] = "UTC",
    key: Annotated[
        str, typer.Option("--id", metavar="WORD", help="What its id is made of. Default: its name in small letters.")
    ] = "",
    owner: Annotated[str, typer.Option(metavar="LOGIN", help="Whose it is. Default: the only user there is.")] = "",
) -> None:
    """Add a site.

    It has one probe, to which `margelle measure`, `margelle import`, HTTP and MQTT bring measurements. It shows on the pages and on every face.
    """
    from margelle.intake import own

    settings = invocation(context).settings()
    wanted = own.described(name, kind, volume, time_zone)
    site, probe = run(_add(settings, owner, wanted, key))
    say(f"{site.id} is there; its probe is {probe.id}.")


@app.command("list", epilog="Example: margelle site list --json")
def list_(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the sites of your own."""
    rows = run(_listed(invocation(context).settings()))
    if as_json:
        say_json(rows)
    elif rows:
        heads = ("id", "name", "kind", "probe", "owner")
        table([head.upper() for head in heads], [[brief(str(row[head])) for head in heads] for row in rows])
    else:
        note("There is no site of your own yet. Add one: margelle site add 'Garden pool'")


@app.command(epilog="Example: margelle site remove own:garden-pool")
def remove(context: typer.Context, site: Annotated[str, typer.Argument(metavar="SITE", help="The site's id.")]) -> None:
    """Remove a site.

    It no longer shows. Everything measured stays, and shows again when a site with the same id is added.
    """
    run(_remove(invocation(context).settings(), site))
    say(f"{site} is removed. Its measurements stay.")


async def _add(settings: Settings, owner: str, wanted: Described, key: str) -> tuple[Site, Probe]:
    from margelle.cli import house
    from margelle.intake import own

    async with house.opened(settings) as home:
        site, probe = await own.add(home.store, await owner_named(home.store, owner), wanted, home.clock(), key=key)
        await home.record("add site", site.id, "added", site.id)
        return site, probe


async def _remove(settings: Settings, name: str) -> None:
    from margelle.cli import house
    from margelle.intake import own

    async with house.opened(settings) as home:
        await own.remove(home.store, name, home.clock())
        await home.record("remove site", name, "removed", name)


async def _listed(settings: Settings) -> list[dict[str, Any]]:
    from margelle.cli import house

    async with house.opened(settings, only_reads=True) as home:
        return [
            {"id": site.id, "name": site.name, "kind": site.kind, "probe": probe.id, "owner": account.owner}
            for account in await home.store.accounts()
            if account.is_own
            for site in await home.store.sites(account=account.id)
            for probe in await home.store.probes(site.id)
        ]
