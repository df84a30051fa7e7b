"""Which of a store's accounts are a collector's: it claims them for a while, again and again, beside every other that shares the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from margelle.collect import holder
from margelle.domain.site import Account
from margelle.ports import Store

CLAIM_EVERY: Final = timedelta(seconds=15)
LEASE_S: Final = 40.0
"""An account whose collector has died is another's within a minute: after this, and one more claim."""


class Claims:
    """What the collector called `name` has claimed. `have_first` says whether the first of all accounts is among it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._at: datetime | None = None
        self._ours: set[str] = set()
        self.have_first = False

    def are_due(self, now: datetime) -> bool:
        """Whether the last claim is old, or of a time to come: the clock was set back."""
        return self._at is None or not self._at <= now < self._at + CLAIM_EVERY

    def are_later_than(self, now: datetime) -> bool:
        """Whether the last claim is of a time to come."""
        return self._at is not None and now < self._at

    def are_ours(self, now: datetime) -> bool:
        """Whether what was claimed is still ours: a process that was asleep may have lost it."""
        return self._at is not None and now - self._at < timedelta(seconds=LEASE_S)

    async def renew(self, now: datetime, asking: Sequence[str]) -> None:
        """Claim once more, in any case those that we are `asking`."""
        await self._bury(now)
        self._ours = set(await self._store.claim(self._name, now, LEASE_S, asking))
        self._at = now

    async def accounts(self) -> dict[str, Account]:
        """The accounts that are ours to ask, by id."""
        everyone = await self._store.accounts()
        self.have_first = bool(everyone) and min(account.id for account in everyone) in self._ours
        return {one.id: one for one in everyone if one.id in self._ours and not one.is_own and not one.paused}

    async def release(self) -> None:
        """Give all of them back."""
        self.have_first = False
        await self._store.release(self._name)

    async def _bury(self, now: datetime) -> None:
        """A collector that was killed on this machine need not be waited for."""
        for name in await self._store.collectors(now):
            if holder.is_dead(name):
                await self._store.release(name)
