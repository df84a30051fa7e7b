"""An account as its page shows it: what was asked, what comes next and why, what is missing and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from margelle.domain.reason import held, told
from margelle.domain.site import Account, Site
from margelle.ports import AccountReport, Budget, Gap, Incident, Next, Past, Receipt
from margelle.serve.pages.accounts import MOMENT, Card, may_manage, may_say, time_until, trouble_named
from margelle.serve.pages.figures import ago, bytes_of, clock_time, zone
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Saying, Words

SOON: Final = 4
"""So many of the next asks are shown at first; the others unfold."""

MOST_RECEIPTS: Final = 100
MOST_STRETCHES: Final = 60
_GROUND: Final = frozenset({"new", "unknown", "first", "asked"})
"""Reasons of asks that somebody may be waiting for in front of the page."""


class Coming(Struct, frozen=True):
    """Something that will be asked: what, where, when, and why."""

    what: str
    when: str
    why: str


class Asked(Struct, frozen=True):
    """Something that is asked again and again: when it was answered last, and how often it has failed since."""

    what: str
    last: str
    failed: str


class Stretch(Struct, frozen=True):
    """Readings that are or were missing, of one or more quantities, and what becomes of them."""

    where: str
    quantities: str
    since: str
    until: str
    then: str


class Trouble(Struct, frozen=True):
    """An incident that lasts. `what` is the sentence of whoever noticed it."""

    title: str
    where: str
    what: Saying
    todo: str
    since: str
    times: str
    urgent: bool
    sign_in: bool


class Slip(Struct, frozen=True):
    """A receipt in the list."""

    at: str
    when: str
    name: str
    status: int
    size: str
    duration_ms: int


class Means(Struct, frozen=True):
    """The budget: requests made in the last while, and allowed in it."""

    made: int
    full: int | None
    every: str
    learned: str


class AccountPage(Struct, frozen=True):
    """The whole page. It `moves` while somebody may be waiting for what comes; `refused` says why what was wanted was not done."""

    card: Card
    vendor: str
    nearby: bool
    manage: bool
    paused: bool
    collecting: bool
    waits: str
    soon: tuple[Coming, ...]
    later: tuple[Coming, ...]
    past: tuple[Asked, ...]
    means: Means | None
    filled: int
    to_fill: int
    open: tuple[Stretch, ...]
    lost: tuple[Stretch, ...]
    silent: tuple[Stretch, ...]
    troubles: tuple[Trouble, ...]
    notes: tuple[Trouble, ...]
    receipts: tuple[Slip, ...]
    remarks: tuple[tuple[str, Saying], ...]
    tags: tuple[tuple[str, str], ...]
    moves: bool
    sites: tuple[tuple[str, str], ...]
    refused: str = ""

    @classmethod
    async def of(cls, visit: Visit, account: Account, sites: Sequence[Site]) -> AccountPage:
        """The page of one account."""
        (report,) = await visit.hall.backstage.collection.reports([account])
        view = _View(visit, account, sites, await _places(visit, sites))
        vendor = next((one for one in visit.hall.vendors if one.name == account.vendor), None)
        manage = may_manage(visit, account, sites)
        coming = [view.coming(one) for one in report.next]
        return cls(
            card=Card.of(visit, account, report, sites),
            vendor=account.vendor if vendor is not None else "",
            nearby=bool(account.nearby),
            manage=manage,
            paused=account.paused,
            collecting=bool(await visit.store.collectors(visit.now)),
            waits=view.waits(report),
            soon=tuple(coming[:SOON]),
            later=tuple(coming[SOON:]),
            past=tuple(view.past(report.past)),
            means=None if account.nearby else _means(visit.words, report.budget, visit),
            filled=report.filled,
            to_fill=report.to_fill,
            open=tuple(view.filling(report)),
            lost=tuple(view.gaps(gap for gap in report.gaps if gap.state == "lost")),
            silent=tuple(view.gaps(gap for gap in report.gaps if gap.state == "silent")),
            troubles=tuple(view.trouble(one) for one in report.incidents if not one.is_note),
            notes=tuple(view.trouble(one) for one in report.incidents if one.is_note),
            receipts=tuple(view.slip(one) for one in await visit.store.receipts(account.id, limit=MOST_RECEIPTS))
            if manage
            else (),
            remarks=tuple(
                (site.name or site.key, visit.words.said(remark))
                for site in sites
                for remark in (
                    *visit.display(site).remarks,
                    *(vendor.remarks(site) if vendor and vendor.remarks else ()),
                )
            ),
            tags=tuple(
                (site.id, site.name or site.key)
                for site in sites
                if vendor and vendor.naming and vendor.naming.names(site) and may_say(visit, site)
            ),
            moves=not account.paused and _moves(report, visit.now),
            sites=tuple((site.id, site.name or site.key) for site in sites),
        )


class _View:
    """The parts of one account in the reader's words; `places` are sites by what is asked for."""

    def __init__(self, visit: Visit, account: Account, sites: Sequence[Site], places: Mapping[str, Site]) -> None:
        self._visit, self._words, self._account, self._places = visit, visit.words, account, places
        here = visit.zone(sites[0]) if sites else zone(visit.hall.look.time_zone)
        self._clock: Callable[[datetime], str] = lambda at: clock_time(at, here, visit.now, visit.words.language)

    def coming(self, one: Next) -> Coming:
        """What will be asked."""
        due = time_until(one.due_at, self._visit)
        when = (
            self._words("collect.at", time=self._clock(one.due_at), then=due) if one.due_at > self._visit.now else due
        )
        return Coming(
            self._what(one.act, one.subject, one.quantity), when, self._words.reasons(one.reasons, self._clock)
        )

    def past(self, past: Sequence[Past]) -> Iterator[Asked]:
        """What was asked, the quantities of a probe's past in one line."""
        groups: dict[tuple[str, str], list[Past]] = {}
        for one in past:
            groups.setdefault((one.act, one.subject), []).append(one)
        for (act, subject), group in groups.items():
            answered = [one.ok_at for one in group if one.ok_at is not None]
            last = ago(max(answered), self._visit.now, self._words) if answered else self._words("collect.never")
            if answered and len(answered) < len(group):
                last = self._words("collect.some", n=len(answered), all=len(group), ago=last)
            failures = sum(one.failures for one in group)
            failed = self._words.count("collect.failures", failures) if failures else ""
            what = (
                self._words("ask.past", where=self._place(subject))
                if act == "history"
                else self._what(act, subject, "")
            )
            yield Asked(what, last, failed)

    def waits(self, report: AccountReport) -> str:
        """Why nothing is asked, if so."""
        if report.waits_until is None:
            return ""
        return f"{self._words.reasons((held(report.waits_for),), self._clock)} {self._words('collect.until', time=self._clock(report.waits_until))}"

    def filling(self, report: AccountReport) -> Iterator[Stretch]:
        """Where readings are missing, and when they will be asked for."""
        nobody = self._words("collect.when_resumed" if report.paused else "collect.nobody")
        thens = [
            (one.gap, self._words("collect.filled_at", time=self._clock(one.at)) if one.at is not None else nobody)
            for one in report.filling
        ]
        return self._stretches(thens)

    def gaps(self, gaps: Iterable[Gap]) -> Iterator[Stretch]:
        """What became of what was missing."""
        return self._stretches([(gap, self._why(gap.why)) for gap in gaps])

    def trouble(self, one: Incident) -> Trouble:
        """What is wrong."""
        words = self._words
        return Trouble(
            trouble_named(words, one.kind),
            self._where(one.where),
            words.said(one.sentence),
            words.todo(one.kind, one.todo),
            words("collect.since", time=self._clock(one.since)),
            words.count("times", one.count) if one.count > 1 else "",
            one.needs_user,
            one.kind == "sign-in" and not self._account.nearby,
        )

    def slip(self, receipt: Receipt) -> Slip:
        """A receipt in the list."""
        size = bytes_of(len(receipt.body), self._words.language)
        when = self._clock(receipt.at)
        return Slip(receipt.at.isoformat(), when, receipt.name, receipt.status, size, receipt.duration_ms)

    def _stretches(self, thens: Sequence[tuple[Gap, str]]) -> Iterator[Stretch]:
        """The quantities of one stretch in one line."""
        found: dict[tuple[str, datetime, datetime, str], list[str]] = {}
        for gap, then in thens:
            found.setdefault((gap.probe, gap.since, gap.until, then), []).append(self._words.label(gap.quantity))
        for (probe, since, until, then), quantities in list(found.items())[:MOST_STRETCHES]:
            yield Stretch(self._place(probe), ", ".join(quantities), self._clock(since), self._clock(until), then)

    def _why(self, why: str) -> str:
        reason = told(why)
        return self._words.reasons((reason,), self._clock) if reason is not None else why

    def _what(self, act: str, subject: str, quantity: str) -> str:
        what = self._words.label(quantity) if quantity else ""
        return self._words(f"ask.{act}", where=self._place(subject), what=what)

    def _where(self, where: str) -> str:
        """Where an incident is: a site or probe by its name, and the quantity."""
        subject, _, quantity = where.partition(" ")
        if subject not in self._places:
            return ""
        return f"{self._place(subject)}{f', {self._words.label(quantity)}' if quantity else ''}"

    def _place(self, subject: str) -> str:
        site = self._places.get(subject)
        return (site.name or site.key) if site is not None else subject


async def _places(visit: Visit, sites: Sequence[Site]) -> dict[str, Site]:
    """The site of everything that can be asked for: sites, probes and switches by id."""
    found: dict[str, Site] = {}
    for site in sites:
        found[site.id] = site
        found |= {switch.id: site for switch in site.switches}
        found |= {probe.id: site for probe in await visit.store.probes(site.id)}
    return found


def _means(words: Words, budget: Budget, visit: Visit) -> Means:
    every = words("collect.window.hour") if budget.window_s == 3600 else words("collect.window.day")
    learned = ""
    if budget.refused_at is not None and budget.allowed is not None and budget.allowed != budget.full:
        learned = words("collect.learned", n=budget.allowed, ago=ago(budget.refused_at, visit.now, words))
    return Means(budget.made, budget.full, every, learned)


def _moves(report: AccountReport, now: datetime) -> bool:
    """Whether something that somebody may wait for is due."""
    return report.discovered_at is None or any(
        one.due_at <= now + MOMENT and any(reason.name in _GROUND for reason in one.reasons) for one in report.next
    )
