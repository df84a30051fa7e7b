"""A breaker for each cloud: when several accounts find it down, one asks for all until it answers again.

Kept in memory only: a collector that starts anew asks each account once, finds out for itself, and no more is lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from margelle.collect.failure import pause

ENOUGH: Final = 3
"""So many accounts without an answer in between: it is the cloud, not the account."""

TRIAL: Final = timedelta(minutes=2)
"""So long the one that tries it may take before another may."""

_FIRST: Final = timedelta(minutes=1)
_MOST: Final = timedelta(minutes=30)


class Circuit:
    """What the accounts of one cloud tell each other of its health. Pure but for its memory; the caller gives the time."""

    def __init__(self, cloud: str) -> None:
        self._cloud = cloud
        self._failed: set[str] = set()
        self._openings = 0
        self._opened_at: datetime | None = None
        self._length = timedelta(0)
        self._trier = ""
        self._tried_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the cloud is taken to be down."""
        return self._opened_at is not None

    def answered(self) -> None:
        """The cloud has answered somebody: it is well."""
        self._failed.clear()
        self._openings, self._opened_at, self._tried_at = 0, None, None

    def failed(self, account: str, now: datetime) -> None:
        """The cloud, as a whole, has failed `account`."""
        self._failed.add(account)
        if len(self._failed) < ENOUGH or (self._opened_at is not None and account != self._trier):
            return
        self._openings += 1
        self._opened_at, self._length = now, pause(self._cloud, self._openings, _FIRST, _MOST)
        self._trier, self._tried_at = "", None

    def wait_until(self, account: str, now: datetime) -> datetime | None:
        """When `account` may ask; None: now. Where the cloud's rest is over, the first who wants to ask tries it for all.

        Different accounts are told different times, spread over as long as the cloud rested, so that they do not all come back at once.
        """
        if self._opened_at is None:
            return None
        rested = now - self._opened_at
        if timedelta(0) <= rested < self._length:
            return self._opened_at + self._length + self._spread(account)
        if account == self._trier:
            return None
        if self._tried_at is None or not timedelta(0) <= now - self._tried_at < TRIAL:
            self._trier, self._tried_at = account, now
            return None
        return now + TRIAL + self._spread(account)

    def _spread(self, account: str) -> timedelta:
        """A part of the last rest, another one for each account."""
        whole = timedelta(hours=1)
        return self._length * ((pause(account, self._openings, whole, whole) / whole - 0.8) / 0.4)
