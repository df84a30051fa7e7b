"""Several processes share a database, and any of them may be killed at any moment."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from margelle.domain.measurement import Measurement
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.store.things import HOUR, NOW, account, discovery, inspected, point
from tests.store.writer import batch

SIZE = 50
PATIENCE_S = 60.0


def start(path: Path | str, name: str, batches: int, *, size: int = SIZE, personas: int = 0) -> subprocess.Popen[str]:
    args = (str(path), name, str(batches), str(size), str(personas))
    return subprocess.Popen([sys.executable, "-m", "tests.store.writer", *args], stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=60)
    return out.split("\n")


def said_before_kill(process: subprocess.Popen[str], lines: int) -> list[str]:
    """What it said until it was killed, which is some time after its so many lines."""
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    rest = process.stdout.readlines()  # communicate() would miss what readline() has read ahead
    process.stdout.close()
    process.wait()
    return [line.strip() for line in (*first, *rest) if line.strip()]


async def everything(store: SqliteStore, name: str) -> list[Measurement]:
    """What is kept of what that process wrote."""
    return sorted([m for n in range(3) for m in await store.history(name, f"q{n}")], key=lambda m: m.at)


async def test_what_was_acknowledged_before_a_kill_is_there_and_no_batch_is_there_by_half(
    path: Path, vault: Vault
) -> None:
    moments = random.Random(2026)
    acknowledged = 0
    for round_ in range(5):
        process = start(path, f"p{round_}", 1_000_000)
        last = int(said_before_kill(process, moments.randint(1, 60))[-1])
        acknowledged += last + 1
        store = SqliteStore(path, vault)
        await store.check()
        kept = await everything(store, f"p{round_}")
        batches = len(kept) // SIZE
        assert batches in {last + 1, last + 2}  # one more may have been kept and not yet told
        assert kept == [m for number in range(batches) for m in batch(f"p{round_}", number, SIZE)]
        assert await store.count() == sum([len(await everything(store, f"p{r}")) for r in range(round_ + 1)])
        await store.close()
    assert acknowledged > 20


async def test_processes_that_make_and_fill_one_database_at_once_lose_nothing(path: Path, vault: Vault) -> None:
    processes = {name: start(path, name, 40, personas=30) for name in ("a", "b", "c")}
    told = {name: said(process) for name, process in processes.items()}
    assert [process.returncode for process in processes.values()] == [0, 0, 0]
    store = SqliteStore(path, vault)
    assert await store.count() == 3 * 40 * SIZE
    for name in processes:
        kept = await everything(store, name)
        assert kept == [m for number in range(40) for m in batch(name, number, SIZE)]
    given = [public_id for lines in told.values() for public_id in lines[-1].split()]
    assert len(set(given)) == len(given) == 90
    for name, lines in told.items():
        subjects = [await store.subject("ondilo", "site", public_id) for public_id in lines[-1].split()]
        assert subjects == [f"{name}{n}" for n in range(30)]
    await store.close()


async def test_what_another_connection_keeps_is_seen_in_the_next_turn(
    path: Path, sqlite: SqliteStore, vault: Vault
) -> None:
    other = SqliteStore(path, vault)
    seen = {await sqlite.version()}
    for n in range(5):
        at = NOW + n * HOUR
        for writer, reader in ((other, sqlite), (sqlite, other)):
            given = point(n, at=at, quantity=f"by {id(writer)}")
            await writer.add([given], at)
            await asyncio.sleep(0)
            assert (await reader.latest(given.probe, at))[given.quantity] == given
            seen.add(await sqlite.version())
    await other.put_account(account())
    await other.put_discovery("home", discovery(1), NOW)
    await asyncio.sleep(0)
    seen.add(await sqlite.version())
    assert len(seen) == 12
    assert await sqlite.sites() == await other.sites() != []
    assert await sqlite.version() == await sqlite.version()
    await other.close()


async def test_a_persona_that_another_process_gives_meanwhile_is_taken_over(
    path: Path, sqlite: SqliteStore, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SqliteStore(path, vault)
    look = SqliteStore._number
    given: list[int] = []

    def look_and_lose_the_race(store: SqliteStore, face: str, kind: str, subject: str) -> int | None:
        found = look(store, face, kind, subject)
        if store is sqlite and not given:
            other._db.connection.execute("INSERT INTO persona VALUES (?, ?, 7, ?)", (face, kind, subject))
            given.append(7)
        return found

    monkeypatch.setattr(SqliteStore, "_number", look_and_lose_the_race)
    assert (await sqlite.persona("ondilo", "site", "a", 8)).public_id == "7"
    await other.close()


async def test_a_database_that_another_process_is_just_making_is_waited_for(
    path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(time, "sleep", lambda _: other.execute("COMMIT"))
    store = SqliteStore(path, vault)
    assert other.getautocommit()
    await store.close()
    other.close()


async def test_a_version_from_before_a_restart_is_not_met_again(path: Path, vault: Vault) -> None:
    seen = set()
    for n in range(10):
        store = SqliteStore(path, vault)
        await store.add([point(at=NOW + n * HOUR)], NOW)
        seen.add(await store.version())
        await store.close()
    assert len(seen) == 10


async def test_two_connections_that_open_one_series_agree_on_it(path: Path, sqlite: SqliteStore, vault: Vault) -> None:
    other = SqliteStore(path, vault)
    await sqlite.add([point(1, quantity="a")], NOW)
    await other.add([point(2, quantity="b"), point(1, quantity="a", at=NOW + HOUR, origin="x")], NOW)
    await sqlite.add([point(2, quantity="b", at=NOW + HOUR, origin="x")], NOW)
    for store in (sqlite, other):
        assert [m.at for m in await store.history(point().probe, "a")] == [NOW, NOW + HOUR]
        assert [m.origin for m in await store.history(point().probe, "b")] == ["ondilo/measures", "x"]
    await other.close()


# --- waiting for each other ------------------------------------------------------------------------------------------


async def test_while_another_process_writes_for_long_this_one_answers_and_then_keeps_what_came(
    path: Path, vault: Vault
) -> None:
    store, other = SqliteStore(path, vault, busy_timeout_s=PATIENCE_S), apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    adding = [asyncio.create_task(store.add([point(at=NOW + n * HOUR)], NOW)) for n in range(3)]
    renouncing = asyncio.create_task(store.put_memo("a", b"1"))
    for _ in range(10):
        await asyncio.sleep(0)
        assert await store.count() == 0
    renouncing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await renouncing
    assert not any(task.done() for task in adding)
    other.execute("COMMIT")
    other.close()
    assert [added.new for added in await asyncio.gather(*adding)] == [1, 1, 1]
    assert (await store.count(), await store.memo("a")) == (3, None)
    assert (await inspected(store)).faults == ()
    await store.close()


async def test_while_room_is_given_back_others_write_though_somebody_reads_for_long(
    path: Path, sqlite: SqliteStore, vault: Vault
) -> None:
    other, reader = SqliteStore(path, vault, busy_timeout_s=PATIENCE_S), apsw.Connection(str(path))
    await sqlite.put_memo("a", bytes(1_000_000))
    await sqlite.forget_memo("a")
    before = path.stat().st_size + path.with_name(f"{path.name}-wal").stat().st_size
    reader.execute("BEGIN; SELECT count(*) FROM memo").fetchall()
    compacting = asyncio.create_task(other.compact())
    for n in range(5):
        await asyncio.sleep(0)
        assert (await sqlite.add([point(at=NOW + n * HOUR)], NOW)).new == 1
    assert not compacting.done()
    reader.close()
    await compacting
    assert path.stat().st_size < before / 2
    await other.close()
