"""A file that cannot be written is read by who only reads: all of it, or a clear error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from margelle.errors import StoreError
from margelle.ports import Added
from margelle.store import open_store
from margelle.store.sqlite import SqliteStore, schema
from margelle.store.vault import Vault
from tests.store.things import HOUR, NOW, inspected, point

SCRIPTS = schema.scripts()
MANY = [point(n / 10, at=NOW + n * HOUR) for n in range(700)]


@pytest.fixture
async def fixed(nobodys: Path, vault: Vault) -> Path:
    """A database in a folder that cannot be written, which was closed."""
    path = nobodys / "a ?#%" / "m.sqlite"
    store = SqliteStore(path, vault)
    await store.add(MANY, NOW)
    await store.close()
    return fix(path)


@pytest.fixture
async def killed(nobodys: Path, vault: Vault) -> Path:
    """The files of one whose process was killed, with a log in which all is, in a folder that still can be written."""
    store, folder = SqliteStore(nobodys / "there" / "m.sqlite", vault), nobodys / "here"
    await store.add(MANY, NOW)
    shutil.copytree(nobodys / "there", folder)
    await store.close()
    return folder / "m.sqlite"


def fix(path: Path) -> Path:
    for file in path.parent.iterdir():
        file.chmod(0o400)
    path.parent.chmod(0o500)
    return path


def unfix(path: Path) -> None:
    path.parent.chmod(0o700)
    for file in path.parent.iterdir():
        file.chmod(0o600)


def hot_journal(path: Path) -> None:
    """What a process that is killed leaves beside a file without a write-ahead log."""
    writer = apsw.Connection(str(path))
    writer.pragma("journal_mode", "DELETE")
    writer.pragma("cache_size", 1)
    writer.execute("BEGIN IMMEDIATE; CREATE TABLE big AS SELECT zeroblob(100000); UPDATE big SET rowid = rowid + 1")
    torn = [path.read_bytes(), (journal := path.with_name(f"{path.name}-journal")).read_bytes()]
    writer.close()
    for file, content in zip((path, journal), torn, strict=True):
        file.write_bytes(content)


def names(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


@pytest.fixture(autouse=True)
def unfixed(nobodys: Path) -> Iterator[None]:
    """Everything can be removed in the end."""
    yield
    for folder in nobodys.iterdir():
        folder.chmod(0o700)


async def test_it_is_read_as_it_is_and_that_is_said(
    fixed: Path, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(str(fixed), vault, only_reads=True)
    assert await store.history(point().probe, "ph") == MANY
    assert ((found := await inspected(store)).points, found.faults) == (700, ())
    with pytest.raises(StoreError, match="cannot be written"):
        await store.add([point()], NOW)
    await store.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"{fixed} cannot be written here, so it is only read, as it is"
    ]
    assert names(fixed) == {"m.sqlite"}


async def test_a_file_without_the_right_to_write_it_is_read_and_nothing_is_left_beside_it(
    fixed: Path, vault: Vault
) -> None:
    fixed.parent.chmod(0o700)
    store = SqliteStore(fixed, vault, only_reads=True)
    assert await store.count() == 700
    await store.close()
    assert names(fixed) == {"m.sqlite"}


async def test_what_is_in_the_log_of_a_killed_process_is_read_too(killed: Path, vault: Vault) -> None:
    store = SqliteStore(fix(killed), vault, only_reads=True)
    assert await store.history(point().probe, "ph") == MANY
    await store.close()


async def test_a_log_that_cannot_be_read_is_an_error_and_nothing_is_shown_without_it(
    killed: Path, vault: Vault
) -> None:
    killed.with_name("m.sqlite-shm").unlink()
    with pytest.raises(StoreError, match=r"What was stored last is in m\.sqlite-wal beside it") as caught:
        SqliteStore(fix(killed), vault, only_reads=True)
    assert "Copy both m.sqlite and m.sqlite-wal" in caught.value.hint
    shutil.copytree(killed.parent, killed.parent.with_name("copy"))
    copy = killed.parent.with_name("copy")
    copy.chmod(0o700)
    for file in copy.iterdir():
        file.chmod(0o600)
    store = SqliteStore(copy / "m.sqlite", vault, only_reads=True)
    assert await store.count() == 700
    await store.close()


async def test_what_a_link_leads_to_is_read_with_the_log_beside_it(nobodys: Path, vault: Vault) -> None:
    """Whether the file cannot be written or only the folder in which the link stands."""
    hub = SqliteStore(nobodys / "there" / "m.sqlite", vault)
    await hub.add(MANY, NOW)
    (nobodys / "links").mkdir()
    link = nobodys / "links" / "link.sqlite"
    link.symlink_to(nobodys / "there" / "m.sqlite")
    link.parent.chmod(0o500)
    for mode in (0o700, 0o500):
        (nobodys / "there").chmod(mode)
        store = SqliteStore(link, vault, only_reads=True)
        assert await store.count() == 700
        await store.close()
    await hub.close()


async def test_a_journal_of_a_killed_process_is_an_error_and_nothing_is_shown_without_it(
    fixed: Path, vault: Vault
) -> None:
    unfix(fixed)
    hot_journal(fixed)
    with pytest.raises(StoreError, match=r"What was stored last is in m\.sqlite-journal beside it"):
        SqliteStore(fix(fixed), vault, only_reads=True)


async def test_an_empty_file_is_said_to_be_one(fixed: Path, vault: Vault) -> None:
    unfix(fixed)
    fixed.write_bytes(b"")
    with pytest.raises(StoreError, match=r"m\.sqlite: This file is empty"):
        SqliteStore(fix(fixed), vault, only_reads=True)


async def test_an_empty_log_is_no_hindrance(fixed: Path, vault: Vault) -> None:
    fixed.parent.chmod(0o700)
    fixed.with_name("m.sqlite-wal").touch()
    store = SqliteStore(fix(fixed), vault, only_reads=True)
    assert await store.count() == 700
    await store.close()


async def test_what_somebody_else_has_written_meanwhile_is_told(fixed: Path, vault: Vault) -> None:
    store = SqliteStore(fixed, vault, only_reads=True)
    await store.count()
    fixed.parent.chmod(0o700)
    fixed.chmod(0o600)
    other = SqliteStore(fixed, vault)
    await other.add([point(at=NOW - HOUR)], NOW)
    await other.close()
    with pytest.raises(StoreError, match="Somebody has written to it while it was read"):
        await store.close()


async def test_an_earlier_schema_cannot_be_brought_up_to_date(
    fixed: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "scripts", lambda: (*SCRIPTS, "CREATE TABLE next (id INTEGER)"))
    with pytest.raises(StoreError, match=f"schema {len(SCRIPTS)}, of an earlier margelle"):
        SqliteStore(fixed, vault, only_reads=True)


async def test_who_can_write_it_opens_it_as_ever(killed: Path, vault: Vault) -> None:
    store = SqliteStore(killed, vault, only_reads=True)
    assert await store.add([point(at=NOW - HOUR)], NOW) == Added(new=1)
    await store.close()
    assert names(killed) == {"m.sqlite"}
    missing = killed.with_name("other.sqlite")
    await SqliteStore(missing, vault, only_reads=True).close()
    assert missing.exists()


async def test_a_running_hub_is_read_beside(nobodys: Path, vault: Vault) -> None:
    """By somebody who may not write its files: its log is minded, and what it keeps meanwhile is seen."""
    path = nobodys / "there" / "m.sqlite"
    hub = SqliteStore(path, vault)
    await hub.add(MANY[:600], NOW)
    path.parent.chmod(0o500)
    store = SqliteStore(path, vault, only_reads=True)
    assert await store.count() == 600
    await hub.add(MANY[600:], NOW)
    assert await store.count() == 700
    await store.close()
    path.parent.chmod(0o700)
    await hub.close()
