"""`margelle store distribute`: the tables are where they belong, whatever was in them, and stay so after an update of margelle."""

from __future__ import annotations

import psycopg
import pytest

from margelle.errors import ConfigError, Conflict, StoreError
from margelle.store import copying, distribute
from margelle.store.copying import Proof
from margelle.store.postgres import PostgresStore, schema
from margelle.store.postgres import cluster as room
from margelle.store.relations import ALIVE, RELATIONS
from margelle.store.vault import Vault
from tests import citus
from tests.citus import Cluster
from tests.store.test_copying import fill, nothing
from tests.store.things import KEY, NOW, inspected, point

TABLES = {relation.name for relation in RELATIONS} | ALIVE | room.SPREAD.keys()
SCRIPTS = schema.scripts()
NEXT = """
CREATE TABLE extra (id integer PRIMARY KEY, site text COLLATE "C" REFERENCES site (id));
ALTER TABLE head ADD COLUMN extra text;
CREATE INDEX gap_state ON gap (state);
UPDATE head SET extra = probe;
"""
BY_HAND = """
SELECT create_reference_table(t) FROM unnest(ARRAY['user', 'granted', 'organisation', 'account', 'site', 'link', 'membership', 'event', 'probe',
    'device', 'recommendation', 'persona', 'secret', 'memo', 'receipt', 'incident', 'audit', 'gap', 'collector', 'lease', 'margelle']) AS t;
SELECT create_distributed_table('head', 'probe');
SELECT create_distributed_table(t, 'probe', colocate_with => 'head') FROM unnest(ARRAY['piece', 'chunk', 'revision', 'rolled', 'year']) AS t;
"""
"""As it was said in the documents before there was a command."""


async def distributed(url: str) -> dict[str, str | None]:
    return {table: column async for table, column in distribute(url)}


async def proven(url: str) -> Proof:
    store = PostgresStore(url, Vault(KEY), patience_s=20)
    assert (await inspected(store)).faults == ()
    proof = await copying.proof(store, nothing)
    await store.close()
    return proof


async def filled(url: str) -> Proof:
    """What is kept once a hub has worked on one server."""
    store = PostgresStore(url, Vault(KEY), patience_s=20)
    await fill(store)
    await store.close()
    return await proven(url)


def placed(url: str) -> dict[str, str | None]:
    """The tables that the cluster knows, with the column by which they are spread."""
    rows = citus.run(url, "SELECT table_name::text, distribution_column FROM citus_tables")
    return {str(table).strip('"'): None if column == "<none>" else str(column) for table, column in rows}


async def test_what_is_kept_is_the_same_on_a_cluster(cluster: Cluster) -> None:
    url = cluster.create("moved")
    before = await filled(url)
    told = await distributed(url)
    assert told == placed(url)
    assert {table: column for table, column in told.items() if column} == room.SPREAD
    assert told.keys() | room.CENTRAL == TABLES | {"margelle"}
    assert await proven(url) == before
    left = citus.run(
        url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_relation_size(oid) > 0 AND relname = 'chunk'"
    )
    assert left == [], "the coordinator has given back the room"
    assert (
        len(citus.run(url, "SELECT DISTINCT nodename, nodeport FROM citus_shards WHERE table_name = 'chunk'::regclass"))
        == 2
    )
    with pytest.raises(Conflict, match="already"):
        await distributed(url)


@pytest.mark.parametrize("steps", [0, 3, 11, 14])
async def test_an_interrupted_distribution_goes_on_where_it_was(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    url = cluster.create(f"interrupted{steps}")
    before = await filled(url)
    put, left = room.put, iter(range(steps))

    async def put_some(connection: room.Connection, table: str) -> None:
        if next(left, None) is None:
            raise psycopg.OperationalError("the wire was cut")
        await put(connection, table)

    with monkeypatch.context() as patch:
        patch.setattr(room, "put", put_some)
        with pytest.raises(StoreError):
            await distributed(url)
    done = placed(url)
    told = await distributed(url)
    assert not done.keys() & told.keys()
    assert {**done, **told} == placed(url)
    assert placed(url).keys() == TABLES - room.CENTRAL
    assert await proven(url) == before


async def test_a_later_version_puts_what_is_new_where_it_belongs(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.create("updated")
    before = await filled(url)
    await distributed(url)
    monkeypatch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
    assert await proven(url) == before
    assert placed(url)["extra"] is None
    assert citus.run(url, "SELECT version FROM margelle") == [(len(SCRIPTS) + 1,)]
    assert citus.run(url, "SELECT count(*) > 0 AND bool_and(extra = probe) FROM head") == [(True,)]


async def test_a_schema_that_was_distributed_by_hand_is_brought_up_to_date(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.create("byhand")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "scripts", lambda: SCRIPTS[:1])
        before = await filled(url)
        citus.run(url, BY_HAND)
    assert await proven(url) == before
    assert citus.run(url, "SELECT version FROM margelle") == [(len(SCRIPTS),)]


async def test_without_citus_it_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="Only a PostgreSQL"):
        await distributed("/var/lib/margelle.sqlite")
    with pytest.raises(StoreError, match="has no Citus") as caught:
        await distributed(url)
    assert "CREATE EXTENSION citus" in caught.value.hint


async def test_without_workers_it_is_refused(cluster: Cluster) -> None:
    with pytest.raises(StoreError, match="no node") as caught:
        await distributed(cluster.create("alone", workers=0))
    assert "citus_add_node" in caught.value.hint


async def test_while_a_hub_runs_it_is_refused(cluster: Cluster) -> None:
    url = cluster.create("busy")
    store = PostgresStore(url, Vault(KEY), patience_s=20)
    await store.add([point()], NOW)
    with pytest.raises(Conflict, match="Another margelle"):
        await distributed(url)
    await store.close()
    assert await distributed(url)


async def test_a_node_that_would_forget_what_it_acknowledged_is_refused(cluster: Cluster) -> None:
    url = cluster.create("forgetful")
    cluster.set(2, "synchronous_commit", "off")
    with pytest.raises(StoreError, match=f"{cluster.ports[2]} has synchronous_commit = off"):
        await distributed(url)
    cluster.set(2, "synchronous_commit", "on")
