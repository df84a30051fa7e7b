from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from margelle.ports import Grant, Store
from tests.cli.conftest import Margelle, audit


def test_a_user_is_added_listed_and_removed(margelle: Margelle) -> None:
    added = margelle(
        "user", "add", "anna@example.org", "--firstname", "Anna", "--password-stdin", stdin="très secret\n"
    )
    assert (added.code, added.out) == (0, "anna@example.org can sign in.\n")
    listed = json.loads(margelle("user", "list", "--json").out)
    assert listed == [
        {
            "email": "anna@example.org",
            "firstname": "Anna",
            "lastname": "",
            "language": "en",
            "accounts": 0,
            "operator": True,
        }
    ]
    assert "anna@example.org  Anna" in margelle("user", "list").out
    assert margelle("user", "remove", "ANNA@example.org").code == 0
    assert json.loads(margelle("user", "list", "--json").out) == []


def test_the_first_user_is_an_operator_and_others_are_made_one(margelle: Margelle, tmp_path: Path) -> None:
    for name in ("anna", "bo"):
        margelle("user", "add", f"{name}@example.org", "--password-stdin", stdin="one secret")

    def operators() -> list[str]:
        return [one["email"] for one in json.loads(margelle("user", "list", "--json").out) if one["operator"]]

    assert operators() == ["anna@example.org"]
    last = margelle("user", "operator", "anna@example.org", "--revoke")
    assert (last.code, "the last operator" in last.err) == (1, True)
    assert margelle("user", "operator", "Bo@example.org").out == "bo@example.org is an operator now.\n"
    assert margelle("user", "operator", "anna@example.org", "--revoke").code == 0
    assert operators() == ["bo@example.org"]
    assert [(one.act, one.subject, one.user) for one in audit(tmp_path)] == [
        ("operator", "anna@example.org", ""),
        ("operator", "bo@example.org", ""),
        ("add user", "bo@example.org", ""),
        ("add user", "anna@example.org", ""),
    ]


def test_a_user_who_is_there_already_is_not_added_again(margelle: Margelle) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="one secret")
    again = margelle("user", "add", "Anna@Example.org", "--password-stdin", stdin="two secrets")
    assert again.code == 1
    assert (
        again.err == "Error: Anna@Example.org is a user already.\n`margelle user passwd` gives them another password.\n"
    )


def test_another_password_replaces_the_old_one(margelle: Margelle, tmp_path: Path) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="one secret")
    before = _hash(tmp_path)
    assert margelle("user", "passwd", "anna@example.org", "--password-stdin", stdin="two secrets").code == 0
    assert before != _hash(tmp_path)
    assert before.startswith("$argon2id$")


def _hash(home: Path) -> str:
    async def read() -> str:
        store = _store(home)
        user = await store.user("anna@example.org")
        await store.close()
        assert user is not None
        return user.password_hash

    return asyncio.run(read())


def _store(home: Path) -> Store:
    from margelle.store import open_store
    from margelle.store.vault import Vault

    return open_store(str(home / ".local/share/margelle/margelle.sqlite"), Vault.open(home / ".config/margelle/key"))


@pytest.mark.parametrize(("more", "stays"), [((), False), (("--keep-clients",), True)])
def test_another_password_signs_clients_out_unless_they_are_kept(
    margelle: Margelle, tmp_path: Path, more: tuple[str, ...], stays: bool
) -> None:
    async def client(*, signs_in: bool) -> bool:
        store = _store(tmp_path)
        if signs_in:
            await store.put_grant(
                Grant("digest", "refresh", "ondilo", "anna@example.org", datetime(2026, 1, 1, tzinfo=UTC))
            )
        held = await store.grant("digest")
        await store.close()
        return held is not None

    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="one secret")
    assert asyncio.run(client(signs_in=True))
    margelle("user", "passwd", "anna@example.org", "--password-stdin", *more, stdin="two secrets")
    assert asyncio.run(client(signs_in=False)) is stays


@pytest.mark.parametrize("command", [("user", "passwd", "nobody"), ("user", "remove", "nobody")])
def test_a_user_who_is_not_there_is_an_error(margelle: Margelle, command: tuple[str, ...]) -> None:
    ended = margelle(*command)
    assert (ended.code, ended.err) == (
        1,
        "Error: There is no user 'nobody'.\n`margelle user list` shows those there are.\n",
    )


@pytest.mark.parametrize("login", ["", " ", "anna", " a@na", "a@na\n", "a@\x00na", "@" * 255])
def test_a_login_that_cannot_be_one_is_refused(margelle: Margelle, login: str) -> None:
    ended = margelle("user", "add", login, "--password-stdin", stdin="one secret")
    assert ended.code == 2
    assert "cannot be a login" in ended.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "not empty"),
        ("\n", "not empty"),
        ("one\ntwo\n", "one line"),
        ("é" * 7, "at least 8"),
        ("long" + "er than" * 200, "longer than 1024"),
        ("é" * 5000, "longer than 8192 bytes"),
    ],
)
def test_a_password_that_cannot_be_one_is_refused(margelle: Margelle, given: str, said: str) -> None:
    ended = margelle("user", "add", "anna@example.org", "--password-stdin", stdin=given)
    assert ended.code == 2
    assert said in ended.err
    assert json.loads(margelle("user", "list", "--json").out) == []


def test_without_a_terminal_the_password_is_not_asked_for(margelle: Margelle) -> None:
    ended = margelle("user", "add", "anna@example.org", stdin="one secret")
    assert ended.code == 2
    assert "--password-stdin" in ended.err


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "margelle", "user", "add", "anna@example.org"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environ, start_new_session=True
    ) as process:
        os.close(terminal)
        try:
            differing = _asked(controller, ("Password: ", "5ecre7-a"), ("confirmation: ", "5ecre7-b"))
            alike = _asked(controller, ("Password: ", "5ecre7-c"), ("confirmation: ", "5ecre7-c"), ("can sign in.", ""))
        finally:
            process.kill() if sys.exc_info()[0] else process.wait(20)
    os.close(controller)
    assert process.returncode == 0
    assert "5ecre7" not in differing + alike


def _asked(controller: int, *dialogue: tuple[str, str]) -> str:
    """What is shown while each question is waited for and answered."""
    shown = ""
    for question, answer in dialogue:
        seen = len(shown)
        while question not in shown[seen:]:
            assert select.select([controller], [], [], 20)[0], shown
            shown += os.read(controller, 1024).decode()
        os.write(controller, f"{answer}\n".encode() if answer else b"")
    return shown


def test_a_password_is_never_an_argument(margelle: Margelle) -> None:
    for command in ("add", "passwd"):
        ended = margelle("user", command, "--help")
        assert "--password-stdin" in ended.out
        assert "--password " not in ended.out


def test_a_language_without_pages_is_refused(margelle: Margelle) -> None:
    assert margelle("user", "add", "anna@example.org", "--language", "de", "--password-stdin", stdin="x").code == 2


def test_no_user_yet_says_what_to_do(margelle: Margelle) -> None:
    ended = margelle("user", "list")
    assert (ended.code, ended.out) == (0, "")
    assert "margelle user add" in ended.err


def test_a_data_folder_that_cannot_be_written_is_a_clear_error(margelle: Margelle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = margelle("user", "list", "--set", f"data_dir={tmp_path}/file/data")
    assert ended.code == 1
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err
