"""Folding in the background of a hub: step by step, whenever there is something to fold, in as many processes as there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from margelle.errors import StoreError
from margelle.ports import Store

REST_S: Final = 0.05
"""A hub rests so long after each step: folding takes a small part of its time."""
PAUSE_S: Final = 20.0
"""So often it is looked whether there is something to fold."""
_RETRY_S: Final = 60.0
_log = logging.getLogger(__name__)


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait so many seconds, or until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


class Folder:
    """Folds what comes into a store. It may be killed at any moment, and several may run on one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, stop: asyncio.Event, wait: Callable[[float, asyncio.Event], Awaitable[None]] = pause) -> None:
        """Fold what there is to fold until `stop`. A store that fails is tried again later."""
        while not stop.is_set():
            try:
                folded = await self._store.fold()
            except StoreError as error:
                _log.error("The store cannot be used, folding waits: %s", error)
                await wait(_RETRY_S, stop)
            else:
                await wait(REST_S if folded.more else PAUSE_S, stop)
