"""A cluster's node goes away and comes back, or shards move to another one, while hubs write: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from margelle.errors import StoreError
from margelle.store import distribute
from margelle.store.postgres import PostgresStore, news
from margelle.store.vault import Vault
from tests.citus import Cluster
from tests.store.things import HOUR, KEY, NOW, incident, inspected, point, user
from tests.store.writing import Writer, hour

NAME = "nodes"
PROBES = [f"ondilo:{n}/ico" for n in range(8)]


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> str:
    """The URL of a database whose tables are spread over two workers."""
    url = cluster.create(NAME)
    asyncio.run(_distributed(url))
    return url


async def _distributed(url: str) -> None:
    assert [table async for table, _ in distribute(url)]


@pytest.fixture
async def hub(nodes: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(nodes, Vault(KEY), patience_s=10)
    yield store
    await store.close()


async def back(store: PostgresStore, probe: str) -> None:
    """Until the store has found the probe's node again."""
    async with asyncio.timeout(60):
        while True:
            try:
                await store.history(probe, "ph")
            except StoreError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_while_a_node_is_away_the_others_are_answered_and_kept(cluster: Cluster, hub: PostgresStore) -> None:
    await hub.add([hour(probe, 0) for probe in PROBES], NOW)
    here, away = ([probe for probe in PROBES if cluster.node_of(NAME, probe) == node] for node in (1, 2))
    assert here
    assert away
    await asyncio.to_thread(cluster.stop, 2)
    for asked in (hub.history(away[0], "ph"), hub.add([hour(away[0], 1)], NOW), hub.count(), hub.put_user(user())):
        with pytest.raises(StoreError, match="A server of the cluster is away") as caught:
            await asked
        assert caught.value.retryable
    assert (await hub.add([hour(here[0], 1)], NOW)).new == 1
    assert await hub.history(here[0], "ph") == [hour(here[0], n) for n in (0, 1)]
    assert await hub.claim("c1", NOW, 300) == []
    await hub.put_secret("home/token", b"t")
    await hub.note_incident(incident())
    await asyncio.to_thread(cluster.start, 2)
    await back(hub, away[0])
    assert (await hub.add([hour(away[0], 1)], NOW)).new == 1
    await hub.put_user(user())
    assert (await inspected(hub)).faults == ()


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_node_that_is_stopped_while_hubs_write_loses_nothing_acknowledged(
    cluster: Cluster, hub: PostgresStore, nodes: str, how: str
) -> None:
    cluster.set(0, "citus.recover_2pc_interval", "'1s'")
    other = PostgresStore(nodes, Vault(KEY), patience_s=10)
    writers = [Writer(hub, f"{how}1"), Writer(other, f"{how}2")]
    tasks = [asyncio.create_task(writer.write()) for writer in writers]
    for node in (1, 2):
        for writer in writers:
            await writer.until(writer.acknowledged + 10)
        await asyncio.to_thread(cluster.stop, node, how)
        for writer in writers:
            async with asyncio.timeout(60):
                while not writer.failures:  # noqa: ASYNC110 - until it is noticed
                    await asyncio.sleep(0.01)
        await asyncio.to_thread(cluster.start, node)
        for writer in writers:
            await writer.until(writer.acknowledged + 10)
            writer.failures = 0
    for writer, task in zip(writers, tasks, strict=True):
        await writer.proven(task, hub)
    assert (await inspected(other)).faults == ()
    await other.close()


async def test_the_coordinator_comes_back_too(cluster: Cluster, hub: PostgresStore) -> None:
    writer = Writer(hub, "coordinator")
    task = asyncio.create_task(writer.write())
    await writer.until(10)
    await asyncio.to_thread(cluster.stop, 0)
    await asyncio.to_thread(cluster.start, 0)
    await writer.until(writer.acknowledged + 10)
    await writer.proven(task, hub)
    assert (await inspected(hub)).faults == ()


async def test_shards_move_to_another_node_while_hubs_write_and_read(cluster: Cluster, hub: PostgresStore) -> None:
    writer = Writer(hub, "moving")
    task = asyncio.create_task(writer.write())
    await writer.until(10)
    probe = writer.probes[0]
    for _ in range(2):
        source = cluster.node_of(NAME, probe)
        await asyncio.to_thread(cluster.move, NAME, probe, 3 - source)
        assert cluster.node_of(NAME, probe) == 3 - source
        await writer.until(writer.acknowledged + 10)
    await writer.proven(task, hub)
    assert (await inspected(hub)).faults == ()


async def test_a_hub_that_was_killed_before_it_could_tell_is_noticed_on_a_cluster_too(
    nodes: str, hub: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one node alone has kept leaves no other trace on the coordinator."""
    monkeypatch.setattr(news, "LOOK_S", 0.05)
    other = PostgresStore(nodes, Vault(KEY), patience_s=10)
    await hub.add([point(probe="told")], NOW)
    before = await other.version()
    with monkeypatch.context() as patch:
        patch.setattr(hub._db, "_tell", lambda kind: None)
        await hub.add([point(at=NOW + HOUR, probe="told")], NOW)
    async with asyncio.timeout(5):
        while await other.version() == before:  # noqa: ASYNC110 - until it is noticed
            await asyncio.sleep(0.01)
    await other.close()


async def test_what_somebody_else_has_locked_on_a_node_is_not_waited_for_longer_than_elsewhere(
    cluster: Cluster, nodes: str
) -> None:
    store = PostgresStore(nodes, Vault(KEY), patience_s=1)
    await store.add([point(probe="locked")], NOW)
    with psycopg.connect(cluster.url(NAME)) as other:
        other.execute("UPDATE head SET turn = turn WHERE probe = 'locked'")
        with pytest.raises(StoreError, match="Another program") as caught:
            await store.add([point(at=NOW + HOUR, probe="locked")], NOW)
        assert caught.value.retryable
    assert (await store.add([point(at=NOW + HOUR, probe="locked")], NOW)).new == 1
    await store.close()
