"""What to ask an account's cloud next, when, and why: a pure function of what is known and of the time.

Fresh values come before old ones, both within what the account's budget says is left, of which a part is kept for the user's own acts. No
site is kept waiting by another: each may be asked for its fresh values once an hour before any is asked again, or for anything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from margelle.collect import backfill
from margelle.collect.progress import REDISCOVERY, Progress, Purpose, Series, Track
from margelle.collect.share import SWITCH_EVERY, Shares, hurries
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.reason import Reason, held, sentence
from margelle.ports import Act, Spending, Spent, Window

SETTLING: Final = timedelta(minutes=4)
"""How long after a measurement its cloud has it, and a little more."""

ADVICE_EVERY: Final = timedelta(hours=1)
SWEEP_EVERY: Final = timedelta(days=6)
LOOK_EVERY: Final = timedelta(hours=22)
"""So often one quantity's past day is compared: a restart that kept the rhythm shows only there, and a day's window still reaches back."""
LOOK_BACK: Final = backfill.SPANS["month"] - timedelta(hours=1)
"""How far back is compared then: an answer that brought the other quantities of a gap may have lacked this one."""

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""When what was never asked is due: before all that was."""

NEW, FRESH, STANDING, AGAIN, FALLBACK, DISCOVERY, GAP, FIRST, LATER, ADVICE, LOOK, SWEEP = range(12)
"""Ranks: of two asks that are due, the one of the lower rank is made. A daily discovery is LATER while readings are missing."""

URGENT: Final = frozenset({NEW, FRESH, STANDING})
"""Ranks of what is asked for the accounts of a cloud in turn, where not all of them can ask at once; everything else comes after."""

MISSING: Final = frozenset({GAP, FIRST})
"""Ranks of what fetches readings that are missing."""

ONCE: Final = 0.9
"""A probe that was asked for its latest values this part of a window ago, or longer, is not asked again but for fresh ones."""


class Ask(Struct, frozen=True):
    """One thing to ask a source, in no case before `due_at`, for these reasons; `since` is the oldest of what is missing."""

    act: Act
    subject: str
    due_at: datetime
    reasons: tuple[Reason, ...]
    rank: int
    quantity: str = ""
    window: Window | None = None
    since: datetime | None = None

    @property
    def why(self) -> str:
        """The reasons as people read them, in English."""
        return sentence(self.reasons)

    def later(self, until: datetime, reason: Reason) -> Ask:
        """The same ask, put off until then for one more reason."""
        return replace(self, due_at=until, reasons=(*self.reasons, reason))

    @property
    def purpose(self) -> Purpose:
        """What its requests are for, in the budget's record."""
        return "again" if self.rank == AGAIN else self.act

    @property
    def where(self) -> str:
        """What is asked for, as it stands in incidents."""
        return "discovery" if self.act == "discover" else f"{self.subject} {self.quantity}".strip()


def asks(account: str, progress: Progress, spending: Spending, now: datetime) -> list[Ask]:
    """All that there is to ask, in the order in which it will be: what is due now by its rank, then the rest by its time."""
    shares = Shares.of(progress, spending, now)
    costs: dict[Purpose, int] = {
        "discover": progress.discovery_cost,
        "latest": 1,
        "again": 1,
        "switch": 1,
        "advice": 1,
        "history": 1,
    }
    rooms = {purpose: shares.room_at(purpose, cost, now) for purpose, cost in costs.items()}
    wanted = [
        _permitted(ask, progress, _room_at(ask, progress, rooms, shares), shares.paused_until, now)
        for ask in _wanted(account, progress, shares.window * ONCE, now)
    ]
    known = _discovery(account, progress, now)
    if _may_begin(known, progress, now):
        among_fresh = progress.discovery_cost > shares.late
        if among_fresh and _goes_first(known, progress, now):
            known = replace(known, rank=NEW)
            wanted = [replace(ask, rank=NEW) if ask.act == "discover" else ask for ask in wanted]
        if now < rooms["discover"] and (known.rank == NEW or not among_fresh):
            wanted = [_behind(ask, known.rank, rooms["discover"]) for ask in wanted]
    return sorted(wanted, key=lambda ask: _order(ask, progress, now))


