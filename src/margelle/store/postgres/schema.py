"""The schema of the database, and how an older one becomes the present one: numbered scripts that are only ever added to."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from margelle.errors import StoreError
from margelle.store.postgres import cluster

_LOCK: Final = "SELECT pg_advisory_xact_lock(x'4d61726765'::bigint)"
"""Of two who migrate, one waits."""
_END_WRITING: Final = "LOCK TABLE margelle IN ACCESS EXCLUSIVE MODE"
"""Those who write have read it, and go on to their end; those who begin wait, and see the new version."""
_ENCODING: Final = "SHOW server_encoding"
_SCHEMA: Final = "SELECT current_schema(), to_regclass('margelle')::text"
_VERSION: Final = "SELECT version FROM margelle"
_OTHERS: Final = """
SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
"""
_MARK: Final = "CREATE TABLE IF NOT EXISTS margelle (version integer NOT NULL)"

_END: Final = re.compile(r";[ ]*(?:--.*)?$", re.MULTILINE)
_COMMENT: Final = re.compile(r"--.*$", re.MULTILINE)

_Connection = AsyncConnection[TupleRow]


@cache
def scripts() -> tuple[str, ...]:
    """The migrations, from an empty database on; the schema's version is how many have been applied."""
    folder = files(__package__).joinpath("migrations")
    return tuple(
        script.read_text() for script in sorted(folder.iterdir(), key=lambda s: s.name) if script.name.endswith(".sql")
    )


def statements(script: str) -> list[str]:
    """Those of a migration, each of which ends a line."""
    return [found for part in _END.split(script) if (found := _COMMENT.sub("", part).strip())]


async def recognise(connection: _Connection, newest: int, name: str) -> int:
    """The version of the schema in the database called `name`, 0 where it is still empty; nothing is changed.

    Raises StoreError for another program's database, one of a newer margelle, or one that cannot hold every text.
    """
    encoding = await _one(connection, _ENCODING)
    if encoding != "UTF8":
        raise StoreError(f"{name}: This database's encoding is {encoding}.", hint="Make one with ENCODING 'UTF8'.")
    cursor = await connection.execute(_SCHEMA)
    schema, ours = await cursor.fetchone() or (None, None)
    if schema is None:
        raise StoreError(
            f"{name}: There is no schema that its user may use.", hint="CREATE SCHEMA margelle AUTHORIZATION its user."
        )
    if ours is None:
        if await _one(connection, _OTHERS):
            raise StoreError(
                f"{name}: The schema {schema} of this database is not margelle's.",
                hint="Name a database of its own; this one was left as it is.",
            )
        return 0
    version: int = await _one(connection, _VERSION) or 0
    if version > newest:
        raise StoreError(
            f"{name}: This database has schema {version}; this margelle knows schemas up to {newest}.",
            hint="Update margelle, or use a backup made before the update; the database was left as it is.",
        )
    return version


async def migrate(connection: _Connection, migrations: tuple[str, ...], name: str) -> bool:
    """Bring the schema up to date, all of it or nothing; whether anything was changed. A database that has it already is only read;
    on a cluster, new tables are put where they belong.
    """
    before = await recognise(connection, len(migrations), name)
    if before == len(migrations):
        return False
    async with connection.transaction():
        await connection.execute(_LOCK)
        if before:
            await connection.execute(_END_WRITING)
        version = await recognise(connection, len(migrations), name)  # another may have migrated meanwhile
        is_spread = bool(version) and await cluster.is_spread(connection)
        if is_spread:
            await cluster.sequentially(connection)
        for script in migrations[version:]:
            for statement in statements(script):  # one by one, as a cluster hands them on to its nodes
                await connection.execute(statement.encode())
        if is_spread:
            await cluster.spread_new(connection)
        if version < len(migrations):
            await connection.execute(_MARK)
            await connection.execute("DELETE FROM margelle")
            await connection.execute("INSERT INTO margelle VALUES (%s)", (len(migrations),))
    return True


async def _one(connection: _Connection, sql: str) -> Any:
    row = await (await connection.execute(sql.encode())).fetchone()
    return row[0] if row else None
