"""PostgreSQL's schema grows by scripts too, and no database but our own is touched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest

from margelle.errors import Outdated, StoreError
from margelle.ports import Added
from margelle.store.folder import Folder
from margelle.store.postgres import PostgresStore, news, schema
from margelle.store.vault import Vault
from tests.postgres import Databases
from tests.store.things import HOUR, NOW, point

SCRIPTS = schema.scripts()
NEXT = "CREATE TABLE extra (id integer PRIMARY KEY);\nALTER TABLE head ADD COLUMN site text;\n"
_SHAPE = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage::text, a.attidentity::text,
    (SELECT collname FROM pg_collation WHERE oid = a.attcollation), pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i') ORDER BY 1, 2
"""
_RULES = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2, 3
"""
_WAITS: Final = "SELECT 1 FROM pg_locks WHERE relation = 'margelle'::regclass AND NOT granted"


@pytest.fixture
def fresh(server: Databases) -> Iterator[str]:
    """The URL of a database in which there is nothing yet."""
    yield server.create("fresh")
    server.drop("fresh")


def shape(server: Databases, name: str = "fresh") -> list[tuple[object, ...]]:
    """Every column of every table and index, and every constraint, whatever the text that made it."""
    return sorted(server.run(_SHAPE, name), key=str) + sorted(server.run(_RULES, name), key=str)


def version(server: Databases) -> list[tuple[object, ...]]:
    return server.run("SELECT version FROM margelle", "fresh")


async def open_once(url: str, vault: Vault) -> None:
    store = PostgresStore(url, vault)
    try:
        await store.count()
    finally:
        await store.close()


async def older(url: str, version: int) -> None:
    """A database as a margelle with only the first `version` scripts made it."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await schema.migrate(connection, SCRIPTS[:version], "old")


@pytest.mark.parametrize("version", range(len(SCRIPTS) + 1))
async def test_a_database_of_every_earlier_version_becomes_the_same_as_a_fresh_one(
    server: Databases, fresh: str, vault: Vault, version: int
) -> None:
    await older(fresh, version)
    url = server.create("other")
    for one in (fresh, url):
        store = PostgresStore(one, vault)
        assert await store.add([point()], NOW) == Added(new=1)
        await store.close()
    assert shape(server) == shape(server, "other") != []
    server.drop("other")


async def test_of_many_who_find_an_empty_database_one_migrates_it(server: Databases, fresh: str, vault: Vault) -> None:
    await asyncio.gather(*(open_once(fresh, vault) for _ in range(6)))
    assert version(server) == [(len(SCRIPTS),)]


async def test_a_further_script_is_applied_once_and_keeps_what_is_there(
    server: Databases, fresh: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PostgresStore(fresh, vault)
    await store.add([point()], NOW)
    await store.close()
    before = shape(server)
    monkeypatch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
    for _ in range(2):
        store = PostgresStore(fresh, vault)
        assert await store.history(point().probe, "ph") == [point()]
        await store.close()
    assert shape(server) != before
    assert version(server) == [(len(SCRIPTS) + 1,)]


async def test_a_script_that_fails_leaves_the_database_as_it_was(
    server: Databases, fresh: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_once(fresh, vault)
    before = shape(server)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT + "CREATE TABLE memo (again text);"))
        with pytest.raises(StoreError, match="memo"):
            await open_once(fresh, vault)
    assert shape(server) == before
    await open_once(fresh, vault)


async def test_a_database_of_a_newer_margelle_is_left_alone(server: Databases, fresh: str, vault: Vault) -> None:
    await open_once(fresh, vault)
    server.run(f"UPDATE margelle SET version = {len(SCRIPTS) + 1}", "fresh")
    before = shape(server)
    with pytest.raises(StoreError, match=f"schema {len(SCRIPTS) + 1}") as caught:
        await open_once(fresh, vault)
    assert "Update margelle" in caught.value.hint
    assert shape(server) == before


