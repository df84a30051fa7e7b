"""Waits for a time, an event or a task, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

Pause = Callable[[float, asyncio.Event], Awaitable[None]]
"""`pause(seconds, event)`: returns after so many seconds, or when the event is set."""


async def pause(seconds: float, event: asyncio.Event) -> None:
    """Wait so many seconds, or until `event` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


async def first_of(tasks: Iterable[asyncio.Task[Any]], timeout_s: float | None = None) -> None:
    """Wait until one of `tasks` is done, or for so long. What it was killed by is raised."""
    done, _ = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
