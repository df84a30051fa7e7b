"""The accounts that somebody sees, each at a glance, and who may do what to one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.site import Account, Site
from margelle.errors import Forbidden, NotFound
from margelle.phrase import Phrase
from margelle.ports import AccountReport
from margelle.serve.pages.figures import ago
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Words
from margelle.serve.pages.words.collection import TODO_FR

MOMENT: Final = timedelta(seconds=5)
"""What is due so soon is due now."""


FROM_SITE: Final = "from=site"
"""Says, in an address, that somebody came from the site's own page, and goes back there."""


class Card(Struct, frozen=True):
    """An account at a glance. `state` is a sign's name, `says` the same in words; `trouble` is what is wrong (empty: nothing is)."""

    id: str
    title: str
    login: str
    owner: str
    sites: tuple[str, ...]
    state: str
    says: str
    trouble: str
    next: str
    newest: str

    @classmethod
    def of(cls, visit: Visit, account: Account, report: AccountReport, sites: Sequence[Site]) -> Card:
        """The card of one account."""
        words, open_page = visit.words, visit.hall.look.public
        state, says = _state(visit, report)
        soon = min((one.due_at for one in report.next), default=None)
        newest = max(report.newest.values(), default=None)
        return cls(
            account.id,
            visit.hall.titles.get(account.vendor, account.vendor),
            "" if open_page else account.login or account.person.email,
            "" if open_page or _is_of(account, visit) else account.owner,
            tuple(site.name or site.key for site in sites),
            state,
            says,
            _gravest(words, report) if not report.paused else "",
            words("collect.next_at", time=time_until(soon, visit)) if soon is not None else "",
            words("collect.newest", ago=ago(newest, visit.now, words)) if newest is not None else "",
        )


async def accounts_seen(visit: Visit) -> list[Account]:
    """The accounts that somebody sees, those with trouble first. An operator sees all; others their own, and those through which a site of theirs is collected."""
    if visit.hall.look.public or visit.caller.operator:
        found = await visit.store.accounts()
    else:
        reached = [one for site in visit.caller.roles for one in await visit.store.accounts_of(site)]
        found = list({one.id: one for one in (*await visit.store.accounts(visit.user.email), *reached)}.values())
    troubled = {one.account for one in await visit.store.incidents(open_only=True) if not one.is_note}
    return sorted(found, key=lambda one: (one.id not in troubled, one.id))


async def account_named(visit: Visit, name: str) -> tuple[Account, list[Site]]:
    """An account with its sites. Raises NotFound where it is none at a cloud, or not theirs to see."""
    account = await visit.store.account(name)
    sites = await visit.store.sites(account=name)
    seen = visit.hall.look.public or visit.caller.operator or any(site.id in visit.caller.roles for site in sites)
    if account is None or account.is_own or not (seen or _is_of(account, visit)):
        raise NotFound(f"There is no account {name!r}, or it is not yours to see.")
    return account, sites


def may_manage(visit: Visit, account: Account, sites: Sequence[Site]) -> bool:
    """Whether they may act on an account: its owner, an operator, and whoever is an owner at all its sites."""
    caller = visit.caller
    if "manage" not in caller.scopes:
        return False
    return (
        caller.operator
        or _is_of(account, visit)
        or (bool(sites) and all(caller.may("manage", one.id) for one in sites))
    )


def may_say(visit: Visit, site: Site) -> bool:
    """Whether they may say what the tags of a site measure: its owners, and operators."""
    return visit.caller.may("manage", site.id) or (visit.caller.operator and "manage" in visit.caller.scopes)


async def origins(visit: Visit, site: Site) -> list[tuple[str, str]]:
    """Where a site's measurements come from, for whoever sees it: the paths of pages about that, and what they are called."""
    if not visit.hall.has("/collection"):
        return []
    words, found = visit.words, []
    for account in await visit.store.accounts_of(site.id):
        if not account.is_own:
            title = visit.hall.titles.get(account.vendor, account.vendor)
            found.append((f"/collection/{account.id}", words("site.collected", vendor=title)))
        elif visit.caller.may("manage", site.id):
            found.append((f"/connect/site/{site.id}?{FROM_SITE}", words("own.edit")))
    naming = next((vendor.naming for vendor in visit.hall.vendors if vendor.name == site.vendor), None)
    if naming is not None and naming.names(site) and may_say(visit, site):
        found.append((f"/tags/{site.id}?{FROM_SITE}", words("site.tags")))
    return found


def demand_manage(visit: Visit, account: Account, sites: Sequence[Site]) -> None:
    """Raises Forbidden where they may not."""
    if not may_manage(visit, account, sites):
        raise Forbidden(
            f"{account.id} is not yours to manage.",
            hint="Its owner or an operator can do that.",
            phrase=Phrase("may.account", {"account": account.id}),
        )


def trouble_named(words: Words, kind: str) -> str:
    """What is wrong, in a few words, by the kind of an incident."""
    return words(f"trouble.{kind if kind in TODO_FR else 'failed'}")


def _gravest(words: Words, report: AccountReport) -> str:
    """What is wrong, above all; empty where nothing is."""
    wrong = [one for one in report.incidents if not one.is_note]
    return trouble_named(words, min(wrong, key=lambda one: not one.needs_user).kind) if wrong else ""


def _state(visit: Visit, report: AccountReport) -> tuple[str, str]:
    words = visit.words
    if report.paused:
        return "off", words("collect.state.paused")
    if any(one.needs_user for one in report.incidents):
        return "act", words("collect.state.needs")
    if report.waits_until is not None:
        return "watch", words("collect.state.waits")
    if any(not one.is_note for one in report.incidents):
        return "watch", words("collect.state.trouble")
    if report.discovered_at is None:
        return "silent", words("collect.state.new")
    return "good", words("collect.state.good")


def time_until(at: datetime, visit: Visit) -> str:
    """How long it is until then."""
    minutes = -(-int((at - visit.now).total_seconds()) // 60)
    if at <= visit.now + MOMENT:
        return visit.words("collect.due")
    if minutes < 60:
        return visit.words("collect.in_minutes", n=minutes)
    if minutes < 48 * 60:
        return visit.words("collect.in_hours", n=round(minutes / 60))
    return visit.words("collect.in_days", n=round(minutes / 1440))


def _is_of(account: Account, visit: Visit) -> bool:
    return account.owner.casefold() == visit.user.email.casefold()
