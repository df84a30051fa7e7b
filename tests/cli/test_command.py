from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle import __version__
from margelle.cli import terminal
from margelle.cli.command import hoisted
from margelle.cli.terminal import Lines
from tests.cli.conftest import Margelle

COMMANDS = [
    ("serve",), ("collect",), ("clouds",), ("demo",), ("status",), ("export",), ("settings",),
    ("account", "add"), ("account", "list"), ("account", "check"), ("account", "remove"),
    ("user", "add"), ("user", "list"), ("user", "passwd"), ("user", "remove"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(margelle: Margelle, command: tuple[str, ...]) -> None:
    ended = margelle(*command, "--help")
    assert ended.code == 0
    assert "Example" in ended.out
    assert "margelle " + " ".join(command) in ended.out


def test_help_loads_neither_server_nor_client_nor_database() -> None:
    code = "import sys; from margelle.cli.command import run; run(['--help']); print([m for m in ('uvicorn','starlette','aiohttp','apsw','argon2','cryptography','rich') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_version_is_shown(margelle: Margelle) -> None:
    assert margelle("--version").out == f"margelle {__version__}\n"


@pytest.mark.parametrize("arguments", [("usr",), ("user", "ad"), ("serve", "--prot", "1"), ("user", "add"), ("serve", "--port", "x"), ("--set", "port", "status"), ("--set", "port=x", "status"), ("status", "--set", "prot=1")])  # fmt: skip
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(margelle: Margelle, arguments: tuple[str, ...]) -> None:
    ended = margelle(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Error: " in ended.err
    assert "Traceback" not in ended.err


def test_the_settings_in_force_are_shown_with_where_they_came_from(
    margelle: Margelle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.toml").write_text("port = 1001\nhost = '10.0.0.1'")
    monkeypatch.setenv("MARGELLE_LOG_LEVEL", "error")
    shown = json.loads(margelle("settings", "--json", "--config", "m.toml", "--set", "port=1002").out)
    came_from = {row["name"]: (row["value"], row["from"]) for row in shown}
    assert came_from["port"] == ("1002", "flag port")
    assert came_from["host"] == ("10.0.0.1", "m.toml:2")
    assert came_from["log_level"] == ("error", "environment MARGELLE_LOG_LEVEL")
    assert came_from["log_format"] == ("text", "default")
    assert "log_format" in margelle("settings").out


@pytest.mark.parametrize(
    ("meaning", "said"),
    [("temprature", "did you mean 'temperature'?"), ("level furlong", "'furlong' is no unit of level")],
)
def test_settings_that_a_vendor_cannot_make_sense_of_are_refused_when_they_are_looked_at(
    margelle: Margelle, meaning: str, said: str
) -> None:
    ended = margelle("settings", "--set", f"baxo.tags=NIVEAU={meaning}")
    assert ended.code == 2
    assert said in ended.err


def test_a_secret_in_a_setting_is_not_shown(margelle: Margelle) -> None:
    for more in ((), ("--json",)):
        ended = margelle("settings", "--set", "store=postgresql://margelle:hunter22@db/pool", *more)
        assert "hunter22" not in ended.out + ended.err
        assert "***@db" in ended.out
    assert "hunter22" not in margelle("status", "--set", "store=postgresql://margelle:hunter22@db/pool").err


def test_an_unexpected_error_is_two_lines_and_a_stack_trace_only_when_debugging(
    margelle: Margelle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("access_token=5ecre7 fell out")

    monkeypatch.setattr("margelle.config.load", broken)
    ended = margelle("settings")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 2)
    debugged = margelle("settings", "--debug")
    assert "Traceback" in debugged.err
    assert "5ecre7" not in ended.err + debugged.err


def test_ctrl_c_ends_with_130(margelle: Margelle, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("margelle.config.load", interrupted)
    ended = margelle("settings")
    assert ended.code == 130
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["status", "--config", "x", "--json"], ["--config", "x", "status", "--json"]),
        (["export", "--set=a=1", "--site", "x"], ["--set=a=1", "export", "--site", "x"]),
        (["--debug", "status"], ["--debug", "status"]),
        (["user", "add", "--", "--debug"], ["user", "add", "--", "--debug"]),
        (["status", "--set"], ["--set", "", "status"]),
    ],
)
def test_root_options_may_stand_after_the_command(typed: list[str], meant: list[str]) -> None:
    assert hoisted(typed) == meant


@given(st.lists(st.sampled_from(["--config", "--set", "--debug", "--set=x=1", "status", "x=1", "--json"])))
def test_hoisting_loses_no_word(typed: list[str]) -> None:
    given_words = [word for word in typed if word]
    assert sorted(word for word in hoisted(typed) if word) == sorted(given_words)


def test_what_a_cloud_writes_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say("a\x1b[31mb\u202ec\x9bd\re\nf\tg é 🏊")
    assert capsys.readouterr().out == "a\ufffd[31mb\ufffdc\ufffdd\ufffde\nf\tg é 🏊\n"
    assert terminal.brief("Pool\n  of \t\u2028Anna") == "Pool of Anna"
    assert terminal.brief("N" * 1_000_000, 10) == "N" * 9 + "…"


def test_a_row_of_a_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table(["LOGIN", "NAME"], [["anna@example.org", "Anna\n\tB"]])
    assert capsys.readouterr().out == "LOGIN             NAME\nanna@example.org  Anna B\n"


def test_a_full_disk_below_standard_output_is_a_plain_error() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-m", "margelle", "settings"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert "unexpected" not in ended.stderr


def test_a_data_folder_that_is_a_file_is_a_plain_error(margelle: Margelle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ended = margelle("status", "--set", "data_dir=file")
    assert ended.code == 1
    assert "The data folder" in ended.err
    assert (tmp_path / "file").read_text() == "mine"


def test_ctrl_c_while_loading_just_ends_the_process() -> None:
    code = """
import os, signal, sys
class Late:
    def find_spec(self, name, *_):
        if name == "margelle.cli.command":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Late())
from margelle.cli import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_who_reads_along_is_told_now_and_then_how_far_a_long_command_is(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    told = Lines("Reading", lambda: now)
    for second in range(13):
        now = float(second)
        told(second / 12)
    assert capsys.readouterr().err == "Reading: 42%\nReading: 83%\n"
