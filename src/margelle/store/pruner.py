"""Forgetting what ages, in the background of a hub that serves and does not collect: a collector does it by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from margelle.errors import Outdated, StoreError
from margelle.ports import Clock, Store
from margelle.store.folder import pause

EVERY_S: Final = 86_400.0
_RETRY_S: Final = 60.0
_log = logging.getLogger(__name__)


class Pruner:
    """Has a store forget, at once and then daily, what it need not keep. Several may do so with one store: what is over is over."""

    def __init__(self, store: Store, clock: Clock, receipts_days: int) -> None:
        self._store, self._clock, self._receipts_days = store, clock, receipts_days

    async def run(self, stop: asyncio.Event, wait: Callable[[float, asyncio.Event], Awaitable[None]] = pause) -> None:
        """Until `stop`. A store that fails is tried again later.

        Raises Outdated where a newer margelle keeps the store: the process must end.
        """
        while not stop.is_set():
            try:
                await self._store.prune(self._clock(), receipts_days=self._receipts_days)
            except Outdated:
                raise
            except StoreError as error:
                _log.error("The store cannot be used, what is over stays for now: %s", error)
                await wait(_RETRY_S, stop)
            else:
                await wait(EVERY_S, stop)
