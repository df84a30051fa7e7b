"""`margelle status`: how the collection stands, and who must do something."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from margelle.cli.account import requests_left
from margelle.cli.terminal import Exit, JsonOption, brief, counted, invocation, note, run, say, say_json
from margelle.domain.reason import held
from margelle.domain.site import OWN
from margelle.domain.unit import Unit, symbol
from margelle.errors import NotFound, StoreError
from margelle.ports import Display

_NAMES: Final = 24
"""So many letters names of quantities take at least."""

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.measurement import Measurement
    from margelle.domain.quantity import Quantity
    from margelle.domain.site import Account, Site
    from margelle.ports import AccountReport, Budget, Store


def status(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Only this account.")] = "",
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
        if found["measurements"]:
            _show_kept(found)
    else:
        _show(found, 10_000 if everything else 3)
    raise typer.Exit(Exit.NEEDS_USER if found["needs_user"] else Exit.OK)


async def _status(settings: Settings, name: str) -> dict[str, Any]:
    from margelle.cli import house
    from margelle.collect.report import reports

    async with house.opened(settings) as home:
        now = home.clock()
        accounts = [one for one in await home.store.accounts() if name in {"", one.id}]
        if name and not accounts:
            raise NotFound(f"There is no account {name!r}.", hint="`margelle account list` shows those there are.")
        told = await reports(home.store, home.spending, now, accounts)
        shown = [await _account(home, one, report, now) for one, report in zip(accounts, told, strict=True)]
        wrong = [incident for report in told for incident in report.incidents if incident.needs_user]
        return {
            "at": now,
            "measurements": await home.store.count(),
            "earlier": await home.store.earlier(),
            "collecting": bool(await home.store.collectors(now)),
            "needs_user": bool(wrong) or any(one["locked"] for one in shown),
            "accounts": shown,
        }


async def _account(home: House, account: Account, report: AccountReport, now: datetime) -> dict[str, Any]:
    sites = await home.store.sites(account=report.account)
    return {
        "id": report.account,
        "vendor": report.vendor,
        "login": account.login or account.person.email,
        "owner": report.owner,
        **home.requests_left(account),
        "locked": await _locked(home.store, account),
        "waits_until": report.waits_until,
        "waits_for": report.waits_for,
        "paused": report.paused,
        "sites": [
            {
                "id": site.id,
                "name": site.name,
                "remarks": _remarks(home, site),
                "probes": [
                    await _probe(home, probe.id, home.display(site), now) for probe in await home.store.probes(site.id)
                ],
                "switches": [await _probe(home, switch.id, Display(), now) for switch in site.switches],
            }
            for site in sites
        ],
        "next": report.next,
        "incidents": report.incidents,
        "budget": report.budget,
        "gaps": report.gaps,
        "filling": report.filling,
        "filled": report.filled,
        "to_fill": report.to_fill,
    }


def _remarks(home: House, site: Site) -> tuple[str, ...]:
    vendor = home.vendors.get(site.vendor)
    found = vendor.remarks(site) if vendor is not None and vendor.remarks is not None else ()
    return tuple(remark.text for remark in (*home.display(site).remarks, *found))


async def _locked(store: Store, account: Account) -> str:
    """Why the account's token cannot be read, if so: its key may be gone."""
    try:
        await store.secret(f"{account.id}/token")
    except StoreError as error:
        return str(error)
    return ""


async def _probe(home: House, probe: str, display: Display, now: datetime) -> dict[str, Any]:
    latest = await home.store.latest(probe, now)
    return {
        "id": probe,
        "latest": [
            _value(home, one, display, now) for one in latest.values() if not display.hides(one.quantity, latest)
        ],
    }


def _value(home: House, one: Measurement, display: Display, now: datetime) -> dict[str, Any]:
    quantity = home.settings.catalogue.get(one.quantity)
    return {
        "quantity": one.quantity,
        "value": one.value,
        "unit": quantity.unit if quantity else one.raw_unit,
        "at": one.at,
        "age_s": round((now - one.at).total_seconds()),
        "valid": one.valid,
        "reason": one.reason,
        "text": _text(one, quantity, display),
    }


def _text(one: Measurement, quantity: Quantity | None, display: Display) -> str:
    """A value without its unit. Of what nobody has described, a whole number is shown as one."""
    if one.value is None:
        return "-"
    if one.raw_unit is Unit.STATE:
        return one.raw
    if one.quantity in display.states and one.value in {0.0, 1.0}:
        return "on" if one.value else "off"
    decimals = quantity.decimals if quantity else 0 if one.value == int(one.value) else 2
    return f"{one.value:.{decimals}f}"


