"""Far more measurements than fit are sent to a real hub at once: it stays small, turns some away, and in the end has each of them once."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE_S, Margelle, Running, Start

BATCH = 5000


def hub(margelle: Margelle, start: Start, *more: str) -> tuple[Running, int, list[dict[str, str]]]:
    """A hub with two users, each with a site and a key."""
    headers = []
    for name in ("anna", "ben"):
        margelle("user", "add", f"{name}@example.org", "--password-stdin", stdin="un secret bien long")
        added = margelle("site", "add", name, "--owner", f"{name}@example.org")
        assert added.code == 0, added.err
        token = margelle("user", "token", f"{name}@example.org", "--scope", "read", "--scope", "measure").out.strip()
        headers.append({"authorization": f"Bearer {token}", "content-type": "application/x-ndjson"})
    words = [word for setting in ("api.requests_per_minute=0", *more) for word in ("--set", setting)]
    running = start("serve", "--port", "0", *words)
    return running, int(running.until(r"Pages:\s+http://\S+:(\d+)/")[1]), headers


def body(name: str, client: int, points: int = BATCH) -> bytes:
    """So many points of one day, a second apart."""
    lines = (
        f'{{"probe":"own:{name}","quantity":"ph","at":{1_780_272_000 + 86_400 * client + second},"value":7.{second % 10}}}'
        for second in range(points)
    )
    return "\n".join(lines).encode()


def post(port: int, headers: dict[str, str], sent: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("POST", "/api/v1/measurements", sent, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def count(port: int, headers: dict[str, str], name: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", f"/api/v1/measurements?probe=own:{name}/probe&format=ndjson", headers=headers)
    found = connection.getresponse().read().count(b"\n")
    connection.close()
    return found


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_a_flood_is_turned_away_in_part_and_in_the_end_all_of_it_is_kept_once(margelle: Margelle, start: Start) -> None:
    running, port, (flood, other) = hub(margelle, start, "api.intake_mib=2")
    quiet_mb = resident_mb(running.process.pid)
    most: list[float] = []
    waits: list[int] = []
    failed: list[object] = []
    wait_for = threading.Event()

    def send(client: int) -> None:
        sent = body("anna", client)
        for _ in range(200):
            status, headers, told = post(port, flood, sent)
            most.append(resident_mb(running.process.pid))
            if status == 200:
                return
            if status not in {429, 503} or told["status"] != status or "retry-after" not in headers:
                break
            waits.append(int(headers["retry-after"]))
            wait_for.wait(0.05)  # a polite client would wait for as long as it was told
        failed.append((status, told))

    threads = [threading.Thread(target=send, args=(client,)) for client in range(40)]
    for thread in threads:
        thread.start()
    for client in range(5):  # meanwhile somebody else sends a little
        assert post(port, other, body("ben", client, 10))[0] == 200
    for thread in threads:
        thread.join()
    assert failed == []
    assert waits, "more was sent than fits"
    assert all(1 <= wait <= 60 for wait in waits)
    assert max(most) - quiet_mb < 100, f"40 bodies of 16 MB in all, {quiet_mb:.0f} MB before and {max(most):.0f} MB"
    assert count(port, flood, "anna") == 40 * BATCH
    assert count(port, other, "ben") == 50
    assert running.end(signal.SIGTERM, 30) == 0
    assert "Traceback" not in running.text


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_what_was_acknowledged_is_there_after_a_kill(
    margelle: Margelle, start: Start, request: pytest.FixtureRequest, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more: tuple[str, ...] = ()
    if database == "postgres":
        url = request.getfixturevalue("server").create("flood")
        monkeypatch.setenv("MARGELLE_STORE", url)
        more = (f"store={url}",)
    running, port, (headers, _) = hub(margelle, start, *more)
    acknowledged: list[int] = []
    enough = threading.Event()

    def send(client: int) -> None:
        for n in range(client, 100_000, 8):
            try:
                status, _, told = post(port, headers, body("anna", n, 20))
            except (OSError, HTTPException):
                return  # it was killed
            assert (status, told["new"]) == (200, 20)
            acknowledged.append(n)
            if len(acknowledged) >= 60:
                enough.set()

    threads = [threading.Thread(target=send, args=(client,)) for client in range(8)]
    for thread in threads:
        thread.start()
    assert enough.wait(PATIENCE_S)
    running.process.kill()
    for thread in threads:
        thread.join()
    running.ended()
    exported = margelle("export", "--probe", "own:anna/probe", "--format", "ndjson").out.splitlines()
    days = days_of(exported)
    assert {n: days.get(n) for n in acknowledged} == dict.fromkeys(acknowledged, 20)
    assert set(days.values()) == {20}, "no batch is there by half"


def days_of(lines: Sequence[str]) -> dict[int, int]:
    """How many points there are of each batch: each has a day of its own."""
    found: dict[int, int] = {}
    for line in lines:
        at = json.loads(line)["at"]
        second = time.mktime(time.strptime(at[:19] + "UTC", "%Y-%m-%dT%H:%M:%S%Z")) - time.timezone
        n = (int(second) - 1_780_272_000) // 86_400
        found[n] = found.get(n, 0) + 1
    return found
