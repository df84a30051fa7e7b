"""A cluster gets one more worker, or a standby instead of a server that is lost, while hubs write and read: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from margelle.store import distribute
from tests import citus
from tests.citus import NODES, Cluster
from tests.store.plans import Sent, everything, plans_of
from tests.store.writing import Writer, busy

NAME = "changing"
SHARDS = "SELECT DISTINCT nodeport FROM citus_shards WHERE table_name = 'head'::regclass AND citus_table_type = 'distributed'"
BALANCED = "SELECT state FROM citus_rebalance_status()"
OVER = {"finished", "failed", "cancelled"}


@pytest.fixture
def own() -> Iterator[Cluster]:
    """A cluster of a test's own, which it may change."""
    cluster = citus.begun()
    yield cluster
    cluster.remove()


@pytest.fixture
async def url(own: Cluster) -> str:
    """The URL of a database whose tables are spread over its two workers."""
    url = own.create(NAME)
    assert [table async for table, _ in distribute(url)]
    return url


async def noticed(writers: list[Writer]) -> None:
    """Until each of them has failed."""
    async with asyncio.timeout(60):
        while not all(writer.failures for writer in writers):  # noqa: ASYNC110 - other tasks write
            await asyncio.sleep(0.01)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not await asyncio.to_thread(done):  # noqa: ASYNC110 - the cluster tells nobody
            await asyncio.sleep(0.2)


async def test_one_more_worker_takes_its_share_while_hubs_write_and_read(
    own: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with busy(url) as (writers, reader):
        node = own.add()
        own.start(node)
        await asyncio.to_thread(own.join, NAME, node)
        assert (own.ports[node],) not in own.run(NAME, SHARDS)
        own.run(NAME, "SELECT citus_rebalance_start()")
        await until(lambda: own.run(NAME, BALANCED)[0][0] in OVER)
        assert own.run(NAME, BALANCED) == [("finished",)]
        assert len(own.run(NAME, SHARDS)) == NODES
        assert [writer.failures for writer in writers] == [0, 0]
        assert (reader.failures, reader.behind) == (0, 0)
    sent = Sent(monkeypatch)
    await everything(url)
    plans = plans_of(url, sent.statements)
    assert [(plan.sql, plan.ways) for plan in plans if plan.ways] == []
    assert [(plan.sql, plan.tasks) for plan in plans if plan.named == 1 and plan.tasks != 1] == []


async def test_a_standby_that_is_promoted_instead_of_a_lost_worker_is_asked_by_hubs_that_run(
    own: Cluster, url: str
) -> None:
    own.set(0, "citus.recover_2pc_interval", "'1s'")
    standby = await asyncio.to_thread(own.follow, 1)
    async with busy(url) as (writers, _):
        await asyncio.to_thread(own.stop, 1)
        await noticed(writers)
        await asyncio.to_thread(own.promote, standby)
        await asyncio.to_thread(own.instead, NAME, 1, standby)
    assert (own.ports[standby],) in own.run(NAME, SHARDS)


async def test_a_standby_that_is_promoted_instead_of_a_lost_coordinator_is_found_by_hubs_that_know_both(
    own: Cluster, url: str
) -> None:
    own.set(0, "citus.recover_2pc_interval", "'1s'")
    standby = await asyncio.to_thread(own.follow, 0)
    hosts = ",".join(f"127.0.0.1:{own.ports[node]}" for node in (0, standby))
    both = urlsplit(url)._replace(netloc=f"postgres@{hosts}", query="target_session_attrs=read-write").geturl()
    async with busy(both) as (writers, _):
        await asyncio.to_thread(own.stop, 0)
        await noticed(writers)
        await asyncio.to_thread(own.promote, standby)
        moved = f"SELECT citus_set_coordinator_host('127.0.0.1', {own.ports[standby]})"
        await asyncio.to_thread(citus.run, own.url(NAME, standby), moved)
