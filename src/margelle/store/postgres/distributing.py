"""Spreading the tables over a cluster's nodes, once: when the cluster is new, or the hub has outgrown one server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import psycopg
from psycopg import AsyncConnection

from margelle.errors import Conflict, StoreError
from margelle.store.postgres import cluster, failure, schema
from margelle.store.postgres.address import Address
from margelle.store.postgres.cluster import Connection

_NODES: Final = "SELECT 1 FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary'"
_FORGETFUL: Final = """
SELECT nodename || ':' || nodeport, success, result
FROM run_command_on_workers('SHOW synchronous_commit') WHERE NOT success OR result = 'off'
"""
_OTHERS: Final = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'margelle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_GIVE_BACK: Final = "SELECT truncate_local_data_after_distributing_table(%s)"


async def distribute(url: str) -> AsyncIterator[tuple[str, str | None]]:
    """Each table that was put where it belongs, and the column by which its rows are spread, if they are."""
    address = Address.of(url)
    try:
        async with await AsyncConnection.connect(address.conninfo, autocommit=True) as connection:
            await schema.migrate(connection, schema.scripts(), address.name)
            await _check(connection, address.name)
            tables = await cluster.pending(connection)
            if not tables:
                raise Conflict(f"{address.name}: Its tables are spread over the cluster already.")
            async for table in _spread(connection, tables):
                yield table, cluster.SPREAD.get(table)
    except psycopg.Error as error:
        raise failure.told(error, address) from None


async def _check(connection: Connection, name: str) -> None:
    """Raise StoreError where the tables cannot be spread over a cluster, Conflict where it is not the time."""
    if not await cluster.has_citus(connection):
        raise StoreError(
            f"{name}: This database has no Citus.",
            hint="CREATE EXTENSION citus in it, on every node; then make the nodes known (docs/citus.md).",
        )
    if not await cluster.rows(connection, _NODES):
        raise StoreError(
            f"{name}: The cluster has no node that may have shards.",
            hint="SELECT citus_set_coordinator_host(…), then citus_add_node(…) for each worker.",
        )
    for node, answered, told in await cluster.rows(connection, _FORGETFUL):
        if not answered:
            raise StoreError(
                f"{name}: The node {node} does not answer: {told}.", hint="All nodes must be there for this."
            )
        raise StoreError(
            f"{name}: The node {node} has synchronous_commit = off: it would lose what it has acknowledged.",
            hint="Set it to on there, in postgresql.conf.",
        )
    if await cluster.rows(connection, _OTHERS):
        raise Conflict(f"{name}: Another margelle uses this database.", hint="Stop every hub and collector first.")


async def _spread(connection: Connection, tables: list[str]) -> AsyncIterator[str]:
    """Put tables where they belong, step by step; gives the name of each that is. What has begun to be put is undone where it fails."""
    everywhere = [table for table in tables if table not in cluster.SPREAD]
    async with connection.transaction():  # they refer to each other
        await cluster.sequentially(connection)
        for table in everywhere:
            await cluster.put(connection, table)
        for table in everywhere:
            await connection.execute(_GIVE_BACK, (cluster.quoted(table),))
    for table in everywhere:
        yield table
    for table in (table for table in tables if table in cluster.SPREAD):
        async with connection.transaction():
            await cluster.sequentially(connection)
            await cluster.put(connection, table)
            await connection.execute(_GIVE_BACK, (cluster.quoted(table),))
        yield table
