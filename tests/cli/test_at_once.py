"""Imports and hand readings by real processes: killed at any moment, several at once, and beside a hub at work."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from margelle.domain.measurement import Measurement
from margelle.domain.verdict import review
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.cli.conftest import CLOUD_PASSWORD, Margelle, Start
from tests.house import GARDEN

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 24 * 170
COLUMNS = ("When=at", "pH=ph", "Water=temperature", "Redox=orp")
MAPPED = ("--probe", GARDEN, *(word for column in COLUMNS for word in ("--map", column)))


@pytest.fixture
def hub(margelle: Margelle, tmp_path: Path) -> Margelle:
    """A hub with a user, a site, and a file that tells of it, in which a value is odd now and then."""
    margelle("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    margelle("site", "add", "Garden pool", "--id", "garden", "--kind", "pool")
    rows = [_row(n) for n in range(HOURS)]
    (tmp_path / "pool.csv").write_text("\n".join(["When,pH,Water,Redox", *rows]) + "\n")
    return margelle


def _row(n: int) -> str:
    ph = 9.6 if n % 500 == 250 else 7.3 + n % 7 / 100
    return f"{SINCE + timedelta(hours=n):%Y-%m-%dT%H:%MZ},{ph:.2f},{22 + n % 24 / 8},{690 + n % 13}"


def importing(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "margelle", "import", "pool.csv", *MAPPED],
        cwd=home, env={"PATH": os.environ["PATH"], "HOME": str(home)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def kept(home: Path, *probes: str) -> list[Measurement]:
    """All that is kept of these probes, in order."""
    (path,) = home.rglob("margelle.sqlite")

    async def read() -> list[Measurement]:
        store = open_store(str(path), Vault.open(path.parent / "key"))
        found = [
            point
            for probe in probes
            for quantity in await store.quantities(probe)
            for point in await store.history(probe, quantity)
        ]
        await store.close()
        return found

    return asyncio.run(read())


def count(home: Path) -> int:
    """How many measurements are kept now."""
    (path,) = home.rglob("margelle.sqlite")

    async def read() -> int:
        store = open_store(str(path), Vault.open(path.parent / "key"))
        found = await store.count()
        await store.close()
        return found

    return asyncio.run(read())


def assert_whole(points: list[Measurement]) -> None:
    """Every value of the file is there once, and every verdict is as if it had come alone."""
    assert len({(point.quantity, point.at) for point in points}) == len(points) == 3 * HOURS
    whole = sorted(points, key=lambda point: (point.at, point.quantity))
    assert whole == review(whole, "pool")
    assert sum(not point.valid for point in whole) == HOURS // 500, "the odd values, and no other"


def test_an_import_that_is_killed_at_any_moment_is_made_whole_by_making_it_again(hub: Margelle, tmp_path: Path) -> None:
    half = 0
    for moment in (0, 1, 6_000, 11_000):
        process = importing(tmp_path)
        while process.poll() is None and count(tmp_path) < moment:
            time.sleep(0.002)
        process.kill()
        process.communicate()
        half += 0 < count(tmp_path) < 3 * HOURS
    assert half >= 2, "it was killed in the middle"
    assert hub("import", "pool.csv", *MAPPED).code == 0
    assert_whole(kept(tmp_path, GARDEN))
    again = hub("import", "pool.csv", *MAPPED)
    assert again.out == f"pool.csv: 0 new, {3 * HOURS} same, 0 corrected, 0 refused.\n"


def test_two_imports_of_one_file_at_once_keep_it_once(hub: Margelle, tmp_path: Path) -> None:
    processes = [importing(tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert_whole(kept(tmp_path, GARDEN))


def test_hand_readings_by_several_processes_at_once_are_all_kept(hub: Margelle, tmp_path: Path) -> None:
    commands = [("ph=7.3", "temperature=25"), ("ph=7.5", "orp=690"), ("ph=7.5", "orp=690"), ("tds=800",)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "margelle", "measure", GARDEN, *values, "--at", "2026-07-01T12:00Z"],
            cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for values in commands
    ]  # fmt: skip
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    points = {point.quantity: point.value for point in kept(tmp_path, GARDEN)}
    assert points.pop("ph") in {7.3, 7.5}
    assert points == {"temperature": 25, "orp": 690, "tds": 800}


@pytest.mark.usefixtures("unpaced")
def test_an_import_while_the_hub_collects_the_same_probes_ends_as_either_alone(
    hub: Margelle, start: Start, clouds: str, tmp_path: Path
) -> None:
    login = ("--login", "neighbour@clouds.example", "--password-stdin")
    hub("account", "add", "ondilo", "--base-url", clouds, "--realm", "test", *login, stdin=CLOUD_PASSWORD)
    assert hub("--set", "collect.requests_per_hour=300", "collect", "--once").code == 0
    assert hub("export", "--output", "all.ndjson").code == 0
    told = [json.loads(line) for line in (tmp_path / "all.ndjson").read_text().splitlines()]
    probes = sorted({one["probe"] for one in told})
    before = kept(tmp_path, *probes)
    (data,) = {path.parent for path in tmp_path.rglob("margelle.sqlite")}
    for path in data.glob("margelle.sqlite*"):
        path.unlink()

    hub("user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    hub("account", "add", "ondilo", "--base-url", clouds, "--realm", "test", *login, stdin=CLOUD_PASSWORD)
    collecting = start("--set", "collect.requests_per_hour=300", "collect")
    collecting.until("Data:")
    brought = [start("import", "all.ndjson", "--new-probes") for _ in range(2)]
    assert [one.ended(60) for one in brought] == [0, 0], [one.text for one in brought]
    collecting.end()
    after = {(one.probe, one.quantity, one.at): one for one in kept(tmp_path, *probes)}
    known = {(one.probe, one.quantity, one.at): one for one in before}
    assert known.keys() <= after.keys()
    assert {place: one.value for place, one in known.items()} == {place: after[place].value for place in known}
    newest = max(one.at for one in before) - timedelta(hours=130)  # what came since may have changed later verdicts
    assert [place for place, one in known.items() if one.at < newest and after[place].doubts != one.doubts] == []


@pytest.mark.usefixtures("unpaced")
def test_hubs_that_share_a_store_share_its_budget_wherever_their_data_folders_are(
    margelle: Margelle, clouds: str, tmp_path: Path
) -> None:
    def hub(name: str) -> tuple[str, ...]:
        return "--set", f"store={tmp_path / 'shared.sqlite'}", "--set", f"data_dir={tmp_path / name}"

    margelle(*hub("one"), "user", "add", "anna@example.org", "--password-stdin", stdin="un secret")
    login = ("--login", "neighbour@clouds.example", "--password-stdin")
    place = ("--base-url", clouds, "--realm", "test")
    assert margelle(*hub("one"), "account", "add", "ondilo", *place, *login, stdin=CLOUD_PASSWORD).code == 0
    told = [json.loads(margelle(*hub(name), "status", "--json").out)["accounts"][0] for name in ("one", "two")]
    assert told[0]["requests_left"] == told[1]["requests_left"] < told[0]["requests_allowed"]
