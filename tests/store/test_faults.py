"""Whatever is wrong with the file or its disk: a clear error, and nothing lost or changed."""

from __future__ import annotations

import asyncio
import os
import random
import stat
from pathlib import Path

import apsw
import pytest

from margelle.errors import BadInput, ConfigError, StoreError
from margelle.ports import Added
from margelle.store import open_store
from margelle.store.memory import MemoryStore
from margelle.store.sqlite import SqliteStore
from margelle.store.sqlite import database as database_module
from margelle.store.vault import Vault
from tests.store.things import HOUR, NOW, incident, point, receipt, user

DICE = random.Random(5)
MANY = [point(DICE.random(), at=NOW + n * HOUR / 60) for n in range(5000)]


@pytest.fixture
async def filled(path: Path, vault: Vault) -> Path:
    """A closed database with 5 000 measurements."""
    store = SqliteStore(path, vault)
    await store.add(MANY, NOW)
    await store.close()
    return path


# --- opening ---------------------------------------------------------------------------------------------------------


async def test_a_new_database_is_its_owners_only_with_its_folder_and_log(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / "a" / "b" / "m.sqlite"
    store = SqliteStore(path, vault)
    await store.add([point()], NOW)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"m.sqlite": 0o600, "m.sqlite-wal": 0o600, "m.sqlite-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await store.close()
    await store.close()
    assert [file.name for file in path.parent.iterdir()] == ["m.sqlite"]


@pytest.mark.parametrize("url", ["{}", "sqlite:///{}"])
async def test_a_store_is_opened_by_path_or_url(path: Path, vault: Vault, url: str) -> None:
    store = open_store(url.format(path), vault)
    assert isinstance(store, SqliteStore)
    await store.close()
    assert path.exists()


async def test_three_slashes_are_followed_by_a_relative_path(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///sub/m.sqlite", "n.sqlite"):
        await open_store(url, vault).close()
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.sqlite")} == {"sub/m.sqlite", "n.sqlite"}


@pytest.mark.parametrize("url", ["", "mysql://localhost/m", "sqlite://m.sqlite", "sqlite://", "sqlite:///"])
def test_a_store_that_we_do_not_know_is_a_mistake_in_the_settings(vault: Vault, url: str) -> None:
    with pytest.raises(ConfigError, match="no store"):
        open_store(url, vault)


def test_memory_is_a_store_in_memory(vault: Vault) -> None:
    assert isinstance(open_store("memory:", vault), MemoryStore)


def test_a_folder_is_no_database(tmp_path: Path, vault: Vault) -> None:
    with pytest.raises(StoreError, match="directory"):
        SqliteStore(tmp_path, vault)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "m.sqlite", vault)


async def test_a_read_only_file_is_refused_at_once(nobodys: Path, vault: Vault) -> None:
    path = nobodys / "m.sqlite"
    await SqliteStore(path, vault).close()
    path.chmod(0o400)
    with pytest.raises(StoreError, match=r"m\.sqlite") as caught:
        SqliteStore(path, vault)
    assert "writable" in caught.value.hint


async def test_a_read_only_folder_is_refused_at_once(nobodys: Path, vault: Vault) -> None:
    path = nobodys / "m.sqlite"
    await SqliteStore(path, vault).close()
    nobodys.chmod(0o500)
    with pytest.raises(StoreError, match=r"m\.sqlite") as caught:
        SqliteStore(path, vault)
    assert "writable" in caught.value.hint
    with pytest.raises(StoreError, match="Permission denied"):
        SqliteStore(nobodys / "new.sqlite", vault)
    with pytest.raises(StoreError, match="Permission denied"):
        Vault.open(nobodys / "key")


# --- damage ----------------------------------------------------------------------------------------------------------


def overwrite(path: Path, start: int, garbage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(garbage)


def last_chunk(path: Path) -> int:
    """Where in the file the points of the last chunk are."""
    connection = apsw.Connection(str(path))
    chunk: bytes = connection.execute("SELECT points FROM chunk ORDER BY since DESC LIMIT 1").get
    connection.close()
    return path.read_bytes().index(chunk[-200:-100])


@pytest.mark.parametrize("content", [b"hello", b"not a database " * 1000, b"\0" * 100_000, b"SQLite format 3\0"])
def test_a_file_that_is_no_database_is_left_alone(path: Path, vault: Vault, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError):
        SqliteStore(path, vault)
    assert path.read_bytes() == content


@pytest.mark.parametrize("checked", [0, 2**23], ids=["large", "small"])
@pytest.mark.parametrize("start", [0, 18, 40, 100], ids=["magic", "header", "counters", "schema"])
def test_a_damaged_beginning_is_found_when_opened(
    filled: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch, start: int, checked: int
) -> None:
    monkeypatch.setattr(database_module, "CHECKED_SIZE", checked)
    overwrite(filled, start, b"\xa5" * 64)
    before = filled.read_bytes()
    with pytest.raises(StoreError, match=r"margelle\.sqlite"):
        SqliteStore(filled, vault)
    assert filled.read_bytes() == before


@pytest.mark.parametrize("left", [0.4, 0.8])
def test_a_cut_file_is_found_when_opened(filled: Path, vault: Vault, left: float) -> None:
    os.truncate(filled, int(filled.stat().st_size * left))
    before = filled.read_bytes()
    with pytest.raises(StoreError, match="damaged") as caught:
        SqliteStore(filled, vault)
    assert ".recover" in caught.value.hint
    assert filled.read_bytes() == before


def test_damage_in_the_middle_of_a_small_file_is_found_when_opened(filled: Path, vault: Vault) -> None:
    overwrite(filled, filled.stat().st_size - 5 * 4096, b"\xa5" * 8192)
    with pytest.raises(StoreError, match="damaged"):
        SqliteStore(filled, vault)


async def test_damage_in_a_large_file_stops_what_meets_it_and_nothing_else(
    filled: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    overwrite(filled, last_chunk(filled), b"\xa5" * 100)
    monkeypatch.setattr(database_module, "CHECKED_SIZE", 0)
    store = SqliteStore(filled, vault)
    for met in (store.check(), store.history(MANY[0].probe, "ph"), store.add([point(99, at=p.at) for p in MANY], NOW)):
        with pytest.raises(StoreError, match="damaged") as caught:
            await met
        assert ".recover" in caught.value.hint
    assert await store.history(MANY[0].probe, "ph", limit=10) == MANY[:10]
    await store.put_memo("still", b"works")
    assert await store.count() == len(MANY)
    await store.close()


async def test_a_document_of_the_wrong_shape_is_damage(sqlite: SqliteStore, path: Path) -> None:
    await sqlite.put_user(user())
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE user SET doc = '{}'")
    connection.close()
    with pytest.raises(StoreError, match="damaged"):
        await sqlite.user("ana@example.org")


async def test_an_incident_that_cannot_be_read_is_damage_also_when_it_is_to_end(
    sqlite: SqliteStore, path: Path
) -> None:
    await sqlite.note_incident(incident())
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE incident SET doc = '{}'")
    connection.close()
    with pytest.raises(StoreError, match="damaged"):
        await sqlite.end_incident("home", "home", None, NOW)


async def test_a_sound_file_passes_the_check(filled: Path, vault: Vault) -> None:
    store = SqliteStore(filled, vault)
    await store.check()
    await store.close()


# --- writing ---------------------------------------------------------------------------------------------------------


async def test_what_a_method_has_kept_is_on_the_disk_when_it_returns(sqlite: SqliteStore) -> None:
    connection = sqlite._db.connection
    assert [connection.pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")] == ["wal", 2, 1]


async def test_a_full_disk_loses_nothing_that_was_kept_and_keeps_no_half(sqlite: SqliteStore) -> None:
    await sqlite.add(MANY[:100], NOW)
    connection = sqlite._db.connection
    pages = connection.pragma("page_count")
    connection.pragma("max_page_count", pages + 3)
    with pytest.raises(StoreError, match="full") as caught:
        await sqlite.add([*MANY, point(1, quantity="new", origin="new")], NOW)
    assert caught.value.retryable
    assert "Free some space" in caught.value.hint
    assert await sqlite.history(MANY[0].probe, "ph") == MANY[:100]
    assert await sqlite.quantities(MANY[0].probe) == ["ph"]
    assert await sqlite.count() == 100
    connection.pragma("max_page_count", 2**30)
    assert (await sqlite.add([*MANY, point(1, quantity="new", origin="new")], NOW)).new == len(MANY) - 99
    assert (await sqlite.latest(MANY[0].probe, NOW))["new"].origin == "new"


async def test_a_disk_too_full_to_open_the_database_is_called_full(filled: Path, vault: Vault) -> None:
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreError, match="The disk is full"):
            SqliteStore(filled, vault)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    store = SqliteStore(filled, vault)
    assert await store.count() == len(MANY)
    await store.close()


async def test_a_disk_that_fills_up_in_the_middle_of_a_commit_loses_nothing(filled: Path, vault: Vault) -> None:
    """The process may write no file beyond its limit, as on a full disk; it gets EFBIG, and SQLite an I/O error."""
    import resource
    import signal

    store = SqliteStore(filled, vault)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreError, match=r"margelle\.sqlite"):
            await store.add([point(n, at=p.at, quantity="orp") for n, p in enumerate(MANY)], NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert await store.count() == len(MANY)
    assert await store.history(MANY[0].probe, "orp") == []
    assert (await store.add([point(quantity="orp")], NOW)).new == 1
    await store.close()


async def test_a_database_locked_for_too_long_can_be_tried_again(sqlite: SqliteStore, path: Path) -> None:
    await sqlite.add([point()], NOW)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program") as caught:
        await sqlite.add([point(at=NOW + HOUR)], NOW)
    assert caught.value.retryable
    assert await sqlite.latest(point().probe, NOW) == {"ph": point()}
    other.execute("COMMIT")
    other.close()
    assert (await sqlite.add([point(at=NOW + HOUR)], NOW)).new == 1


async def test_a_database_locked_while_it_is_opened_is_an_error(filled: Path, vault: Vault) -> None:
    other = apsw.Connection(str(filled))
    other.pragma("locking_mode", "EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="Another program"):
        SqliteStore(filled, vault, busy_timeout_s=0.05)
    other.close()


async def test_a_closed_store_says_so(path: Path, vault: Vault) -> None:
    store = SqliteStore(path, vault)
    await store.close()
    for asked in (store.count(), store.version(), store.add([point()], NOW)):
        with pytest.raises(StoreError, match="closed"):
            await asked


async def test_text_that_is_no_unicode_is_refused_and_nothing_is_kept(sqlite: SqliteStore) -> None:
    with pytest.raises(BadInput, match="Unicode"):
        await sqlite.add([point(), point(quantity="orp", raw="\ud800")], NOW)
    with pytest.raises(BadInput, match="Unicode"):
        await sqlite.history("\ud800", "ph")
    with pytest.raises(BadInput, match="Unicode"):
        await sqlite.put_user(user(firstname="\ud800"))
    assert await sqlite.count() == 0


async def test_a_long_receipt_takes_little_room(sqlite: SqliteStore, path: Path) -> None:
    await sqlite.keep_receipt(receipt(body=b'{"data_type": "temperature", "value": 23.4}' * 1000))
    assert sqlite._db.read("SELECT packed, length(body) < 1000 FROM receipt") == [(1, 1)]
    await sqlite.keep_receipt(receipt(body=os.urandom(5000)))
    await sqlite.keep_receipt(receipt(body=b"a" * 1024))
    assert [row[0] for row in sqlite._db.read("SELECT packed FROM receipt ORDER BY id")] == [1, 0, 0]


async def test_others_use_the_store_while_much_is_pruned(sqlite: SqliteStore) -> None:
    for n in range(600):
        await sqlite.keep_receipt(receipt(NOW - (1000 + n) * HOUR))
    pruning = asyncio.create_task(sqlite.prune(NOW, receipts_days=30))
    await asyncio.sleep(0)
    assert await sqlite.add([point()], NOW) == Added(new=1)
    assert not pruning.done()
    await pruning
    assert await sqlite.receipts("home") == []
    assert await sqlite.count() == 1
