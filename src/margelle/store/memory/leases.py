"""Who collects from which account, in memory."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from margelle.store import rules
from margelle.store.memory.places import PlacesPart


class LeasesPart(PlacesPart):
    """The part of the store by which collectors share the accounts."""

    def __init__(self) -> None:
        super().__init__()
        self._collectors: dict[str, datetime] = {}
        self._leases: dict[str, str] = {}

    async def collectors(self, now: datetime) -> dict[str, int]:
        return {
            name: sum(not self._accounts[account].is_own for account in self._leased(name) if account in self._accounts)
            for name, until in sorted(self._collectors.items())
            if until > now
        }

    async def claim(self, collector: str, now: datetime, life_s: float, keep: Collection[str] = ()) -> list[str]:
        self._version += 1
        until = now + timedelta(seconds=life_s)
        self._collectors = {name: end for name, end in self._collectors.items() if now < end <= until}
        self._collectors[collector] = until
        self._leases = {
            account: name
            for account, name in self._leases.items()
            if name in self._collectors and account in self._accounts
        }
        share = rules.share(len(self._accounts), len(self._collectors))
        held = self._leased(collector)
        for account in rules.surplus(held, share, keep):
            del self._leases[account]
        free = [account for account in sorted(self._accounts) if account not in self._leases]
        self._leases |= dict.fromkeys(free[: max(share - len(held), 0)], collector)
        return self._leased(collector)

    async def release(self, collector: str) -> None:
        self._version += 1
        self._collectors.pop(collector, None)
        self._leases = {account: name for account, name in self._leases.items() if name != collector}

    def _leased(self, collector: str) -> list[str]:
        return sorted(account for account, name in self._leases.items() if name == collector)
