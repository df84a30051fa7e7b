"""What a hub does with its store in the background, again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from margelle.errors import Outdated, StoreError
from margelle.waiting import Pause

RETRY_S: Final = 60.0
"""After so long a store that failed is tried again."""
_log = logging.getLogger(__name__)


async def repeat(step: Callable[[], Awaitable[float]], stop: asyncio.Event, wait: Pause, meanwhile: str) -> None:
    """Take one `step` after the other until `stop`; each returns how many seconds are waited after it.

    Where the store fails, what that means `meanwhile` is said, and the step is tried again later. Raises Outdated where a newer margelle keeps the
    store: the process must end.
    """
    while not stop.is_set():
        try:
            wait_s = await step()
        except Outdated:
            raise
        except StoreError as error:
            _log.error("The store cannot be used, %s: %s", meanwhile, error)
            wait_s = RETRY_S
        await wait(wait_s, stop)
