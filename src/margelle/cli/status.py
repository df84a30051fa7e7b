"""`margelle status`: how the collection stands, and who must do something."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from margelle.cli.terminal import Exit, JsonOption, brief, invocation, note, run, say, say_json
from margelle.domain.unit import symbol

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.collect.report import AccountReport
    from margelle.config import Settings
    from margelle.domain.measurement import Measurement
    from margelle.ports import Incident

_FOR_USER: Final = frozenset({"sign-in", "misled", "store", "bug", "failed"})
"""The kinds of incidents that nobody but the user or the operator ends."""


def status(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="Only this account.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every ask that is planned, not just the next three.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how the collection stands.

    Each account's newest values and their age, what is asked next and why, and what is wrong. Reads the store, whether or not a hub is running. Exit code 3 means that something needs you.
    """
    found = run(_status(invocation(context).settings(), account))
    if as_json:
        say_json(found)
    elif not found["accounts"]:
        note("There is no account yet. Add one: margelle account add ondilo")
    else:
        _show(found, 10_000 if everything else 3)
    raise typer.Exit(Exit.NEEDS_USER if found["needs_user"] else Exit.OK)


def needs_user(incidents: Iterable[Incident]) -> bool:
    """Whether one of them lasts until somebody does something."""
    return any(incident.kind in _FOR_USER and incident.ended_at is None for incident in incidents)


async def _status(settings: Settings, name: str) -> dict[str, Any]:
    from margelle.cli import house
    from margelle.collect.report import reports
    from margelle.errors import NotFound

    async with house.opened(settings) as home:
        now = home.clock()
        accounts = [one for one in await home.store.accounts() if name in {"", one.id}]
        if name and not accounts:
            raise NotFound(f"There is no account {name!r}.", hint="`margelle account list` shows those there are.")
        told = await reports(home.store, home.vendors, now, accounts)
        logins = {one.id: one.login or one.person.email for one in accounts}
        return {
            "at": now,
            "measurements": await home.store.count(),
            "needs_user": any(needs_user(report.incidents) for report in told),
            "accounts": [await _account(home, report, logins[report.account], now) for report in told],
        }


async def _account(home: House, report: AccountReport, login: str, now: datetime) -> dict[str, Any]:
    sites = await home.store.sites(account=report.account)
    return {
        "id": report.account,
        "vendor": report.vendor,
        "login": login,
        "owner": report.owner,
        "requests": report.requests,
        "requests_allowed": report.requests_allowed,
        "waits_until": report.waits_until,
        "waits_for": report.waits_for,
        "sites": [
            {
                "id": site.id,
                "name": site.name,
                "probes": [await _probe(home, probe.id, now) for probe in await home.store.probes(site.id)],
            }
            for site in sites
        ],
        "next": report.next,
        "incidents": report.incidents,
        "gaps": report.gaps,
    }


async def _probe(home: House, probe: str, now: datetime) -> dict[str, Any]:
    latest = await home.store.latest(probe, now)
    return {"id": probe, "latest": [_value(home, one, now) for one in latest.values()]}


def _value(home: House, one: Measurement, now: datetime) -> dict[str, Any]:
    quantity = home.settings.catalogue.get(one.quantity)
    decimals = quantity.decimals if quantity else 2
    return {
        "quantity": one.quantity,
        "value": one.value,
        "unit": quantity.unit if quantity else one.raw_unit,
        "at": one.at,
        "age_s": round((now - one.at).total_seconds()),
        "valid": one.valid,
        "reason": one.reason,
        "text": "-" if one.value is None else f"{one.value:.{decimals}f}",
    }


def _show(found: dict[str, Any], most: int) -> None:
    now: datetime = found["at"]
    for account in found["accounts"]:
        _show_account(account, now, most)
    say(f"{found['measurements']} measurements are kept.")


def _show_account(account: dict[str, Any], now: datetime, most: int) -> None:
    allowed = "" if account["requests_allowed"] is None else f" of {account['requests_allowed']}"
    say(
        f"{account['id']}  {account['login']}  (of {account['owner']}; {account['requests']}{allowed} requests in the last hour)"
    )
    if account["waits_until"]:
        say(f"  Waits until {_clock(account['waits_until'])}: {account['waits_for']}.")
    for site in account["sites"]:
        say(f"  {brief(site['name'])}  ({site['id']})")
        for probe in site["probes"]:
            _show_values(probe["latest"])
    for incident in account["incidents"]:
        times = f", {incident.count} times" if incident.count > 1 else ""
        say(f"  ! {incident.where}: {incident.what} (since {_clock(incident.since)}{times})")
        say(f"    {incident.todo}")
    for ask in account["next"][:most]:
        when = "now" if ask.due_at <= now else _clock(ask.due_at)
        say(f"  next {when}: {ask.act} {ask.subject} {ask.quantity}".rstrip() + f". {ask.why}")
    say()


def _show_values(latest: list[dict[str, Any]]) -> None:
    if not latest:
        say("    no value yet")
    for one in latest:
        doubt = "" if one["valid"] else f"  doubted: {brief(one['reason'])}"
        say(
            f"    {one['quantity']:<24}{one['text']:>9} {symbol(one['unit']):<7} {age(timedelta(seconds=one['age_s'])):>8} ago{doubt}"
        )


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def age(span: timedelta) -> str:
    """A span as people say it: `3 h`, `12 d`."""
    seconds = max(span.total_seconds(), 0)
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {word}"
    return f"{seconds:.0f} s"
