"""How the hub was set up, as its operator reads it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from margelle.cli.installation import HubInstallation, lines
from margelle.config import FRENCH, TABLE, load


def test_every_setting_is_explained_in_french_too() -> None:
    assert set(FRENCH) == {setting.name for setting in TABLE}


def test_every_setting_in_force_is_told_with_where_it_came_from_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "margelle.toml"
    file.write_text('title = "Les bains"\n[mqtt]\npassword = "hunter2"\n')
    told = {one.name: one for one in HubInstallation(load(file, {"MARGELLE_PORT": "9000"}, {})).settings()}
    assert list(told) == [setting.name for setting in TABLE]
    assert (told["title"].value, told["title"].origin) == ("Les bains", f"{file}:1")
    assert (told["port"].value, told["port"].origin, told["port"].variable) == (
        "9000",
        "environment MARGELLE_PORT",
        "MARGELLE_PORT",
    )
    assert told["mqtt.password"].secret
    assert "hunter2" not in repr(told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 8080),
        ("pages", False),
        ("collect.timeout_s", 30.0),
        ("collect.resolve", ["9.9.9.9", "a=b"]),
        ("title", 'Les "bains" d’Aix'),
        ("baxo.tags", {"PH": "ph", "14587/REDOX": "orp"}),
        ("baxo.tags", {}),
    ],
)
def test_the_lines_that_are_shown_say_the_same_in_a_settings_file(name: str, value: Any) -> None:
    tree: Any = tomllib.loads(lines(name, value))
    for part in name.split("."):
        tree = tree[part]
    assert tree == value


def test_every_default_is_shown_as_lines_that_a_settings_file_may_have(tmp_path: Path) -> None:
    for one in HubInstallation(load(None, {"XDG_DATA_HOME": str(tmp_path)}, {})).settings():
        file = tmp_path / "shown.toml"
        file.write_text(one.lines)
        load(file, {}, {})


def test_the_size_is_that_of_the_database_with_its_journal(tmp_path: Path) -> None:
    settings = load(None, {}, {"data_dir": str(tmp_path)})
    assert HubInstallation(settings).premises().store_bytes is None
    (tmp_path / "margelle.sqlite").write_bytes(b"x" * 1000)
    (tmp_path / "margelle.sqlite-wal").write_bytes(b"x" * 24)
    assert HubInstallation(settings).premises().store_bytes == 1024
    assert HubInstallation(settings).premises().file == str(tmp_path / "margelle.toml")
