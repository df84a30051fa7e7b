"""How the collection stands, for `margelle status` and the pages: read from the store, whether or not a collector runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from margelle.collect import plan, progress
from margelle.collect.progress import Act, Attempt, Gap, Progress
from margelle.domain.site import Account
from margelle.ports import Incident, Reader, Vendor


class Past(Struct, frozen=True):
    """One thing that is asked again and again: its last success, and failures in a row since."""

    act: Act
    subject: str
    quantity: str
    ok_at: datetime | None
    failures: int


class Next(Struct, frozen=True):
    """One thing that will be asked, when at the earliest, and why."""

    act: Act
    subject: str
    quantity: str
    due_at: datetime
    why: str


class AccountReport(Struct, frozen=True):
    """How the collection of one account stands.

    `waits_until` and `waits_for` (the kind of an incident) say that the whole account is held.
    """

    account: str
    vendor: str
    login: str
    owner: str
    discovered_at: datetime | None
    newest: dict[str, datetime]
    past: tuple[Past, ...]
    next: tuple[Next, ...]
    incidents: tuple[Incident, ...]
    gaps: tuple[Gap, ...]
    waits_until: datetime | None = None
    waits_for: str = ""


async def reports(
    reader: Reader, vendors: Mapping[str, Vendor], now: datetime, accounts: Iterable[Account] | None = None
) -> list[AccountReport]:
    """A report on each of `accounts`, or on all."""
    chosen = await reader.accounts() if accounts is None else accounts
    return [await _report(reader, vendors.get(account.vendor), account, now) for account in chosen]


async def _report(reader: Reader, vendor: Vendor | None, account: Account, now: datetime) -> AccountReport:
    known = await progress.load(reader, account.id)
    pace = vendor.pace if vendor is not None else ()
    asks = plan.asks(account.id, known, pace, now) if vendor is not None else []
    held = known.hold if known.hold is not None and known.hold.until > now else None
    return AccountReport(
        account=account.id,
        vendor=account.vendor,
        login=account.login,
        owner=account.owner,
        discovered_at=account.discovered_at,
        newest={probe: track.newest for probe, track in known.tracks.items() if track.newest is not None},
        past=tuple(_past(account.id, known)),
        next=tuple(Next(ask.act, ask.subject, ask.quantity, max(ask.due_at, now), ask.why) for ask in asks),
        incidents=tuple(await reader.incidents(account.id, open_only=True)),
        gaps=(*_open(known, now), *reversed(known.gaps)),
        waits_until=held.until if held is not None else None,
        waits_for=held.kind if held is not None else "",
    )


def _past(account: str, known: Progress) -> Iterator[Past]:
    yield _asked("discover", account, "", known.discovery)
    for probe, track in known.tracks.items():
        yield _asked("latest", probe, "", track.latest)
        for quantity in track.remembered:
            yield _asked("history", probe, quantity, track.series[quantity].attempt)
    for switch, attempt in known.switches.items():
        yield _asked("switch", switch, "", attempt)
    for site in {track.site: None for track in known.tracks.values()} if known.advised else ():
        yield _asked("advice", site, "", known.advice[site])


def _asked(act: Act, subject: str, quantity: str, attempt: Attempt) -> Past:
    return Past(act, subject, quantity, attempt.ok_at, attempt.failures)


def _open(known: Progress, now: datetime) -> Iterator[Gap]:
    for probe, track in known.tracks.items():
        for quantity, one in track.series.items():
            if one.missing_since is not None and one.missing_until is not None:
                yield Gap(
                    probe,
                    quantity,
                    one.missing_since,
                    one.missing_until,
                    "open",
                    now,
                    "It is asked for as the budget allows.",
                )
