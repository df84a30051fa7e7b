from __future__ import annotations

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from margelle.errors import ConfigError, Conflict, StoreError
from margelle.serve.authority import SERVER_LIFE
from margelle.serve.keyring import RENEWED_BEFORE, Keyring, server_context
from tests.conftest import NOW

VENDOR = "interop.ondilo.com"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    made = Keyring(tmp_path / "tls")
    made.create([VENDOR], "Margelle on test", NOW)
    return made


def test_private_keys_are_their_owners_only(keyring: Keyring) -> None:
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in keyring.folder.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600, "server.pem": 0o600}
    assert stat.S_IMODE(keyring.folder.stat().st_mode) == 0o700
    assert b"PRIVATE" not in keyring.authority_file.read_bytes()


def test_there_is_one_authority_until_it_is_replaced_on_purpose(keyring: Keyring) -> None:
    before = keyring.authority_file.read_bytes()
    with pytest.raises(Conflict, match="--replace"):
        keyring.create([VENDOR], "Margelle on test", NOW)
    assert keyring.authority_file.read_bytes() == before
    keyring.create([VENDOR], "Margelle on test", NOW, replace=True)
    assert keyring.authority_file.read_bytes() != before
    keyring.load(server_context())


def test_a_certificate_is_renewed_in_time_and_its_authority_stays(keyring: Keyring) -> None:
    authority, first = keyring.authority_file.read_bytes(), keyring.server_certificate()
    due_at = first.not_valid_after_utc - RENEWED_BEFORE
    assert not keyring.freshen(due_at - timedelta(seconds=1))
    assert keyring.server_certificate() == first
    assert keyring.freshen(due_at)
    second = keyring.server_certificate()
    assert second.not_valid_after_utc > due_at + SERVER_LIFE - timedelta(days=1)
    assert second.public_key() != first.public_key()
    assert keyring.authority_file.read_bytes() == authority
    assert not keyring.freshen(due_at)


def test_a_certificate_that_is_lost_or_of_another_authority_is_made_again(keyring: Keyring, tmp_path: Path) -> None:
    keyring.server_file.unlink()
    assert keyring.freshen(NOW)
    other = Keyring(tmp_path / "other")
    other.create([VENDOR], "Margelle on test", NOW)
    keyring.server_file.write_bytes(other.server_file.read_bytes())
    assert keyring.freshen(NOW)
    keyring.server_file.write_text("not a certificate")
    assert keyring.freshen(NOW)
    assert not keyring.freshen(NOW)


def test_at_the_end_of_the_authority_nothing_is_renewed_for_nothing(keyring: Keyring) -> None:
    ends_at = keyring.authority().ends_at
    assert keyring.freshen(ends_at - timedelta(days=30))
    assert not keyring.freshen(ends_at - timedelta(days=20))
    with pytest.raises(ConfigError, match="has ended"):
        keyring.freshen(ends_at)


def test_a_folder_without_an_authority_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="margelle tls init"):
        Keyring(tmp_path).freshen(NOW)


@pytest.mark.parametrize("file", ["ca.key", "ca.pem"])
def test_a_broken_file_is_named_and_not_shown(keyring: Keyring, file: str) -> None:
    (keyring.folder / file).write_text("secret nonsense")
    with pytest.raises(ConfigError, match=file) as caught:
        keyring.renew(NOW)
    assert "nonsense" not in str(caught.value)


def test_a_key_of_another_authority_signs_nothing(keyring: Keyring, tmp_path: Path) -> None:
    other = Keyring(tmp_path / "other")
    other.create([VENDOR], "Margelle on test", NOW)
    keyring.authority_key_file.write_bytes(other.authority_key_file.read_bytes())
    before = keyring.server_file.read_bytes()
    with pytest.raises(ConfigError, match=r"ca\.key"):
        keyring.renew(NOW)
    assert keyring.server_file.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        Keyring(tmp_path / "tls").create([VENDOR], "Margelle on test", NOW)
    assert [one.name for one in tmp_path.iterdir()] == ["tls"]


def test_a_server_speaks_no_old_tls() -> None:
    assert server_context().minimum_version >= ssl.TLSVersion.TLSv1_2
