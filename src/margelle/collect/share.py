"""How the requests of an hour are shared between fresh values, the rest, and what users do themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.collect.progress import Act, Progress
from margelle.ports import Rate

SWITCH_EVERY: Final = timedelta(minutes=10)
"""How often it is looked how a switch stands."""

KEPT = 2
"""Requests of the window that are left for what users do themselves."""

_LATE: Final[frozenset[str]] = frozenset({"discover", "advice", "history"})
_SWITCH: Final[frozenset[str]] = frozenset({"switch"})
_ALL: Final[frozenset[str]] = _LATE | _SWITCH | {"latest"}
_HISTORY: Final[frozenset[str]] = frozenset({"history"})


class Shares(Struct, frozen=True):
    """Of the requests in any `window`, at most so many for each set of acts; no limit where there is none."""

    window: timedelta
    limits: tuple[tuple[frozenset[str], int], ...]
    spent: tuple[tuple[datetime, str], ...]

    @classmethod
    def of(cls, progress: Progress, pace: Sequence[Rate]) -> Shares:
        """The shares of an account, from the slowest rate of its vendor's pace (a rate by the second is the HTTP client's matter)."""
        rate = max(pace, key=lambda rate: rate.seconds, default=None)
        spent = tuple((one.at, one.act) for one in progress.spent)
        if rate is None or rate.seconds < 60:
            return cls(timedelta(hours=1), (), spent)
        tracks = progress.tracks.values()
        whole = max(rate.requests - KEPT, 1)
        free = whole - len(tracks) - 1  # one more renews the token
        window = timedelta(seconds=rate.seconds)
        switch = min(len(progress.switches) * (window // SWITCH_EVERY + 1), max(free // 2, 1))
        late = max(free - switch, 2)
        history = max(late - len({track.site for track in tracks}) * progress.advised, 1)
        return cls(window, ((_ALL, whole), (_SWITCH, switch), (_LATE, late), (_HISTORY, history)), spent)

    def room_at(self, act: Act, cost: int, now: datetime) -> datetime:
        """The earliest instant at which `cost` more requests for `act` fit in."""
        return max((self._free_at(acts, limit, cost, now) for acts, limit in self.limits if act in acts), default=now)

    def _free_at(self, acts: frozenset[str], limit: int, cost: int, now: datetime) -> datetime:
        recent = self._recent(acts, now)
        excess = len(recent) + min(cost, limit) - limit
        return now if excess <= 0 else recent[excess - 1] + self.window

    def _recent(self, acts: frozenset[str], now: datetime) -> list[datetime]:
        return sorted(at for at, act in self.spent if act in acts and now - self.window < at <= now)
