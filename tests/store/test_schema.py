"""The schema grows by scripts; a grown one is the same as a fresh one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from margelle.errors import Outdated, StoreError
from margelle.store.folder import Folder
from margelle.store.sqlite import SqliteStore, schema
from margelle.store.vault import Vault
from tests.store.things import HOUR, NOW, point, receipt

SCRIPTS = schema.scripts()
NEXT = "CREATE TABLE extra (id INTEGER PRIMARY KEY); ALTER TABLE tally ADD COLUMN revisions INTEGER NOT NULL DEFAULT 0;"


def shape(path: Path) -> list[tuple[object, ...]]:
    """Every table and index with its columns, whatever the text that made it."""
    sql = """
    SELECT o.type, o.name, o.tbl_name, c.name, c.type, c."notnull", c.dflt_value, c.pk,
        (SELECT group_concat(coalesce(k.name, '') || k.desc) FROM pragma_index_xinfo(o.name) k)
    FROM sqlite_schema o LEFT JOIN pragma_table_xinfo(o.name) c ORDER BY o.name, c.name
    """
    connection = apsw.Connection(str(path))
    rows: list[tuple[object, ...]] = [*connection.execute(sql)]
    rows.append(("version", connection.pragma("user_version"), connection.pragma("application_id")))
    connection.close()
    return rows


def older(path: Path, version: int) -> None:
    """A database as a margelle with only the first `version` scripts made it."""
    connection = apsw.Connection(str(path))
    schema.migrate(connection, SCRIPTS[:version])
    connection.close()


@pytest.mark.parametrize("version", range(len(SCRIPTS) + 1))
async def test_a_database_of_every_earlier_version_becomes_the_same_as_a_fresh_one(
    tmp_path: Path, vault: Vault, version: int
) -> None:
    older(tmp_path / "old.sqlite", version)
    for name in ("old.sqlite", "fresh.sqlite"):
        store = SqliteStore(tmp_path / name, vault)
        assert (await store.add([point()], NOW)).new == 1
        await store.close()
    assert shape(tmp_path / "old.sqlite") == shape(tmp_path / "fresh.sqlite")


async def test_a_further_script_is_applied_once_and_keeps_what_is_there(
    path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path, vault)
    await store.add([point()], NOW)
    await store.close()
    before = shape(path)
    monkeypatch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
    for _ in range(2):
        store = SqliteStore(path, vault)
        assert await store.history(point().probe, "ph") == [point()]
        await store.close()
    assert shape(path) != before
    assert ("version", len(SCRIPTS) + 1, schema.APPLICATION_ID) in shape(path)


async def test_a_script_that_fails_leaves_the_database_as_it_was(
    path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    await SqliteStore(path, vault).close()
    before = shape(path)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT + "CREATE TABLE user (again TEXT);"))
        with pytest.raises(StoreError, match="user"):
            SqliteStore(path, vault)
    assert shape(path) == before
    await SqliteStore(path, vault).close()


@pytest.mark.parametrize("version", [0, 5, len(SCRIPTS) - 1])
async def test_a_database_whose_version_was_lowered_by_hand_is_told_to_be_changed_and_left_alone(
    path: Path, vault: Vault, version: int
) -> None:
    await SqliteStore(path, vault).close()
    with apsw.Connection(str(path)) as connection:
        connection.pragma("user_version", version)
    connection.close()
    before = shape(path)
    with pytest.raises(StoreError, match=f"says that its schema is {version}, .* already exists") as caught:
        SqliteStore(path, vault)
    assert "use a backup" in caught.value.hint
    assert "report" not in caught.value.hint
    assert shape(path) == before


async def test_a_database_of_a_newer_margelle_is_left_alone(path: Path, vault: Vault) -> None:
    await SqliteStore(path, vault).close()
    with apsw.Connection(str(path)) as connection:
        connection.pragma("user_version", len(SCRIPTS) + 1)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"schema {len(SCRIPTS) + 1}") as caught:
        SqliteStore(path, vault)
    assert "Update margelle" in caught.value.hint
    assert path.read_bytes() == before


async def test_a_margelle_of_before_that_still_runs_keeps_nothing_where_nobody_looks(path: Path, vault: Vault) -> None:
    older(path, 5)
    running = apsw.Connection(str(path))
    running.execute("INSERT INTO series VALUES (1, 'p', 'ph', '[pH]'); INSERT INTO origin VALUES (1, 'test')")
    await SqliteStore(path, vault).close()
    with pytest.raises(apsw.ConstraintError, match="a newer margelle"):
        running.execute("INSERT INTO point VALUES (1, 0, 7.2, NULL, NULL, 1, NULL) ON CONFLICT DO NOTHING")
    running.close()


async def test_a_margelle_that_runs_while_a_newer_one_upgrades_keeps_and_reads_nothing_more(
    path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = SqliteStore(path, vault)
    await running.add([point()], NOW)
    seen = await running.version()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
        newer = SqliteStore(path, vault)
    await asyncio.sleep(0)  # what others have stored is looked at once in a turn
    told = f"schema {len(SCRIPTS) + 1}; this process knows schemas up to {len(SCRIPTS)}"
    for act in (
        running.add([point(at=NOW + HOUR)], NOW),
        running.put_memo("a", b"1"),
        running.keep_receipt(receipt()),
        running.version(),
        running.latest(point().probe, NOW),
        running.history(point().probe, "ph"),
    ):
        with pytest.raises(Outdated, match=told) as caught:
            await act
        assert not caught.value.retryable
        assert "start the newer margelle" in caught.value.hint
    assert seen
    assert (await newer.add([point(at=NOW + HOUR)], NOW)).new == 1
    assert await newer.count() == 2
    assert await newer.memo("a") is None
    await newer.close()
    await running.close()


async def test_what_was_written_before_the_upgrade_is_kept_and_the_upgrade_waits_for_it(
    path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = SqliteStore(path, vault)
    monkeypatch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
    with await running._db.writing(), pytest.raises(StoreError, match="Another program"):
        SqliteStore(path, vault, busy_timeout_s=0.05)
    await running.add([point()], NOW)
    await SqliteStore(path, vault).close()
    with pytest.raises(Outdated):
        await running.add([point()], NOW)
    await running.close()


async def test_a_hub_that_has_become_too_old_ends(path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    running = SqliteStore(path, vault)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "scripts", lambda: (*SCRIPTS, NEXT))
        await SqliteStore(path, vault).close()
    with pytest.raises(Outdated):
        await Folder(running).run(asyncio.Event())
    await running.close()


async def test_another_programs_database_is_left_alone(path: Path, vault: Vault) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE homeassistant (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not margelle's"):
        SqliteStore(path, vault)
    assert path.read_bytes() == before


def test_the_schemas_scripts_are_numbered_without_a_gap() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    numbers = [int(script.name[:4]) for script in sorted(folder.glob("*.sql"))]
    assert numbers == list(range(1, len(SCRIPTS) + 1))
