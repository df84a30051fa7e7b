"""The promise of the hub's collectors: a minute after one is lost, another has its accounts."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime, timedelta
from typing import Final

MINUTE: Final = timedelta(minutes=1)


class Minute:
    """Holds the hub against it. `orphans` says for how many accounts nobody had come."""

    def __init__(self) -> None:
        self.orphans = 0
        self._at: datetime | None = None
        self._free: Set[str] = frozenset()

    @property
    def runs(self) -> bool:
        """Whether it is to be looked, after every claim."""
        return self._at is not None

    def begin(self, now: datetime) -> None:
        """A collector is lost. If another was shortly before, its minute begins anew: its accounts may have been for this one to take."""
        self._at, self._free = now + MINUTE, frozenset()

    def forget(self) -> None:
        """The clock was set or the machine is off: nothing was promised."""
        self._at = None

    def look(self, now: datetime, free: Set[str]) -> None:
        """All that work have claimed once more, and nobody of them has the accounts in `free`.

        Whoever has more than its share when the lost one is back gives an account back, and that takes it with its next claim:
        an account was not come for if nobody had it after the claim before, either.
        """
        if self._at is None:
            return
        before, self._free = self._free, free
        if self._at <= now:
            self._at = None
            self.orphans += len(before & free)
