"""How the collection stands, for `margelle status` and the pages: read from the store, whether or not a collector runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from margelle.collect import plan, progress
from margelle.collect.plan import Ask
from margelle.collect.progress import Attempt, Progress, Track
from margelle.domain.gap import Gap
from margelle.domain.site import Account
from margelle.ports import AccountReport, Act, Budget, Filling, Next, Past, Reader, Spending

__all__ = ["MOST_GAPS", "AccountReport", "Budget", "Filling", "Next", "Past", "reports"]

MOST_GAPS: Final = 100
"""So many gaps of a probe are told, the latest; the store has them all."""


async def reports(
    reader: Reader,
    spending_of: Callable[[Account], Spending | None],
    now: datetime,
    accounts: Iterable[Account] | None = None,
) -> list[AccountReport]:
    """A report on each of `accounts`, or on all; `spending_of` tells how the budget of one stands, None where its vendor is not known."""
    chosen = await reader.accounts() if accounts is None else accounts
    return [await _report(reader, spending_of(account), account, now) for account in chosen]


async def _report(reader: Reader, spending: Spending | None, account: Account, now: datetime) -> AccountReport:
    known = await progress.load(reader, account.id)
    spent = spending or Spending()
    planned = spending is not None and not account.paused
    asks = plan.scheduled(plan.asks(account.id, known, spent, now), known, spent) if planned else []
    held = known.hold if known.hold is not None and known.hold.until > now else None
    gaps = [gap for probe, track in known.probes.items() for gap in await _latest(reader, probe, track)]
    missing = [gap for probe in known.tracks for gap in await reader.gaps(probe, open_only=True)]
    return AccountReport(
        account=account.id,
        vendor=account.vendor,
        login=account.login,
        owner=account.owner,
        discovered_at=account.discovered_at,
        newest={probe: track.newest for probe, track in known.tracks.items() if track.newest is not None},
        past=tuple(_past(account.id, known)),
        next=tuple(
            Next(ask.act, ask.subject, ask.quantity, max(ask.due_at, now), ask.why, ask.reasons) for ask in asks
        ),
        incidents=tuple(await reader.incidents(account.id, open_only=True)),
        gaps=tuple(sorted(gaps, key=lambda gap: (gap.state != "open", now - gap.since))),
        filling=tuple(_filling(missing, asks, now)),
        filled=known.filled,
        to_fill=sum(ask.rank in plan.MISSING for ask in asks),
        budget=Budget(len(spent.spent), spent.window_s, spent.full, spent.allowed, spent.refused_at),
        waits_until=held.until if held is not None else None,
        waits_for=held.kind if held is not None else "",
        paused=account.paused,
    )


async def _latest(reader: Reader, probe: str, track: Track) -> list[Gap]:
    """The latest gaps of a probe. Of what is found to be only on or off, none count that were recorded before; where they are many, more are read."""
    most = MOST_GAPS
    while True:
        found = await reader.gaps(probe, limit=most)
        gaps = [gap for gap in found if gap.quantity not in track.series or not track.series[gap.quantity].is_state]
        if len(gaps) >= MOST_GAPS or len(found) < most:
            return gaps[:MOST_GAPS]
        most *= 4


def _filling(gaps: Iterable[Gap], asks: Iterable[Ask], now: datetime) -> Iterator[Filling]:
    due = {(ask.subject, ask.quantity): max(ask.due_at, now) for ask in asks if ask.act == "history"}
    for gap in gaps:
        yield Filling(gap, due.get((gap.probe, gap.quantity)))


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
