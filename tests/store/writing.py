"""What goes on writing, whatever happens to the servers, and knows what was acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from margelle.domain.measurement import Measurement
from margelle.errors import StoreError
from margelle.store.postgres import PostgresStore
from margelle.store.vault import Vault
from tests.store.things import HOUR, KEY, NOW, inspected, point


def hour(probe: str, n: int) -> Measurement:
    return point(n, at=NOW + n * HOUR, probe=probe)


class Writer:
    """Adds hour after hour of probes of its own, until it is told to stop; what was not acknowledged it adds again."""

    def __init__(self, store: PostgresStore, name: str) -> None:
        self.store, self.acknowledged, self.failures = store, 0, 0
        self.probes = [f"{name}:{n}/ico" for n in range(4)]
        self._is_over = False

    async def write(self) -> None:
        while not self._is_over:
            try:
                await self.store.add([hour(probe, self.acknowledged) for probe in self.probes], NOW)
            except StoreError as error:
                assert error.retryable, error
                self.failures += 1
                await asyncio.sleep(0.05)
            else:
                self.acknowledged += 1

    async def until(self, count: int) -> None:
        async with asyncio.timeout(120):
            while self.acknowledged < count:  # noqa: ASYNC110 - it is another task that counts
                await asyncio.sleep(0.01)

    async def proven(self, task: asyncio.Task[None], reader: PostgresStore) -> None:
        """Stop; then all that was acknowledged is there, once."""
        self._is_over = True
        await task
        for probe in self.probes:
            assert await reader.history(probe, "ph") == [hour(probe, n) for n in range(self.acknowledged)]


class Reader:
    """Asks for the newest of what a writer writes, until it is told to stop: what was acknowledged before it asked is there, in order, once.

    But for the last, where a node went away between the two phases of its commit: that is `behind` until the cluster has settled it, and nothing
    later is kept of the probe before.
    """

    def __init__(self, store: PostgresStore, writer: Writer) -> None:
        self.store, self.writer, self.answers, self.failures, self.behind = store, writer, 0, 0, 0
        self._is_over = False

    async def read(self) -> None:
        while not self._is_over:
            for probe in self.writer.probes:
                acknowledged = self.writer.acknowledged
                try:
                    found = await self.store.history(probe, "ph", limit=10, descending=True)
                except StoreError as error:
                    assert error.retryable, error
                    self.failures += 1
                    await asyncio.sleep(0.05)
                else:
                    count = int(found[0].value or 0) + 1 if found else 0
                    assert found == [hour(probe, n) for n in reversed(range(max(0, count - 10), count))]
                    assert count >= acknowledged - 1
                    self.behind += count < acknowledged
                    self.answers += 1

    async def stopped(self, task: asyncio.Task[None]) -> None:
        self._is_over = True
        await task


@asynccontextmanager
async def busy(url: str, name: str = "w") -> AsyncIterator[tuple[list[Writer], Reader]]:
    """Two hubs that write, and one that reads what they have written; in the end all that was acknowledged is there, once."""
    hubs = [PostgresStore(url, Vault(KEY), patience_s=5) for _ in range(3)]
    writers = [Writer(hub, f"{name}{n}") for n, hub in enumerate(hubs[:2])]
    reader = Reader(hubs[2], writers[0])
    tasks = [asyncio.create_task(one) for one in (*(writer.write() for writer in writers), reader.read())]
    await further(writers)
    yield writers, reader
    await further(writers)
    await reader.stopped(tasks[-1])
    for writer, task in zip(writers, tasks, strict=False):
        await writer.proven(task, hubs[2])
    assert (await inspected(hubs[2])).faults == ()
    for hub in hubs:
        await hub.close()


async def further(writers: list[Writer]) -> None:
    """Until each of them has had more acknowledged."""
    for writer in writers:
        await writer.until(writer.acknowledged + 10)
