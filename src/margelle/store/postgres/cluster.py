"""The tables on a cluster of PostgreSQL servers (Citus): spread over the nodes by a column, or whole on every node."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.abc import QueryNoTemplate as Query
from psycopg.rows import TupleRow

from margelle.store.relations import RELATIONS

SPREAD: Final = {
    "head": "probe",
    "piece": "probe",
    "chunk": "probe",
    "revision": "probe",
    "rolled": "probe",
    "year": "probe",
    "gap": "probe",
    "receipt": "account",
}
"""By which column the rows of a table are spread. All of one probe is on one node."""
CENTRAL: Final = frozenset(
    {"audit", "collector", "form", "granted", "incident", "lease", "margelle", "memo", "refusal", "secret"}
)
"""What stays on the coordinator: hubs write it all the time, and would else depend on every node being there. All other tables are on every node."""
_FIRST: Final = "head"
_CITUS: Final = "SELECT 1 FROM pg_extension WHERE extname = 'citus'"
_PLACED: Final = """
SELECT relname FROM pg_class JOIN pg_dist_partition ON logicalrelid = pg_class.oid
WHERE relnamespace = current_schema()::regnamespace AND (partmethod = 'h' OR partmethod = 'n' AND repmodel = 't')
"""
"""Hash-distributed tables and reference tables; what is only known to the cluster is neither."""
_TABLES: Final = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
"""
_SEQUENTIAL: Final = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"
_EVERYWHERE: Final = "SELECT create_reference_table(%s)"
_BY_COLUMN: Final = "SELECT create_distributed_table(%s, %s, colocate_with => %s)"

Connection = AsyncConnection[TupleRow]


class Manner(Struct, frozen=True):
    """How a connection is set up, what is said within each transaction first, and how it ends."""

    settings: Query
    within: Query
    commit: Query


ALONE: Final = Manner("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)", "", "COMMIT")
"""On one server. Whatever is asked is found by a key, so that a plan for the values of each question is never another one; in large tables the server would make it anew each time."""


_TOGETHER: Final = """
SELECT set_config('citus.propagate_set_commands', 'local', false), set_config('citus.max_adaptive_executor_pool_size', '1', false),
    set_config('citus.multi_shard_modify_mode', 'sequential', false)
"""


def together(patience_ms: int) -> Manner:
    """On a cluster: a lock is waited for no longer than that on any node; each node is asked over one connection, so that a transaction sees
    all of a probe as it was at one moment; shards are changed one after the other, so that of two hubs none waits for what the other has;
    and the coordinator notices each transaction, as whoever missed the news looks there.
    """
    return Manner(
        _TOGETHER,
        f"SET LOCAL lock_timeout = {patience_ms:d}".encode(),  # alone: Citus hands on all that is sent with it
        "SELECT pg_current_xact_id(); COMMIT",
    )


async def is_spread(connection: Connection) -> bool:
    """Whether the tables are on a cluster."""
    return await has_citus(connection) and _FIRST in await _placed(connection)


async def sequentially(connection: Connection) -> None:
    """Let the transaction change one shard after the other: Citus refuses to mix tables that refer to each other otherwise."""
    await connection.execute(_SEQUENTIAL)


async def pending(connection: Connection) -> list[str]:
    """The tables that are only on the coordinator yet, those that others refer to first."""
    order = {relation.name: n for n, relation in enumerate(RELATIONS)}
    tables = {table for (table,) in await rows(connection, _TABLES)} - CENTRAL - await _placed(connection)
    return sorted(tables, key=lambda table: (table != _FIRST, order.get(table, len(order)), table))


async def spread_new(connection: Connection) -> None:
    """Put tables that are new where they belong, within the caller's transaction."""
    for table in await pending(connection):
        await put(connection, table)


async def put(connection: Connection, table: str) -> None:
    """Put a table where it belongs."""
    column = SPREAD.get(table)
    if column is None:
        await connection.execute(_EVERYWHERE, (quoted(table),))
    else:
        beside = _FIRST if column == SPREAD[_FIRST] and table != _FIRST else "none"
        await connection.execute(_BY_COLUMN, (quoted(table), column, beside))


def quoted(table: str) -> str:
    """Its name as Citus wants it."""
    return f'"{table}"'


async def has_citus(connection: Connection) -> bool:
    """Whether the database has the extension."""
    return bool(await rows(connection, _CITUS))


async def rows(connection: Connection, sql: Query) -> list[TupleRow]:
    """What a statement returns."""
    return await (await connection.execute(sql)).fetchall()


async def _placed(connection: Connection) -> set[str]:
    return {table for (table,) in await rows(connection, _PLACED)}