def _show(found: dict[str, Any], most: int) -> None:
    for account in found["accounts"]:
        _show_account(account)
        for ask in account["next"][:most]:
            later = ask.due_at > found["at"]
            when = _clock(ask.due_at) if later else "now" if found["collecting"] else "when a hub runs"
            say(f"  next {when}: {ask.act} {ask.subject} {ask.quantity}".rstrip() + f". {ask.why}")
        say()
    _show_kept(found)
    if not found["collecting"]:
        say("No hub collects into this folder now: margelle serve")


def _show_kept(found: dict[str, Any]) -> None:
    say(f"{counted(found['measurements'], 'measurement')} kept.")
    if (earlier := found["earlier"]) is not None:
        say(f"{earlier} earlier measurements folded; a hub that runs folds the rest, or at once: margelle store fold")


def _show_account(account: dict[str, Any]) -> None:
    login = "sites without a cloud" if account["vendor"] == OWN else account["login"]
    say(f"{account['id']}  {login}  (of {account['owner']})")
    if left := requests_left(account):
        say(f"  {left}")
    _show_learned(account["budget"])
    if account["paused"]:
        say(f"  Paused: its cloud is asked nothing. To go on: margelle account resume {account['id']}")
    if account["waits_until"]:
        say(f"  Until {_clock(account['waits_until'])}: {held(account['waits_for']).text()}")
    if account["locked"]:
        say(f"  ! {account['locked']}")
    of_sites = Counter(remark for site in account["sites"] for remark in site["remarks"])
    for site in account["sites"]:
        say(f"  {brief(site['name'])}  ({site['id']})")
        for remark in site["remarks"]:
            if of_sites[remark] == 1:
                say(f"    {remark}")
        shown = [probe["latest"] for probe in (*site["probes"], *site["switches"])]
        width = max([_NAMES, *(len(one["quantity"]) + 1 for latest in shown for one in latest)])
        for latest in shown:
            _show_values(latest, width)
    for remark, n in of_sites.items():
        if n > 1:
            say(f"  Of {n} of these sites: {remark}")
    _show_filling(account)
    for incident in account["incidents"]:
        times = f", {incident.count} times" if incident.count > 1 else ""
        say(f"  ! {incident.where}: {incident.what} (since {_clock(incident.since)}{times})")
        say(f"    {incident.todo}")


def _show_learned(budget: Budget) -> None:
    if budget.refused_at is not None and budget.allowed is not None and budget.allowed != budget.full:
        say(
            f"  The cloud refused a request on {_clock(budget.refused_at)}, so it seems to allow less: {budget.allowed} an hour are planned "
            "for now, and one more for each day without a refusal."
        )


def _show_filling(account: dict[str, Any]) -> None:
    """Which readings are missing and when they will be asked for, the probe's quantities of one stretch in one line."""
    if account["to_fill"]:
        whole = account["filled"] + account["to_fill"]
        say(f"  Past readings are fetched: {account['filled']} of {counted(whole, 'request')} made.")
    stretches: dict[tuple[str, str, str, str], list[str]] = {}
    for one in account["filling"]:
        gap = one.gap
        nobody = "the account is paused" if account["paused"] else "this account cannot ask for them"
        when = f"asked for about {_clock(one.at)}" if one.at is not None else nobody
        stretches.setdefault((gap.probe, _clock(gap.since), _clock(gap.until), when), []).append(gap.quantity)
    for (probe, since, until, when), quantities in stretches.items():
        say(f"  missing at {probe} from {since} to {until}: {', '.join(quantities)}; {when}.")
    lost = [gap for gap in account["gaps"] if gap.state == "lost"]
    if lost:
        many = "a stretch" if len(lost) == 1 else f"{len(lost)} stretches"
        say(f"  lost for good: {many}, the latest until {_clock(max(gap.until for gap in lost))}. {lost[0].why}")


def _show_values(latest: list[dict[str, Any]], width: int) -> None:
    """The values of a probe, one a line; the names of quantities take `width` letters."""
    if not latest:
        say("    no value yet")
    for one in latest:
        doubt = "" if one["valid"] else f"  doubted: {_within(brief(one['reason']))}"
        say(
            f"    {one['quantity']:<{width}}{one['text']:>9} {symbol(one['unit']):<7} {age(timedelta(seconds=one['age_s'])):>8} ago{doubt}"
        )


def _within(sentence: str) -> str:
    """A sentence as a part of another one; what is written in capitals, such as ORP, stays so."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def age(span: timedelta) -> str:
    """A span as people say it: `3 h`, `12 d`."""
    seconds = max(span.total_seconds(), 0)
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {word}"
    return f"{seconds:.0f} s"
