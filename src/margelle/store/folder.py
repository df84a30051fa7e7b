"""Folding in the background of a hub: step by step, whenever there is something to fold, in as many processes as there are."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from margelle.ports import Folded, Store
from margelle.store.background import repeat
from margelle.waiting import Pause, pause

REST_S: Final = 0.05
"""A hub rests so long after each step: folding takes a small part of its time."""
PAUSE_S: Final = 20.0
"""So often it is looked whether there is something to fold."""
_LOOK_STEPS: Final = 100
"""While there is more to fold, it is looked once in so many steps how far that is."""
_log = logging.getLogger(__name__)


class Folder:
    """Folds what comes into a store. It may be killed at any moment, and several may run on one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._steps = 0
        self._tenths = -1
        """How many tenths of what an earlier version kept are known to be folded; below 0 while nothing was said of it."""

    async def run(self, stop: asyncio.Event, wait: Pause = pause) -> None:
        """Fold what there is to fold until `stop`. A store that fails is tried again later.

        Raises Outdated where a newer margelle keeps the store: the process must end.
        """
        await repeat(self._fold, stop, wait, "folding waits")

    async def _fold(self) -> float:
        await self._store.version()
        folded = await self._store.fold()
        await self._tell(folded)
        return REST_S if folded.more else PAUSE_S

    async def _tell(self, folded: Folded) -> None:
        """Log how far the measurements of an earlier version are: at first, with every tenth, and in the end."""
        self._steps += 1
        if folded.more and self._steps % _LOOK_STEPS != 1:
            return
        earlier = await self._store.earlier()
        if earlier is None:
            if self._tenths >= 0:
                _log.info("All that an earlier version kept is folded")
            self._tenths = -1
        elif (tenths := 10 * earlier.folded // max(earlier.points, 1)) > self._tenths:
            self._tenths = tenths
            _log.info("What an earlier version kept is being folded: %s measurements", earlier)
