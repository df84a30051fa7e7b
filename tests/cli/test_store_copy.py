"""`margelle store copy` between databases of both kinds, and a hub on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Margelle, Start
from tests.cli.test_review import _fill
from tests.postgres import PASSWORD, Databases


@pytest.fixture
def url(server: Databases) -> Iterator[str]:
    server.create("commands")
    yield server.url("commands", password=PASSWORD)
    server.drop("commands")


def test_a_hub_moves_to_postgresql_and_back(margelle: Margelle, tmp_path: Path, url: str) -> None:
    asyncio.run(_fill(tmp_path / "data"))
    key = ("--set", f"key_file={tmp_path / 'data' / 'key'}", "--set", f"data_dir={tmp_path / 'data'}")
    file, back = tmp_path / "data" / "margelle.sqlite", tmp_path / "back.sqlite"
    told = margelle("store", "copy", str(file), url, *key)
    assert "The copy is complete." in told.out
    assert "measurements" in told.out
    again = margelle("store", "copy", str(file), url, *key)
    assert again.code == 0, again.err
    assert "complete already" in again.out
    here = (*key, "--set", f"store={url}")
    exported = [margelle("export", "--format", "csv", *options).out.splitlines() for options in (here, key)]
    assert len({tuple(line for line in lines if "written" not in line) for lines in exported}) == 1
    assert len(exported[0]) > 40
    assert margelle("store", "fold", *here).out == "0 measurements folded.\n"
    checked = json.loads(margelle("store", "check", "--json", *here).out)
    assert checked == json.loads(margelle("store", "check", "--json", *key).out)
    copied = json.loads(margelle("store", "copy", url, str(back), "--json", *key).out)
    assert copied["differences"] == []
    assert copied["digests"]["measurements"] == checked["digest"]
    assert PASSWORD not in f"{told} {again} {margelle('settings', *here).out}"


def test_a_copy_that_differs_from_what_it_was_copied_from_is_left_alone_and_told(
    margelle: Margelle, tmp_path: Path
) -> None:
    asyncio.run(_fill(tmp_path / "data"))
    key = ("--set", f"key_file={tmp_path / 'data' / 'key'}", "--set", f"data_dir={tmp_path / 'data'}")
    file, copied = (str(tmp_path / name) for name in ("data/margelle.sqlite", "copied.sqlite"))
    assert "The copy is complete." in margelle("store", "copy", file, copied, *key).out
    margelle("user", "add", "new@example.org", "--password-stdin", *key, stdin="a new password")
    before = Path(copied).read_bytes()
    told = margelle("store", "copy", file, copied, *key)
    assert told.code == 1
    assert "Differs: user: " in told.err
    assert "name a new file or an empty database" in told.out
    assert Path(copied).read_bytes() == before


def test_a_copy_from_nothing_makes_nothing(margelle: Margelle, tmp_path: Path) -> None:
    told = margelle("store", "copy", str(tmp_path / "none.sqlite"), str(tmp_path / "new.sqlite"))
    assert told.code == 1
    assert "no such file" in told.err
    assert not (tmp_path / "none.sqlite").exists()


def test_a_server_that_is_not_there_is_an_error_in_words(margelle: Margelle, tmp_path: Path) -> None:
    url = f"postgresql://hub:{PASSWORD}@127.0.0.1:1/margelle"
    told = margelle("status", "--set", f"store={url}", "--set", f"data_dir={tmp_path}")
    assert told.code == 1
    assert "There is no connection to the server" in told.err
    assert "Traceback" not in told.err
    assert PASSWORD not in told.err + told.out


def test_a_hub_on_postgresql_starts_serves_and_stops(start: Start, tmp_path: Path, url: str) -> None:
    here = ("--set", f"store={url}", "--set", f"data_dir={tmp_path / 'data'}", "--set", f"key_file={tmp_path / 'key'}")
    hub = start("serve", "--port", "0", *here)
    address = hub.until(r"http://127\.0\.0\.1:\d+")[0]
    with urllib.request.urlopen(address, timeout=20) as answer:
        assert answer.status == 200
    assert hub.end() == 0, hub.text
    assert PASSWORD not in hub.text
