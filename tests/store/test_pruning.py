"""What ages is forgotten in the background of a hub that only serves."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

import pytest

from margelle.errors import Outdated, StoreError
from margelle.store.memory import MemoryStore
from margelle.store.pruner import EVERY_S, Pruner
from tests.store.things import DAY, NOW


class Prunable(MemoryStore):
    """Fails as it is told to, and notes the rest."""

    def __init__(self, *faults: Exception | None) -> None:
        super().__init__()
        self.faults, self.pruned = list(faults), list[tuple[datetime, int]]()

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        if fault := self.faults.pop(0):
            raise fault
        self.pruned.append((now, receipts_days))


async def test_a_hub_prunes_daily_and_a_store_that_fails_is_tried_again_soon(caplog: pytest.LogCaptureFixture) -> None:
    store, stop, waited = Prunable(None, StoreError("no disk"), None), asyncio.Event(), list[float]()

    async def wait(seconds: float, event: asyncio.Event) -> None:
        waited.append(seconds)
        if not store.faults:
            event.set()

    await Pruner(store, lambda: NOW + len(waited) * DAY, 7).run(stop, wait)
    assert waited == [EVERY_S, 60.0, EVERY_S]
    assert store.pruned == [(NOW, 7), (NOW + 2 * DAY, 7)]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "no disk" in caplog.text


async def test_a_hub_that_is_outdated_ends() -> None:
    with pytest.raises(Outdated):
        await Pruner(Prunable(Outdated("newer")), lambda: NOW, 7).run(asyncio.Event())


async def test_a_hub_that_ends_does_not_wait_for_the_next_day() -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Pruner(Prunable(None), lambda: NOW, 7).run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 5)