def wanted_now(asks: Iterable[Ask], spending: Spending, now: datetime) -> list[Ask]:
    """The asks for newest values, due now since somebody wants them so; none where the budget has no request left."""
    if room_at(spending, now) > now:
        return []
    return [replace(ask, due_at=now, reasons=(Reason("asked"),), rank=FRESH) for ask in asks if ask.act == "latest"]


def room_at(spending: Spending, now: datetime) -> datetime:
    """When the budget allows a request that a user wants, at the earliest."""
    limits = [limit for limit in (spending.full, spending.allowed) if limit is not None]
    free_at = now
    if limits and len(spending.spent) >= min(limits):
        free_at = spending.spent[-min(limits)].at + timedelta(seconds=spending.window_s)
    return max(free_at, spending.paused_until or now, now)


def scheduled(asks: Iterable[Ask], progress: Progress, spending: Spending) -> list[Ask]:
    """`asks` as they will be made if all goes well: those for the past one after another, as the budget lets them."""
    found, at = [], _NEVER
    for ask in asks:
        if ask.act == "history":
            at = max(at, ask.due_at)
            at = Shares.of(progress, spending, at).room_at(ask.purpose, 1, at)
            spending = replace(spending, spent=(*spending.spent, Spent(at, ask.purpose)))
            ask = replace(ask, due_at=at)  # noqa: PLW2901 - the same ask, later
        found.append(ask)
    return sorted(found, key=lambda ask: ask.due_at)


def _room_at(ask: Ask, progress: Progress, rooms: dict[Purpose, datetime], shares: Shares) -> datetime:
    """When the budget has room for `ask`; what is asked again becomes fresh with time."""
    if ask.rank != AGAIN:
        return rooms[ask.purpose]
    fresh_at = progress.asked_at(ask.act, ask.subject) + shares.window * ONCE
    return min(rooms["again"], max(rooms["latest"], fresh_at))


def _may_begin(known: Ask, progress: Progress, now: datetime) -> bool:
    """Whether a discovery waits for nothing but room."""
    not_before = progress.discovery.not_before
    return known.due_at <= now and (not_before is None or not_before <= now)


def _goes_first(known: Ask, progress: Progress, now: datetime) -> bool:
    """Whether fresh values wait, too, for a discovery that finds no room beside them: once a day and for less than an hour.

    One that fails again and again, such as one that is more than all we allow ourselves, makes them wait twice a day.
    """
    tried = progress.discovery
    if known.rank != DISCOVERY:
        return False
    return tried.failures < 3 or tried.asked_at is None or now - tried.asked_at >= _DAY / 2


def _behind(ask: Ask, rank: int, until: datetime) -> Ask:
    """`ask`, which makes room for a discovery of that rank unless it is fresh: that needs several requests, and would never find them free."""
    if (ask.rank <= rank and ask.rank != AGAIN) or ask.due_at >= until:
        return ask
    return ask.later(until, Reason("behind"))


def _order(ask: Ask, progress: Progress, now: datetime) -> tuple[datetime, int, datetime, datetime, datetime]:
    """Of what is due, each kind by turns, but of what is missing first what its cloud forgets next.

    Where that leaves a choice, the probe's quantities stand as its source wants them.
    """
    asked_at = progress.asked_at(ask.act, ask.subject, ask.quantity)
    rank, oldest = ask.rank, _NEVER
    if rank in MISSING and ask.since is not None:
        rank, oldest = GAP, max(ask.since, now - backfill.SPANS[progress.reach])
    return max(ask.due_at, now), rank, oldest, asked_at, ask.due_at