async def upgrade(url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> PostgresStore:
    """The store of a newer margelle, which has just upgraded the schema."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
        newer = PostgresStore(url, vault)
        await newer.count()
    return newer


async def test_a_margelle_that_runs_while_a_newer_one_upgrades_keeps_nothing_more(
    fresh: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = PostgresStore(fresh, vault, patience_s=2)
    await running.add([point()], NOW)
    newer = await upgrade(fresh, vault, monkeypatch)
    told = f"schema {len(SCRIPTS) + 1}; this process knows schemas up to {len(SCRIPTS)}"
    for act in (running.add([point(at=NOW + HOUR)], NOW), running.put_memo("a", b"1"), running.fold(everything=True)):
        with pytest.raises(Outdated, match=told) as caught:
            await act
        assert not caught.value.retryable
    assert (await newer.add([point(at=NOW + HOUR)], NOW)).new == 1
    assert await newer.memo("a") is None
    await newer.close()
    await running.close()


async def test_a_hub_that_only_reads_hears_of_the_upgrade_and_ends(
    fresh: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LOOK_S", 3600.0)  # it is told, and does not look by itself
    running = PostgresStore(fresh, vault)
    await running.version()
    newer = await upgrade(fresh, vault, monkeypatch)
    with pytest.raises(Outdated):
        async with asyncio.timeout(60):
            while await running.version():  # noqa: ASYNC110 - until it is told
                await asyncio.sleep(0.002)
    with pytest.raises(Outdated):
        await running.latest("p", NOW)
    with pytest.raises(Outdated):
        await Folder(running).run(asyncio.Event())
    await newer.close()
    await running.close()


async def test_an_upgrade_waits_for_who_is_just_writing_and_who_comes_later_is_refused(
    fresh: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = PostgresStore(fresh, vault, patience_s=20)
    await running.count()
    async with running._db.writing() as transaction:
        upgrading = asyncio.create_task(upgrade(fresh, vault, monkeypatch))
        while not await transaction.read(_WAITS):  # noqa: ASYNC110 - until it waits
            await asyncio.sleep(0.01)
        later = asyncio.create_task(running.put_memo("late", b"1"))
        await transaction.run("INSERT INTO memo VALUES ('soon', '')")
    newer = await upgrading
    with pytest.raises(Outdated):
        await later
    assert (await newer.memo("soon"), await newer.memo("late")) == (b"", None)
    await newer.close()
    await running.close()


async def test_another_programs_database_is_left_alone(server: Databases, fresh: str, vault: Vault) -> None:
    server.run("CREATE TABLE homeassistant (x integer)", "fresh")
    before = shape(server)
    with pytest.raises(StoreError, match="not margelle's"):
        await open_once(fresh, vault)
    assert shape(server) == before


async def test_a_schema_of_its_own_in_another_programs_database_will_do(
    server: Databases, fresh: str, vault: Vault
) -> None:
    server.run("CREATE TABLE homeassistant (x integer); CREATE SCHEMA hub", "fresh")
    await open_once(server.url("fresh", options="-csearch_path=hub"), vault)
    assert server.run("SELECT version FROM hub.margelle", "fresh") == [(len(SCRIPTS),)]


async def test_a_database_that_cannot_hold_every_text_is_refused(server: Databases, vault: Vault) -> None:
    server.drop("latin")
    server.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match="LATIN1") as caught:
        await open_once(server.url("latin"), vault)
    assert "UTF8" in caught.value.hint
    server.drop("latin")


def test_the_schemas_scripts_are_in_order() -> None:
    """A change of both databases has the same number in both; one of SQLite alone leaves a gap here."""
    folder = Path(schema.__file__).parent / "migrations"
    numbers = [int(script.name[:4]) for script in sorted(folder.glob("*.sql"))]
    assert len(numbers) == len(SCRIPTS)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_taken_apart_into_its_statements(script: str) -> None:
    found = schema.statements(script)
    assert len(found) == len(re.findall(r"^(?:CREATE|ALTER|UPDATE|DELETE|INSERT|DROP)\b", script, re.MULTILINE))
    assert [text for text in found if text.count("(") != text.count(")") or ";" in text or "--" in text] == []
