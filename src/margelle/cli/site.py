"""`margelle site`: sites of the hub's own, with no vendor's cloud behind them."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any

import typer

from margelle.cli.terminal import JsonOption, brief, invocation, note, run, say, say_json, table
from margelle.cli.wanted import owner_named
from margelle.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.site import Account, Probe, Site, SiteKind

app = typer.Typer(
    help="Sites of your own. With no cloud behind them: measured by hand, or by what sends to the hub.",
    no_args_is_help=True,
)

KINDS = ("pool", "spa", "tank", "plant", "other")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


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
    settings = invocation(context).settings()
    if volume is not None and not math.isfinite(volume):
        raise BadInput("A volume is a number of cubic metres.")
    if kind not in KINDS:
        raise BadInput(f"There is no kind of site {kind!r}.", hint=f"Known: {', '.join(KINDS)}.")
    key = key or _key(name)
    if not _KEY.fullmatch(key):
        raise BadInput(f"{key!r} cannot be an id.", hint="It is small letters, digits, - and _; give one with --id.")
    site, probe = run(_add(settings, owner, _Wanted(name.strip(), kind, volume, _zone(time_zone), key)))  # type: ignore[arg-type]
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


class _Wanted:
    def __init__(self, name: str, kind: SiteKind, volume_m3: float | None, time_zone: str, key: str) -> None:
        if not name:
            raise BadInput("A site has a name.")
        self.name, self.kind, self.volume_m3, self.time_zone, self.key = name, kind, volume_m3, time_zone, key


def _key(name: str) -> str:
    """The name as a word for ids: `Piscine d'été` is `piscine-d-ete`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadInput(f"There is no time zone {name!r}.", hint="It is like Europe/Paris.") from None
    return name


async def _add(settings: Settings, owner: str, wanted: _Wanted) -> tuple[Site, Probe]:
    from margelle.cli import house
    from margelle.domain.site import OWN, Probe, Site

    async with house.opened(settings) as home:
        account = await own_account(home, await owner_named(home.store, owner))
        identity = account.own_id(wanted.key)
        if any(site.id == identity for site in await home.store.sites()):
            raise Conflict(f"{identity} is there already.", hint="Choose another --id.")
        site = Site(identity, OWN, wanted.key, wanted.name, wanted.kind, wanted.volume_m3, time_zone=wanted.time_zone)
        probe = Probe(f"{identity}/probe", identity, OWN, wanted.key)
        await extend(home, account, [site], [probe])
        return site, probe


async def own_account(home: House, owner: str) -> Account:
    """The account of the owner's own sites; a new one where there is none."""
    from margelle.domain.site import OWN, Account

    accounts = await home.store.accounts()
    mine = [one for one in accounts if one.is_own and one.owner == owner]
    if mine:
        return mine[0]
    taken = {one.id for one in accounts}
    name = next(name for n in range(1, len(taken) + 2) if (name := OWN if n == 1 else f"{OWN}-{n}") not in taken)
    account = Account(name, OWN, owner, "")
    await home.store.put_account(account)
    return account


async def extend(home: House, account: Account, sites: list[Site], probes: list[Probe]) -> None:
    """Give an account of the hub's own more sites and probes; those that it has stay."""
    from margelle.ports import Discovery, Fault

    others = Fault("sites", "the account's other sites are not told here")
    await home.store.put_discovery(
        account.id, Discovery(account.person, tuple(sites), tuple(probes), (others,)), home.clock()
    )


async def _remove(settings: Settings, name: str) -> None:
    from margelle.cli import house
    from margelle.ports import Discovery

    async with house.opened(settings) as home:
        for account in await home.store.accounts():
            sites = await home.store.sites(account=account.id) if account.is_own else []
            left = [site for site in sites if site.id != name]
            if len(left) < len(sites):
                probes = [probe for site in left for probe in await home.store.probes(site.id)]
                await home.store.put_discovery(
                    account.id, Discovery(account.person, tuple(left), tuple(probes)), home.clock()
                )
                return
        raise NotFound(f"There is no site of your own {name!r}.", hint="`margelle site list` shows those there are.")


async def _listed(settings: Settings) -> list[dict[str, Any]]:
    from margelle.cli import house

    async with house.opened(settings) as home:
        return [
            {"id": site.id, "name": site.name, "kind": site.kind, "probe": probe.id, "owner": account.owner}
            for account in await home.store.accounts()
            if account.is_own
            for site in await home.store.sites(account=account.id)
            for probe in await home.store.probes(site.id)
        ]
