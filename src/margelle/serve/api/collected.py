"""Accounts, how their collection stands, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from margelle.domain.quantity import is_state
from margelle.domain.site import Account
from margelle.errors import NotFound
from margelle.ports import Gap, GapState
from margelle.serve.api import cursor
from margelle.serve.api.endpoint import Endpoint, Page, Visit
from margelle.serve.api.params import Limit, Listed, ProbeNames, QuantityNames, SiteNames
from margelle.serve.api.seen import probes_seen

REPORTS: Final = 100
"""Reports in a part, where nobody says how many."""


class AccountSeen(Struct, frozen=True):
    """A login at a vendor's cloud from which this hub collects; `own` is that of sites to which measurements are sent. `organisation` is whose members see its sites, if any."""

    id: str
    vendor: str
    owner: str
    login: str
    organisation: str
    discovered_at: datetime | None


class Asked(Struct, frozen=True):
    """One thing that is asked again and again: when it last succeeded, and how often in a row it has failed since."""

    act: str
    subject: str
    quantity: str
    ok_at: datetime | None
    failures: int


class Coming(Struct, frozen=True):
    """One thing that will be asked, when at the earliest, and why."""

    act: str
    subject: str
    quantity: str
    due_at: datetime
    why: str


class Filling(Struct, frozen=True):
    """An open gap, and when its readings will be asked for if all goes well; null where they will not be."""

    gap: Gap
    at: datetime | None


class Spent(Struct, frozen=True):
    """Requests made in the last `window_s` seconds, and how many the hub (`full`) and, as it seems, the cloud (`allowed`) allow in that time; null for any number."""

    made: int
    window_s: float
    full: int | None
    allowed: int | None
    refused_at: datetime | None


class IncidentSeen(Struct, frozen=True):
    """Something that went wrong at `where` (an account, a site), since `since`, `count` times, last at `at`; `todo` says who does what. `ended_at` is null while it lasts."""

    account: str
    where: str
    kind: str
    what: str
    todo: str
    since: datetime
    at: datetime
    count: int
    ended_at: datetime | None


class Collected(Struct, frozen=True):
    """How the collection of one account stands. `newest` is by probe; `filled` and `to_fill` count the requests for what is missing."""

    account: str
    vendor: str
    login: str
    owner: str
    discovered_at: datetime | None
    newest: dict[str, datetime]
    past: tuple[Asked, ...]
    next: tuple[Coming, ...]
    incidents: tuple[IncidentSeen, ...]
    filling: tuple[Filling, ...]
    filled: int
    to_fill: int
    budget: Spent
    waits_until: datetime | None
    waits_for: str


class Accounts(Listed, frozen=True):
    """Which accounts, and which part of the list."""


class Collecting(Listed, frozen=True):
    """Which accounts, and which part of the list: each costs a look into all that its collector knows."""

    limit: Limit = REPORTS
    account: Annotated[str, Meta(min_length=1, max_length=300, description="Only this account, by id.")] | None = None


class Gaps(Listed, frozen=True):
    """Which gaps, and which part of the list."""

    site: SiteNames = ()
    probe: ProbeNames = ()
    quantity: QuantityNames = ()
    state: Annotated[GapState, Meta(description="Only those of which this became.")] | None = None


class _Place(Struct, frozen=True, array_like=True, order=True):
    """A gap's place in the list, read from its end."""

    since: Annotated[datetime, Meta(tz=True)]
    probe: str
    quantity: str


async def accounts(visit: Visit, asked: Accounts) -> Page[AccountSeen]:
    """The caller's accounts."""
    part, following = _part(await _theirs(visit), asked)
    return Page([_account(one) for one in part], following)


async def collection(visit: Visit, asked: Collecting) -> Page[Collected]:
    """How collecting stands."""
    theirs = await _theirs(visit)
    chosen = [one for one in theirs if asked.account in {None, one.id}]
    if asked.account is not None and not chosen:
        raise NotFound(f"There is no account {asked.account!r}, or it is not yours to see.")
    part, following = _part([one for one in chosen if not one.is_own], asked)
    told = await visit.rooms.reports(part)
    return Page([msgspec.convert(one, Collected, from_attributes=True) for one in told], following)


async def gaps(visit: Visit, asked: Gaps) -> Page[Gap]:
    """What is missing: of what is only on or off, nothing."""
    found: list[Gap] = []
    sites = (await visit.rooms.lookout.sights(visit.caller.user.email)).sites
    for probe in await probes_seen(visit, asked.site, asked.probe):
        every = await visit.store.gaps(probe.id, open_only=asked.state == "open")
        states = visit.rooms.showing.display(sites[probe.site]).states if every else ()
        found += [
            one
            for one in every
            if asked.state in {None, one.state} and not is_state(one.quantity, visit.rooms.catalogue, states)
        ]
    behind = cursor.read(asked.after, _Place)
    wanted = [
        one
        for one in found
        if (not asked.quantity or one.quantity in asked.quantity) and (behind is None or _place(one) < behind)
    ]
    wanted.sort(key=_place, reverse=True)
    part = wanted[: asked.limit]
    return Page(part, cursor.told(_place(part[-1])) if len(wanted) > len(part) else None)


def _place(gap: Gap) -> _Place:
    return _Place(gap.since, gap.probe, gap.quantity)


async def _theirs(visit: Visit) -> Sequence[Account]:
    caller = visit.caller
    everybody = caller.operator and "manage" in caller.scopes
    return await visit.store.accounts(None if everybody else caller.user.email)


def _part(accounts: Sequence[Account], asked: Listed) -> tuple[Sequence[Account], str | None]:
    """The part of the accounts, by id, that was asked for, and the `after` of the next one."""
    behind = cursor.read(asked.after, str) or ""
    rest = sorted((one for one in accounts if one.id > behind), key=lambda one: one.id)
    part = rest[: asked.limit]
    return part, cursor.told(part[-1].id) if len(rest) > len(part) else None


def _account(one: Account) -> AccountSeen:
    return AccountSeen(one.id, one.vendor, one.owner, one.login, one.organisation, one.discovered_at)


ENDPOINTS: Final = (
    Endpoint("GET", "/accounts", "collection", "Your accounts at the vendors' clouds; an operator's key that may manage sees all.", accounts, Accounts, answer=Page[AccountSeen], tagged="store"),
    Endpoint("GET", "/collection", "collection", "How collecting from your accounts stands: what was asked, what comes next and why, the budget, what is wrong.", collection, Collecting, answer=Page[Collected], tagged="body", errors=(404,)),
    Endpoint("GET", "/gaps", "collection", "Where readings are or were missing, and what became of that: the latest stretch first. Of what is only on or off none is missing: it holds until it tells of a change.", gaps, Gaps, answer=Page[Gap], tagged="body", errors=(404,)),
)  # fmt: skip
"""In the order of the docs."""