def _permitted(ask: Ask, progress: Progress, room_at: datetime, paused_until: datetime | None, now: datetime) -> Ask:
    """`ask`, not before its last failure, its account's trouble, and the budget permit it."""
    tried, hold = progress.attempt(ask.act, ask.subject, ask.quantity), progress.hold
    obstacles = [(room_at, Reason("room"))]
    if paused_until is not None:
        obstacles.append((paused_until, Reason("quota")))
    if tried.not_before is not None:
        obstacles.append((tried.not_before, Reason("failed", tried.failures)))
    if hold is not None:
        obstacles.append((hold.until, held(hold.kind)))
    for until, reason in obstacles:
        if until > max(ask.due_at, now):
            ask = ask.later(until, reason)
    return ask


def _wanted(account: str, progress: Progress, once: timedelta, now: datetime) -> Iterator[Ask]:
    yield _discovery(account, progress, now)
    for probe, track in progress.tracks.items():
        yield _latest(probe, track, once, now)
        for quantity in track.remembered:
            ask = _past(probe, track, quantity, progress.reach, now)
            if ask is not None:
                yield ask
    for switch, looked in progress.switches.items():
        yield _standing(switch, looked.ok_at)
    if progress.advised:
        for site in {track.site: None for track in progress.tracks.values()}:
            yield _advice(site, progress, now)


