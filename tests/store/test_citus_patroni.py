"""Patroni looks after the standbys of a cluster: whatever machine is lost, hubs that write go on by themselves, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from margelle.store import distribute
from tests import patroni
from tests.patroni import Patroni
from tests.store.writing import busy, further


@pytest.fixture(scope="module")
def looked_after() -> Iterator[Patroni]:
    servers = patroni.begun()
    try:
        servers.settled()
        asyncio.run(_distributed(servers.url))
        yield servers
    finally:
        servers.remove()


async def _distributed(url: str) -> None:
    assert [table async for table, _ in distribute(url)]


@pytest.mark.parametrize("group", [pytest.param(0, id="coordinator"), pytest.param(1, id="worker")])
async def test_patroni_has_a_standby_take_over_and_hubs_go_on_without_anybodys_help(
    looked_after: Patroni, group: int
) -> None:
    before = looked_after.nodes()
    async with busy(looked_after.url, f"group{group}:") as (writers, _):
        await asyncio.to_thread(looked_after.kill, looked_after.primary(group))
        async with asyncio.timeout(120):
            while not all(writer.failures for writer in writers):  # noqa: ASYNC110 - other tasks write
                await asyncio.sleep(0.01)
        await further(writers)
    after = looked_after.nodes()
    assert {group for group in before if before[group] != after[group]} == {group}
