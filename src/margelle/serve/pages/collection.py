"""Collecting: per account what was asked, what comes next and why, what is missing, what is wrong, and what people may do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.site import Account, Site
from margelle.errors import Conflict, Limited
from margelle.phrase import Phrase
from margelle.ports import AuditEntry
from margelle.serve.pages.account import AccountPage
from margelle.serve.pages.accounts import Card, account_named, accounts_seen, demand_manage
from margelle.serve.pages.figures import ago
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.receipts import receipt
from margelle.serve.pages.visit import Visit

A_PAGE: Final = 20
"""So many accounts are shown at once: each costs a look into its notes and its budget."""


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (
        hall.page("/collection", _list),
        hall.page("/collection/{account}", _one),
        hall.page("/collection/{account}/progress", _progress),
        hall.form("/collection/{account}/ask", _ask),
        hall.form("/collection/{account}/pause", _pause),
        hall.form("/collection/{account}/resume", _resume),
        hall.form("/collection/{account}/remove", _remove),
        hall.page("/collection/{account}/receipts/{at}", receipt),
    )


AREA: Final = Area(_routes, "/collection", "collection", backstage=True)


class Own(Struct, frozen=True):
    """A site of the hub's own, to which measurements are sent: when the last one came."""

    site: Site
    last: str
    manage: bool


async def _list(visit: Visit) -> Response:
    """All accounts of whoever looks, those with trouble first."""
    accounts = await accounts_seen(visit)
    clouds, own = [one for one in accounts if not one.is_own], [one for one in accounts if one.is_own]
    page = visit.number
    shown = clouds[(page - 1) * A_PAGE : page * A_PAGE]
    told = await visit.hall.backstage.collection.reports(shown)
    return visit.page(
        "collection.html",
        cards=[
            Card.of(visit, account, report, await visit.store.sites(account=account.id))
            for account, report in zip(shown, told, strict=True)
        ],
        own=[await _own(visit, site) for account in own for site in await visit.store.sites(account=account.id)],
        collecting=bool(await visit.store.collectors(visit.now)),
        page=page,
        pages=-(-len(clouds) // A_PAGE),
        total=len(clouds),
    )


async def _one(visit: Visit) -> Response:
    """One account."""
    account, sites = await _account(visit)
    return visit.page("account.html", page=await AccountPage.of(visit, account, sites))


async def _progress(visit: Visit) -> Response:
    """The part of an account's page that changes while it is collected."""
    account, sites = await _account(visit)
    return visit.page("account_progress.html", page=await AccountPage.of(visit, account, sites))


async def _ask(visit: Visit) -> Response:
    """Ask for the newest values at once."""
    account, sites = await _account(visit)
    demand_manage(visit, account, sites)
    try:
        await visit.hall.backstage.collection.ask_now(account)
    except (Conflict, Limited) as error:
        phrase = Phrase("refused", {"why": error.phrase or error.what})
        await _record(visit, "ask now", account, f"refused: {error.what}", phrase)
        page = await AccountPage.of(visit, account, sites)
        status = 429 if isinstance(error, Limited) else 409
        return visit.page("account.html", status, page=replace(page, refused=_refusal(visit, account, error)))
    await _record(visit, "ask now", account, "asked")
    return visit.go(f"/collection/{account.id}", "collect.asked")


async def _pause(visit: Visit) -> Response:
    return await _paused(visit, paused=True)


async def _resume(visit: Visit) -> Response:
    return await _paused(visit, paused=False)


async def _paused(visit: Visit, *, paused: bool) -> Response:
    account, sites = await _account(visit)
    demand_manage(visit, account, sites)
    await visit.store.put_account(replace(account, paused=paused))
    await _record(visit, "pause" if paused else "resume", account, "done")
    return visit.go(f"/collection/{account.id}", "collect.paused" if paused else "collect.resumed")


async def _remove(visit: Visit) -> Response:
    """Stop collecting from an account, once somebody has said that they mean it."""
    account, sites = await _account(visit)
    demand_manage(visit, account, sites)
    if (await visit.form()).get("sure") != account.id:
        page = await AccountPage.of(visit, account, sites)
        return visit.page("account.html", 400, page=replace(page, refused=visit.words("collect.not_sure")))
    await visit.store.remove_account(account.id)
    await _record(visit, "remove account", account, "removed; its measurements stay")
    return visit.go("/collection", "collect.removed")


async def _account(visit: Visit) -> tuple[Account, list[Site]]:
    return await account_named(visit, visit.request.path_params["account"])


async def _own(visit: Visit, site: Site) -> Own:
    newest: list[datetime] = []
    for probe in await visit.store.probes(site.id):
        newest += [point.at for point in (await visit.store.latest(probe.id, visit.now)).values()]
    last = visit.words("collect.arrived", ago=ago(max(newest), visit.now, visit.words)) if newest else ""
    return Own(site, last or visit.words("never"), visit.caller.may("manage", site.id))


def _refusal(visit: Visit, account: Account, error: Conflict | Limited) -> str:
    """Why it is not asked now, in words."""
    if isinstance(error, Limited):
        minutes = max(1, -(-int(error.retry_after_s or 60) // 60))
        return visit.words("collect.no_room", n=minutes)
    return visit.words("collect.is_paused" if account.paused else "collect.elsewhere")


async def _record(visit: Visit, act: str, account: Account, outcome: str, phrase: Phrase | None = None) -> None:
    await visit.store.record(AuditEntry.on(account, act, outcome, visit.now, user=visit.user.email, phrase=phrase))
