"""Secrets can be read with their key only, and the key lies outside the database."""

from __future__ import annotations

import logging
import stat
import threading
from pathlib import Path

import pytest

from margelle.errors import StoreError
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.store.things import KEY, OTHER_KEY

SECRET = b"refresh-token-0123456789"


def test_what_is_sealed_is_read_with_its_key_and_name_only(vault: Vault) -> None:
    sealed = vault.seal("home/token", SECRET)
    assert SECRET not in sealed
    assert vault.unseal("home/token", sealed) == SECRET
    for other, name in ((vault, "away/token"), (Vault(OTHER_KEY), "home/token")):
        with pytest.raises(StoreError, match=name) as caught:
            other.unseal(name, sealed)
        assert "sign the account in again" in caught.value.hint


def test_a_new_key_in_front_takes_over_while_the_old_one_still_reads(vault: Vault) -> None:
    rotated = Vault(OTHER_KEY + b"\n" + KEY + b"\n")
    assert rotated.unseal("n", vault.seal("n", SECRET)) == SECRET
    assert Vault(OTHER_KEY).unseal("n", rotated.seal("n", SECRET)) == SECRET


@pytest.mark.parametrize("key", [b"", b"\n", b"too short", b"\xff" * 44, KEY[:-2], KEY + b"\nnonsense"])
def test_a_key_file_without_a_key_says_to_restore_it(key: bytes) -> None:
    with pytest.raises(StoreError, match="no key") as caught:
        Vault(key)
    assert "backup" in caught.value.hint


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "key"
    sealed = Vault.open(path).seal("n", SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Vault.open(str(path)).unseal("n", sealed) == SECRET
    assert [file.name for file in path.parent.iterdir()] == ["key"]


def test_of_several_who_make_the_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    vaults: list[Vault] = []
    threads = [threading.Thread(target=lambda: vaults.append(Vault.open(tmp_path / "key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [vault.unseal("n", vaults[0].seal("n", SECRET)) for vault in vaults] == [SECRET] * 8


def test_a_key_that_others_can_read_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        Vault.open(path)
    assert "chmod 600" in caplog.text
    assert KEY.decode() not in caplog.text


def test_a_key_file_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Vault.open(tmp_path)


async def test_no_secret_is_in_the_database(sqlite: SqliteStore, path: Path) -> None:
    await sqlite.put_secret("home/token", SECRET)
    assert SECRET not in path.read_bytes() + Path(f"{path}-wal").read_bytes()


async def test_a_database_with_anothers_key_still_tells_everything_but_secrets(path: Path, vault: Vault) -> None:
    store = SqliteStore(path, vault)
    await store.put_secret("home/token", SECRET)
    await store.put_memo("home/progress", b"m")
    await store.close()
    store = SqliteStore(path, Vault(OTHER_KEY))
    with pytest.raises(StoreError, match="key file does not fit"):
        await store.secret("home/token")
    assert await store.memo("home/progress") == b"m"
    await store.close()
