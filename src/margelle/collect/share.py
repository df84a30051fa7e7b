"""How the requests of a budget's window are shared between fresh values, the rest, and what users do themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.collect.progress import Progress, Purpose
from margelle.ports import Spending

SWITCH_EVERY: Final = timedelta(minutes=10)
"""How often it is looked how a switch stands."""

KEPT: Final = 2
"""Requests of the window that are left for what users do themselves."""

KEPT_FOR_A_TURN: Final = 4
"""So many where there are switches: to turn one by hand is two requests and a look at what came of it, and a token may have to be renewed."""

HURRY: Final = timedelta(hours=12)
"""So long what is missing comes before all that can wait: advice, and the daily look at what there is."""

LEAST: Final = 2
"""Requests of the window that the past has at least: one, and one more that renews the token."""

_LATE: Final[frozenset[str]] = frozenset({"discover", "again", "advice", "history"})
_SWITCH: Final[frozenset[str]] = frozenset({"switch"})
_PLANNED: Final[frozenset[str]] = _LATE | _SWITCH | {"latest"}
_HISTORY: Final[frozenset[str]] = frozenset({"history"})
_FRESH: Final[frozenset[str]] = frozenset({"latest"})
_OFTEN: Final[frozenset[str]] = frozenset({"again", "advice"})


class Shares(Struct, frozen=True):
    """Of the requests in any `window`, at most so many for each set of purposes (None: whatever for); no limit where there is none."""

    window: timedelta
    limits: tuple[tuple[frozenset[str] | None, int], ...]
    spent: tuple[tuple[datetime, str], ...]
    paused_until: datetime | None = None
    late: int = 1
    whole: int = 1

    @classmethod
    def of(cls, progress: Progress, spending: Spending, now: datetime) -> Shares:
        """The shares of an account at `now`. A rate by the second is the HTTP client's matter.

        What the cloud seems to allow is kept to, but each probe may be asked for its fresh values once in the window (and the token renewed)
        as long as we allow ourselves so many.
        """
        spent = tuple((one.at, one.act) for one in spending.spent)
        window = timedelta(seconds=spending.window_s)
        if spending.full is None or spending.window_s < 60:
            return cls(window, (), spent, spending.paused_until)
        tracks = progress.tracks.values()
        fresh, kept = len(tracks) + 1, KEPT_FOR_A_TURN if progress.switches else KEPT
        borne = spending.full if spending.allowed is None else spending.allowed
        whole = max(min(spending.full - kept, max(borne - kept, fresh + LEAST)), 1)
        free, least = whole - fresh, min(LEAST, whole)
        switch = min(len(progress.switches) * (window // SWITCH_EVERY + 1), max(free // 2, 1))
        late = max(free - switch, least)
        waits = progress.advised and not hurries(progress, now)  # advice can wait, the past runs away; but not for ever
        history = max(late - max(late // 4, 1) * waits, 1)
        limits = (
            (None, spending.full),
            (_PLANNED, whole),
            (_SWITCH, switch),
            (_LATE, late),
            (_HISTORY, history),
            (
                _FRESH,
                max(whole - LEAST, 1),
            ),  # with more probes than requests, something is left for the past all the same
            (_OFTEN, max(late - 1, 1)),
        )
        return cls(window, limits, spent, spending.paused_until, late, whole)

    def room_at(self, purpose: Purpose, cost: int, now: datetime) -> datetime:
        """The earliest instant at which `cost` more requests for `purpose` fit in, or as many of each share as it has."""
        at = now
        while (later := self._later(purpose, cost, at)) > at:
            at = later
        return at

    def _later(self, purpose: Purpose, cost: int, now: datetime) -> datetime:
        fits = (self._free_at(acts, limit, cost, now) for acts, limit in self.limits if acts is None or purpose in acts)
        return max(fits, default=now)

    def _free_at(self, acts: frozenset[str] | None, limit: int, cost: int, now: datetime) -> datetime:
        recent = self._recent(acts, now)
        excess = len(recent) + min(cost, limit) - limit
        return now if excess <= 0 else recent[excess - 1] + self.window

    def _recent(self, acts: frozenset[str] | None, now: datetime) -> Sequence[datetime]:
        return sorted(at for at, act in self.spent if (acts is None or act in acts) and now - self.window < at <= now)


def hurries(progress: Progress, now: datetime) -> bool:
    """Whether readings are missing, and have been asked for no longer than `HURRY`."""
    since = progress.filling_since
    return progress.lacks(now) and (since is None or now - since < HURRY)
