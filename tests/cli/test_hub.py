"""The hub at work: collecting once or for long, serving, and what is seen of it."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from msgspec.structs import replace

from margelle import testing
from margelle.collect.failure import OF_ACCOUNT, OF_CLOUD
from margelle.domain.reason import SENTENCES
from margelle.ports import Rate
from margelle.testing import Sky
from margelle.vendors import VENDORS
from tests.cli.conftest import CLOUD_PASSWORD, Ended, Margelle, Start
from tests.cli.face_client import FaceClient

PASSWORD = "anna's secret"


@pytest.fixture
def hub(margelle: Margelle, clouds: str, monkeypatch: pytest.MonkeyPatch) -> Margelle:
    """A hub with a user, and an account at the clouds that has a pool of its own and a shared one."""
    monkeypatch.setitem(VENDORS, "ondilo", replace(VENDORS["ondilo"], pace=(Rate(40, 3600),)))
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin=PASSWORD)
    added = _sign_in(margelle, clouds)
    assert added.code == 0, added.err
    return margelle


def _sign_in(margelle: Margelle, cloud: str) -> Ended:
    login = ("--login", "neighbour@clouds.example", "--password-stdin")
    return margelle("account", "add", "ondilo", "--base-url", cloud, "--realm", "test", *login, stdin=CLOUD_PASSWORD)


def test_collecting_once_status_and_export(hub: Margelle, tmp_path: Path) -> None:
    collected = hub("collect", "--once")
    assert collected.code == 0, collected.err
    assert collected.out.startswith("Done. Next: ")
    _status_tells(hub)
    _csv_is_whole(hub, tmp_path)
    _ndjson_says_the_same(hub, tmp_path)


def _status_tells(hub: Margelle) -> None:
    shown = hub("status")
    assert shown.code == 0
    assert "Piscine hors-sol  (ondilo@test:14142)" in shown.out
    assert "next 20" in shown.out
    assert "\nNo hub collects into this folder now" in shown.out
    told = json.loads(hub("status", "--json").out)
    assert told["collecting"] is False
    (account,) = told["accounts"]
    (site,) = (one for one in account["sites"] if one["name"] == "Piscine hors-sol")
    latest = {one["quantity"]: one for one in site["probes"][0]["latest"]}
    assert {"temperature", "ph", "orp", "tds", "battery", "rssi"} <= set(latest)
    assert 0 <= latest["ph"]["age_s"] < 7 * 86_400  # a probe may be silent for some days
    assert f" {account['requests_left']} of 40 requests are left for this hour.\n" in shown.out
    checked = json.loads(hub("account", "check", "ondilo", "--json").out)[0]
    assert checked["requests_left"] == account["requests_left"] - 1
    assert told["measurements"] > 3000
    assert {ask["act"] for ask in account["next"]} >= {"latest", "discover", "advice"}
    assert all(ask["why"] for ask in account["next"])


def _csv_is_whole(hub: Margelle, tmp_path: Path) -> None:
    written = hub("export", "--quantity", "pH", "--site", "Piscine hors-sol", "--output", "ph.csv")
    assert written.code == 0, written.err
    lines = (tmp_path / "ph.csv").read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    assert "# ph: [pH] - Acidity of the water: 7 is neutral." in head
    assert not any("temperature" in line for line in head)
    rows = list(csv.DictReader(lines[len(head) :]))
    assert written.err == f"{len(rows)} measurements written to ph.csv.\n"
    assert len(rows) > 500
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {(row["site"], row["probe"], row["quantity"], row["unit"]) for row in rows} == {
        ("ondilo@test:14142", "ondilo@test:14142/ico", "ph", "[pH]")
    }
    assert rows[0]["at"].endswith("Z")
    assert not list(tmp_path.glob(".ph.csv*"))


def _ndjson_says_the_same(hub: Margelle, tmp_path: Path) -> None:
    rows = list(
        csv.DictReader(line for line in (tmp_path / "ph.csv").read_text().splitlines() if not line.startswith("#"))
    )
    since, until = rows[10]["at"], rows[20]["at"]
    probe = rows[0]["probe"]
    hub("export", "--probe", probe, "--quantity", "ph", "--since", since, "--until", until, "--output", "ph.ndjson")
    said = [json.loads(line) for line in (tmp_path / "ph.ndjson").read_text().splitlines()]
    assert [(one["at"], one["raw"], one["valid"]) for one in said] == [
        (row["at"], row["raw"], row["valid"] == "true") for row in rows[10:20]
    ]
    assert [one["value"] for one in said] == [float(row["value"]) if row["value"] else None for row in rows[10:20]]
    assert list(said[0]) == list(rows[0])


def test_a_refused_login_needs_the_user_and_says_what_to_do(hub: Margelle, tmp_path: Path) -> None:
    _forget_token(tmp_path)
    assert hub("collect", "--once").code == 3
    shown = hub("status")
    assert shown.code == 3
    assert "margelle account add" in shown.out
    assert json.loads(hub("status", "--json").out)["needs_user"] is True
    assert "sign-in" in hub("account", "list").out


def test_every_reason_for_which_an_account_waits_has_words() -> None:
    held = {name.removeprefix("held.") for name in SENTENCES if name.startswith("held.")}
    assert held == OF_ACCOUNT | OF_CLOUD


def test_a_key_that_is_gone_is_told_and_needs_somebody(hub: Margelle, tmp_path: Path) -> None:
    (tmp_path / ".config/margelle/key").unlink()
    shown = hub("status")
    assert shown.code == 3
    assert "The key file does not fit" in shown.out
    assert "Put back the key file" in shown.out


def test_what_was_measured_is_still_told_when_no_account_is_left(hub: Margelle) -> None:
    assert hub("collect", "--once").code == 0
    removed = hub("account", "remove", "ondilo")
    kept = removed.out.rpartition(". ")[2]
    assert kept.endswith(" measurements kept.\n")
    assert hub("status").out == kept


def _forget_token(home: Path) -> None:
    import asyncio

    from margelle.store import open_store
    from margelle.store.vault import Vault

    async def forget() -> None:
        store = open_store(
            str(home / ".local/share/margelle/margelle.sqlite"), Vault.open(home / ".config/margelle/key")
        )
        await store.put_secret("ondilo/token", b"")
        await store.close()

    asyncio.run(forget())


def test_serving_collects_answers_and_ends_cleanly(hub: Margelle, start: Start) -> None:
    running = start("serve", "--port", "0")
    face = running.until(r"Face:\s+(http://\S+)")[1]
    client = FaceClient(face)
    client.sign_in("anna@example.org", PASSWORD)
    assert {pool["name"] for pool in client.get("/pools")} == {"Piscine hors-sol", "Piscine du mas"}
    assert _healthz(face) == 200

    assert json.loads(hub("status", "--json").out)["collecting"] is True
    once = start("collect", "--once")
    assert once.ended() == 1
    assert "Another process collects into" in once.text
    second = start("collect")  # it shares the accounts
    second.until("Data:")
    assert second.end(signal.SIGTERM) == 0
    beside = start("serve", "--no-collect", "--port", "0")
    FaceClient(beside.until(r"Face:\s+(http://\S+)")[1]).sign_in("anna@example.org", PASSWORD)
    assert beside.end(signal.SIGTERM) == 0

    (account,) = json.loads(hub("account", "list", "--json").out)
    told = _sign_in(hub, account["cloud"])
    assert "The running hub collects from it" in told.out
    assert running.end(signal.SIGINT) == 0
    assert "Traceback" not in running.text + beside.text
    assert PASSWORD not in running.text


def _healthz(face: str) -> int:
    with closing(HTTPConnection(face.split("/")[2], timeout=20)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def test_a_hub_without_users_on_the_network_warns(start: Start) -> None:
    running = start("serve", "--host", "0.0.0.0", "--port", "0")
    running.until("Data:")
    assert running.end() == 0
    assert re.search(r"First user: http://\S+/welcome  with the code [0-9A-Z]{4}-[0-9A-Z]{4} ", running.text)
    assert "unencrypted" in running.text


def test_a_port_in_use_is_a_clear_error(start: Start) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        running = start("serve", "--port", str(port))
        assert running.ended() == 1
    assert f"Error: Port {port} on 127.0.0.1 is in use by another program.\n" in running.text
    assert "Traceback" not in running.text


def test_collecting_without_an_account_says_so(margelle: Margelle) -> None:
    assert margelle("collect", "--once").out == "Done. There is no account to collect from.\n"
    status = margelle("status")
    assert (status.code, status.out) == (0, "")
    assert "margelle account add ondilo" in status.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--site", "nowhere"), "There is no site 'nowhere'."),
        (("--probe", "none"), "There is no probe 'none'."),
        (("--quantity", "acid"), "There is no quantity 'acid'."),
        (("--since", "yesterday"), "'yesterday' is not a day or instant."),
        (("--since", "2026-02-30"), "is not a day or instant."),
        (("--since", "2026-02-02", "--until", "2026-02-01"), "--since must be before --until."),
        (("--output", "missing/x.csv"), "missing/x.csv cannot be written: No such file or directory."),
        (("--format", "xml"), "'xml' is not one of"),
    ],
)
def test_an_export_that_cannot_be_is_refused(margelle: Margelle, arguments: tuple[str, ...], said: str) -> None:
    ended = margelle("export", *arguments)
    assert ended.code in {1, 2}
    assert said in ended.err
    assert ended.out == ""


def test_an_export_into_a_folder_is_a_clear_error(margelle: Margelle, tmp_path: Path) -> None:
    ended = margelle("export", "--output", str(tmp_path))
    assert (ended.code, ended.err) == (1, f"Error: {tmp_path} cannot be written: Is a directory.\n")


def test_an_export_into_a_pipe_goes_through_it(margelle: Margelle, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert margelle("export", "--output", "pipe").code == 0
    assert os.read(reader, 65_536).startswith(b"# Margelle export")
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_ctrl_c_ends_an_export_and_leaves_the_file_of_before(
    hub: Margelle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub("collect", "--once").code == 0
    (tmp_path / "all.csv").write_text("before")
    rows: list[object] = []

    def interrupted(*arguments: object) -> list[object]:
        if not rows:
            os.kill(os.getpid(), signal.SIGINT)
        rows.append(arguments)
        return []

    monkeypatch.setattr("margelle.export.row.rows", interrupted)
    assert hub("export", "--output", "all.csv").code == 130
    assert len(rows) == 1, "it ended with the series at which it was"
    assert [path.read_text() for path in tmp_path.glob("*all.csv*")] == ["before"]


def test_an_export_that_fails_leaves_the_file_of_before(
    margelle: Margelle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old.csv").write_text("precious")
    (tmp_path / "link.csv").symlink_to(tmp_path / "old.csv")
    monkeypatch.setattr("margelle.cli.export._write", _no_disk)
    ended = margelle("export", "--output", "link.csv")
    assert (ended.code, ended.err) == (1, "Error: link.csv cannot be written: No space left on device.\n")
    assert (tmp_path / "link.csv").read_text() == "precious"
    assert not list(tmp_path.glob(".*.part"))
    monkeypatch.undo()
    assert (tmp_path / "link.csv").is_symlink()


async def _no_disk(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_export_of_nothing_has_its_head(margelle: Margelle) -> None:
    ended = margelle("export")
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "at,probe,site,quantity,value,unit,valid,reason,raw,raw_unit,origin,doubts"


@pytest.fixture
def some_weeks() -> Iterator[Sky]:
    """Clouds that know what was measured in six weeks."""
    with testing.clouds(past=timedelta(weeks=6)) as sky:
        yield sky


@pytest.mark.usefixtures("unpaced")
def test_tags_are_told_until_they_are_mapped_and_then_shown_once(margelle: Margelle, some_weeks: Sky) -> None:
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin=PASSWORD)
    login = ("--login", some_weeks.login, "--password-stdin", "--realm", "test")
    cloud = some_weeks.base_url("baxo")
    added = margelle("account", "add", "baxo", "--base-url", cloud, *login, stdin=some_weeks.password)
    assert "the tags NIVEAU, DEBIT, PH, CONDUCTIVITE, REDOX. Say what they measure" in added.out, added.err
    assert margelle("collect", "--once").code == 0
    shown = margelle("status").out
    assert "the tags NIVEAU, DEBIT, PH, CONDUCTIVITE, REDOX. Say what they measure" in shown
    assert re.search(r"baxo.REDOX +\d+ ", shown), "a whole number without digits after the point"
    assert re.search(r"baxo.POMPE_1 +(on|off) ", shown)
    mapping = ("--set", "baxo.tags=PH=ph,REDOX=orp")
    assert margelle("collect", "--once", *mapping).code == 0
    shown = margelle("status", *mapping).out
    assert "the tags NIVEAU, DEBIT, CONDUCTIVITE. Say" in shown
    assert re.search(r"\n    ph +\d", shown)
    assert "baxo.PH" not in shown
    exported = margelle("export", "--quantity", "baxo.PH", "--quantity", "ph", *mapping).out
    assert exported.count(",baxo.PH,") == exported.count(",ph,") > 1000
