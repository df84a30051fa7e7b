"""Forgetting what ages, in the background of a hub that serves and does not collect: a collector does it by itself."""

from __future__ import annotations

import asyncio
from typing import Final

from margelle.ports import Clock, Store
from margelle.store.background import repeat
from margelle.waiting import Pause, pause

EVERY_S: Final = 86_400.0


class Pruner:
    """Has a store forget, at once and then daily, what it need not keep. Several may do so with one store: what is over is over."""

    def __init__(self, store: Store, clock: Clock, receipts_days: int) -> None:
        self._store, self._clock, self._receipts_days = store, clock, receipts_days

    async def run(self, stop: asyncio.Event, wait: Pause = pause) -> None:
        """Until `stop`. A store that fails is tried again later.

        Raises Outdated where a newer margelle keeps the store: the process must end.
        """
        await repeat(self._prune, stop, wait, "what is over stays for now")

    async def _prune(self) -> float:
        await self._store.prune(self._clock(), receipts_days=self._receipts_days)
        return EVERY_S
