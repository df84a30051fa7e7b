"""How long somebody who guesses has to wait: refusals are counted in the store, so that every process and node of the hub knows of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from margelle.errors import Limited
from margelle.ports import Rate, Store


class Patience:
    """So many refusals of each key, and then a wait. `what` keeps the keys of one kind apart from others; the store sees a digest of both."""

    def __init__(self, store: Store, what: str, rate: Rate) -> None:
        self._store, self._what, self._rate = store, what, rate

    async def wait_s(self, key: str, now: datetime) -> float:
        """In how many seconds the next attempt may be made; 0 for now."""
        refused = await self._store.refusals(self._subject(key), now)
        if len(refused) < self._rate.requests:
            return 0.0
        left_s = (refused[-self._rate.requests] - now).total_seconds() + self._rate.seconds
        return min(max(left_s, 0.0), self._rate.seconds)  # a clock that was set back shuts nobody out for longer

    async def add(self, key: str, now: datetime) -> None:
        """Count one refusal."""
        await self._store.refuse(self._subject(key), now, self._rate.seconds)

    async def forget(self, key: str, now: datetime) -> None:
        """Begin anew for this key; nothing is written where nothing is known of it."""
        if await self._store.refusals(self._subject(key), now):
            await self._store.pardon(self._subject(key))

    def _subject(self, key: str) -> str:
        told = f"{self._what}\0{key}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(told, digest_size=16).hexdigest()


class Tries:
    """How often something may be tried in vain, counted by several keys at once (such as a login and an address): `rates` has what each key is, and its rate."""

    def __init__(self, store: Store, rates: Mapping[str, Rate]) -> None:
        self._counted = tuple(Patience(store, what, rate) for what, rate in rates.items())

    async def demand_room(self, keys: Sequence[str], now: datetime, what: str) -> None:
        """Raises Limited, which says `what` there was too much of, unless there is room for one more by every key."""
        wait_s = max([await one.wait_s(key, now) for one, key in zip(self._counted, keys, strict=True)])
        if wait_s > 0:
            raise Limited(what, hint="Wait a while.", retry_after_s=wait_s)

    async def add(self, keys: Sequence[str], now: datetime) -> None:
        """Count one more."""
        for one, key in zip(self._counted, keys, strict=True):
            await one.add(key, now)

    async def forget(self, key: str, now: datetime) -> None:
        """Begin anew for this one of the first keys: it was no guess. What the others have counted stays."""
        await self._counted[0].forget(key, now)