def slot(account: str) -> time:
    """The time of day (UTC) at which an account is discovered: spread over the day, the same one every day."""
    second = int.from_bytes(hashlib.sha256(account.encode()).digest()[:4]) % 86_400
    return time(second // 3600, second // 60 % 60, second % 60, tzinfo=UTC)


def _discovery(account: str, progress: Progress, now: datetime) -> Ask:
    done = progress.discovery.ok_at
    if done is None:
        return Ask(
            "discover",
            account,
            _NEVER,
            (Reason("new"),),
            NEW,
        )
    if progress.rediscover:
        return Ask("discover", account, done + REDISCOVERY, (Reason("rediscover"),), DISCOVERY)
    due = datetime.combine(done + _DAY / 2, slot(account))
    due = due if due >= done + _DAY / 2 else due + _DAY
    rank = LATER if hurries(progress, now) else DISCOVERY
    return Ask("discover", account, due, (Reason("discovery", at=done),), rank)


def _latest(probe: str, track: Track, once: timedelta, now: datetime) -> Ask:
    due, reason = _next_reading(track, now)
    asked = track.latest.asked_at
    again = asked is not None and max(due, now) - asked < once
    return Ask("latest", probe, due, (reason,), AGAIN if again else FRESH)


def _next_reading(track: Track, now: datetime) -> tuple[datetime, Reason]:
    asked = track.latest.asked_at
    if (
        track.newest is None or track.newest > now + CLOCK_TOLERANCE
    ):  # the latter after this machine's clock was set back
        if asked is None or track.misses == 0:
            return now, Reason("unknown")
        return asked + _patience(track.misses), Reason("timeless")
    if track.misses == 0 and track.quick_until is not None and now < track.quick_until:
        return track.newest + backfill.QUICK + _MINUTE, Reason("quick")
    expected = track.newest + timedelta(seconds=min(max(track.rhythm_s, 600), 6 * 3600)) + SETTLING
    if track.misses == 0 or asked is None:
        return expected, Reason("rhythm", round(track.rhythm_s / 60), track.newest)
    due = max(expected, asked + _patience(track.misses))
    return due, Reason("late", track.misses, track.newest)


def _standing(switch: str, looked_at: datetime | None) -> Ask:
    if looked_at is None:
        return Ask("switch", switch, _NEVER, (Reason("switch_new"),), STANDING)
    reason = Reason("switch", SWITCH_EVERY // _MINUTE)
    return Ask("switch", switch, looked_at + SWITCH_EVERY, (reason,), STANDING)


def _patience(misses: int) -> timedelta:
    """How long to wait after so many answers without anything newer: an hour in the end."""
    return min(8 * _MINUTE * (1 << min(misses - 1, 6)), _HOUR)


def _advice(site: str, progress: Progress, now: datetime) -> Ask:
    done = progress.advice[site].ok_at
    reasons = (Reason("advice"),)
    if done is None:
        return Ask("advice", site, now, reasons, ADVICE)
    together = min(
        (_next_reading(track, now)[0] for probe, track in progress.tracks.items() if track.site == site),
        default=done,
    )
    due = min(max(together, done + ADVICE_EVERY - 10 * _MINUTE), done + ADVICE_EVERY + 10 * _MINUTE)
    return Ask("advice", site, due, reasons, ADVICE)


def _past(probe: str, track: Track, quantity: str, far: Window, now: datetime) -> Ask | None:
    """The one request that tells all that is wanted of a quantity's past, or None."""
    series = track.series[quantity]
    reasons = [reason for reason in _reasons(track, series, quantity, far, now) if reason is not None]
    if not reasons:
        return None
    due, rank, since, reason = min(reasons, key=lambda one: (max(one[0], now), one[1]))
    then = max(due, now)
    reach = min([since, series.settled_at or since, *(other[2] for other in reasons if other[0] <= then)])
    return Ask("history", probe, due, (reason,), rank, quantity, backfill.window_for(reach, then, far), since)


_Past = tuple[datetime, int, datetime, Reason]


def _reasons(track: Track, series: Series, quantity: str, far: Window, now: datetime) -> Iterator[_Past | None]:
    settled = series.settled_at
    if settled is None:
        yield now, FIRST, now - backfill.SPANS[far], Reason("first")
        return
    since, until, wanted_at = series.missing_since, series.missing_until, series.wanted_at
    if since is not None and until is not None and wanted_at is not None:
        yield wanted_at, GAP, since, Reason("missing", at=since, until=until)
    yield _suspicion(track, settled) if not series.is_state else _flicker(track, series, settled)
    yield _fallback(track, series, quantity, settled)
    if quantity == _scout(track) and series.newest is not None and not series.is_state:
        yield settled + LOOK_EVERY, LOOK, settled, Reason("look")
    if series.newest is not None:
        due = (series.swept_at or settled) + SWEEP_EVERY
        yield due, SWEEP, max(due, now) - LOOK_BACK, Reason("sweep")


def _suspicion(track: Track, settled: datetime) -> _Past | None:
    if track.suspect_at is None or settled >= track.suspect_at:
        return None
    return max(track.suspect_at + SETTLING, settled + 20 * _HOUR), GAP, settled - _HOUR, Reason("suspect")


def _flicker(track: Track, series: Series, settled: datetime) -> _Past | None:
    """What goes on and off more often than it is asked for: what it did between two latest values, its past alone tells."""
    seen = series.newest is not None and series.newest > settled - SETTLING
    return (
        (settled + LOOK_EVERY, SWEEP, settled, Reason("flicker")) if seen and series.rhythm_s < track.rhythm_s else None
    )


def _fallback(track: Track, series: Series, quantity: str, settled: datetime) -> _Past | None:
    """Where the cloud tells no latest values, its past may: one quantity scouts, the others follow when it finds something."""
    behind = track.newest is not None and series.newest is not None and series.newest < track.newest
    if track.empties < backfill.EMPTY or not (quantity == _scout(track) or behind):
        return None
    due = settled + min(_HOUR * 2 ** min(series.silences, 5), _DAY)
    return due, FALLBACK, series.newest or settled, Reason("fallback")


def _scout(track: Track) -> str:
    """The quantity whose past is asked for before the others': one that is measured, and was."""
    return max(
        track.remembered, key=lambda name: (not track.series[name].is_state, track.series[name].newest is not None)
    )
