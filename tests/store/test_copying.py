"""A database copied to another, of either kind, is the same, however often it was interrupted."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from margelle.domain.access import Membership, Organisation
from margelle.domain.event import Event
from margelle.domain.measurement import Doubt
from margelle.errors import Conflict, StoreError
from margelle.ports import AuditEntry, Gap
from margelle.store import copying, open_copyable
from margelle.store.copying import Copyable
from margelle.store.layout import stretch
from margelle.store.postgres import schema as postgres_schema
from margelle.store.relations import ALIVE, RELATIONS
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.postgres import Databases
from tests.store.old import fill_old
from tests.store.things import (
    DAY,
    HOUR,
    NOW,
    account,
    discovery,
    grant,
    incident,
    inspected,
    point,
    probe,
    receipt,
    recommendation,
    user,
)

MEASURING = {"head", "piece", "chunk", "revision", "rolled", "year"}
SQLITES_OWN = {"series", "origin", "point", "tally"}
PROBES = 12


@pytest.fixture
async def sqlite_store(path: Path, vault: Vault) -> AsyncIterator[Copyable]:
    store = open_copyable(str(path), vault)
    yield store
    await store.close()


@pytest.fixture
async def postgres_store(url: str, vault: Vault) -> AsyncIterator[Copyable]:
    store = open_copyable(url, vault)
    yield store
    await store.close()


def nothing(share: float) -> None:
    """What is told of progress, unheard."""


async def fill(store: Copyable) -> None:
    """Something of everything, and measurements with all that may have become of them."""
    await store.put_memo("hub", b"mark")
    await store.put_user(user(firstname="Ana"))
    await store.put_organisation(Organisation("club", "The club"))
    await store.put_account(account(organisation="club"))
    await store.put_discovery("home", discovery(1, 2), NOW)
    await store.put_discovery("home", discovery(1, probes=(probe(1, "S2"),)), NOW + DAY)
    await store.put_membership(Membership("bo@example.org", "organisation", "club", "viewer", NOW))
    await store.put_event(Event("e1", "ondilo:1", "dose", NOW, "ana", NOW, "salt", 3.0, "kg", removed_at=NOW))
    await store.put_grant(grant(expires_at=NOW + DAY))
    await store.put_recommendations("ondilo:1", [recommendation()])
    for n in range(3):
        await store.persona("flipr", "site", f"ondilo:{n}")
        await store.keep_receipt(receipt(NOW + n * HOUR, b"[1]" * 700 * n))
        await store.record(AuditEntry(NOW, "ana", "act", f"{n}", "done"))
    await store.put_secret("home/token", b"token")
    await store.put_memo("home/progress", b"\0\xff")
    await store.note_incident(incident())
    await store.end_incident("home", "home", None, NOW)
    await store.put_gaps((), [Gap("ondilo:1/ico", "ph", NOW, NOW + HOUR, "lost", NOW, "Because.")])
    for n in range(PROBES):
        await measure(store, f"ondilo:{n}/ico", n)


async def measure(store: Copyable, name: str, n: int) -> None:
    dice = random.Random(n)
    points = [
        point(round(dice.uniform(6, 9), 2), NOW + h * HOUR, q, probe=name) for h in range(300) for q in ("ph", "orp")
    ]
    await store.add(points, NOW)
    for h in range(4):
        await store.add(
            [point(5.0 + h, NOW + h * HOUR, probe=name, doubts=(Doubt("vendor", "OUTLIER"),))], NOW + h * DAY
        )
    await store.add([point(4.0, NOW, probe=name, raw="4.00", origin="a\0b")], NOW + 9 * DAY)
    await store.add([point(7.0, NOW + 900 * HOUR, "ph", probe=name)], NOW)
    await store.add([], NOW, [replace(points[-1], doubts=(Doubt("jump", "é"),))])


@pytest.mark.parametrize("direction", ["sqlite to postgresql", "postgresql to sqlite"])
async def test_everything_is_copied_and_proved(
    sqlite_store: Copyable, postgres_store: Copyable, direction: str
) -> None:
    both = (sqlite_store, postgres_store)
    source, target = both if direction == "sqlite to postgresql" else both[::-1]
    await fill(source)
    shares: list[float] = []
    await copying.copy(source, target, shares.append)
    true, found = await copying.proof(source, nothing), await copying.proof(target, nothing)
    await copying.finish(target)
    assert true == found
    assert true.differences(found) == []
    assert shares[-1] == 1.0
    assert true.counts["measurements"] == PROBES * 601
    assert true.counts["revisions"] == PROBES * 5
    assert all(true.counts.values()), "something of everything was copied"
    assert await target.memo("copying") is None
    for n in range(PROBES):
        name = f"ondilo:{n}/ico"
        assert await target.latest(name, NOW + 1000 * HOUR) == await source.latest(name, NOW + 1000 * HOUR)
        assert await target.history(name, "ph") == await source.history(name, "ph")
        assert await target.revisions(name, "ph", NOW) == await source.revisions(name, "ph", NOW) != []
    assert await target.secret("home/token") == b"token"
    assert await target.devices("ondilo:1/ico") == await source.devices("ondilo:1/ico")
    assert await target.receipts("home") == await source.receipts("home")


@pytest.mark.parametrize("direction", ["sqlite to postgresql", "postgresql to sqlite"])
async def test_a_copy_is_a_database_to_go_on_with(
    sqlite_store: Copyable, postgres_store: Copyable, direction: str
) -> None:
    both = (sqlite_store, postgres_store)
    source, target = both if direction == "sqlite to postgresql" else both[::-1]
    await fill(source)
    await copying.copy(source, target, nothing)
    for store in both:
        await store.keep_receipt(receipt(NOW + 9 * DAY))
        await store.record(AuditEntry(NOW, "ana", "act", "later", "done"))
        await store.note_incident(incident("late"))
        await store.put_discovery("home", discovery(1, probes=(probe(1, "S3"),)), NOW + 2 * DAY)
        for n in range(40):
            await store.add([point(n, NOW + (1000 + n) * HOUR)], NOW)
        while (await store.fold(everything=True)).more:
            pass
    assert await copying.proof(source, nothing) == await copying.proof(target, nothing)
    assert (await inspected(target)).faults == ()


def copy_and_die(source: str, target: str, lines: int) -> str:
    """What a process that copies had said last, when it was killed some time within the stretch after so many."""
    command = [sys.executable, "-m", "tests.store.copier", source, target]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    said = []
    for _ in range(lines):
        said.append(process.stdout.readline())
        process.stdin.write("\n")
        process.stdin.flush()
    time.sleep(random.Random(lines).uniform(0.0, 0.02))
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    return said[-1].strip()


@pytest.mark.parametrize("direction", ["sqlite to postgresql", "postgresql to sqlite", "sqlite to sqlite"])
async def test_a_copy_that_is_killed_again_and_again_becomes_complete(
    tmp_path: Path, path: Path, url: str, vault: Vault, direction: str
) -> None:
    places = {"sqlite": str(path), "postgresql": url}
    source, target = (places[name] for name in direction.split(" to "))
    target = str(tmp_path / "other.sqlite") if target == source else target
    one = open_copyable(source, vault)
    await fill(one)
    true = await copying.proof(one, nothing)
    reached, shares = set[int](), list[float]()
    for lines in (1, 2, 7, 1, 4):
        shares.append(float(copy_and_die(source, target, lines)))
        other = open_copyable(target, vault)
        for n in range(PROBES):
            reached.add(len(await other.history(f"ondilo:{n}/ico", "ph")))
        found = await inspected(other)
        assert (found.points, found.faults) == (await other.count(), ())
        assert await other.memo("copying") == b"mark"
        await other.close()
    assert shares == sorted(shares)
    assert shares[-1] < 1.0
    assert reached > {0, 301}, "some probes were there by half"
    other = open_copyable(target, vault)
    await copying.copy(one, other, nothing)
    assert await copying.proof(other, nothing) == true
    await other.close()
    await one.close()


@pytest.mark.parametrize("direction", ["sqlite to postgresql", "postgresql to sqlite"])
@pytest.mark.parametrize("many", [1, 7, 100])
async def test_a_history_is_copied_in_stretches_however_short(
    sqlite_store: Copyable, postgres_store: Copyable, monkeypatch: pytest.MonkeyPatch, direction: str, many: int
) -> None:
    both = (sqlite_store, postgres_store)
    source, target = both if direction == "sqlite to postgresql" else both[::-1]
    name = "ondilo:1/ico"
    await measure(source, name, 1)
    while (await source.fold(everything=True)).more:
        pass
    for n in range(5):
        await source.add([point(n, NOW + 30 * n * HOUR + HOUR / 2, "salt", probe=name)], NOW)
    true = await copying.proof(source, nothing)
    monkeypatch.setattr(stretch, "MANY", many)
    stretches, since_us = 0, stretch.BEGIN_US
    while (part := await source.stretch(name, since_us)).until_us is not None:
        assert part.count <= 3 * many + 12 or stretches == 0 or many < 100
        stretches, since_us = stretches + 1, part.until_us
    assert stretches >= 606 // (5 * many + 12)
    await copying.copy(source, target, nothing)
    assert await copying.proof(target, nothing) == true
    assert await target.history(name, "ph") == await source.history(name, "ph")
    assert await target.revisions(name, "ph", NOW) == await source.revisions(name, "ph", NOW) != []


async def test_what_comes_while_it_is_copied_is_copied_by_the_next_attempt(
    sqlite_store: Copyable, postgres_store: Copyable
) -> None:
    await measure(sqlite_store, "p", 1)
    await copying.copy(sqlite_store, postgres_store, nothing)
    await sqlite_store.add([point(9, NOW + 5000 * HOUR, probe="p"), point(9, NOW, probe="q")], NOW)
    await copying.copy(sqlite_store, postgres_store, nothing)
    assert await copying.proof(postgres_store, nothing) == await copying.proof(sqlite_store, nothing)


async def test_a_correction_that_was_lost_is_a_difference(
    sqlite_store: Copyable, postgres_store: Copyable, server: Databases
) -> None:
    await measure(sqlite_store, "p", 1)
    await copying.copy(sqlite_store, postgres_store, nothing)
    server.run("UPDATE revision SET replaced_at = replaced_at + 1 WHERE id = (SELECT min(id) FROM revision)", "shared")
    true, found = await copying.proof(sqlite_store, nothing), await copying.proof(postgres_store, nothing)
    assert [told.partition(":")[0] for told in true.differences(found)] == ["revisions"]


async def test_a_target_that_holds_something_else_is_left_alone(
    sqlite_store: Copyable, postgres_store: Copyable
) -> None:
    await fill(sqlite_store)
    await postgres_store.put_user(user("bo@example.org"))
    with pytest.raises(Conflict, match="not empty"):
        await copying.copy(sqlite_store, postgres_store, nothing)
    assert [one.email for one in await postgres_store.users()] == ["bo@example.org"]
    assert await postgres_store.count() == 0


async def test_a_target_with_measurements_only_is_not_empty_either(
    sqlite_store: Copyable, postgres_store: Copyable
) -> None:
    await sqlite_store.add([point()], NOW)
    assert not await sqlite_store.is_empty()
    with pytest.raises(Conflict, match="not empty"):
        await copying.copy(postgres_store, sqlite_store, nothing)


async def test_a_half_copy_of_another_database_is_left_alone(sqlite_store: Copyable, postgres_store: Copyable) -> None:
    await sqlite_store.put_memo("hub", b"mark")
    await postgres_store.put_memo("copying", b"another mark")
    with pytest.raises(Conflict, match="another database"):
        await copying.copy(sqlite_store, postgres_store, nothing)


async def test_a_difference_is_told_in_words(sqlite_store: Copyable, postgres_store: Copyable) -> None:
    await fill(sqlite_store)
    await copying.copy(sqlite_store, postgres_store, nothing)
    await sqlite_store.add([point(9, NOW + 5000 * HOUR)], NOW)
    await sqlite_store.put_memo("home/progress", b"other")
    true, found = await copying.proof(sqlite_store, nothing), await copying.proof(postgres_store, nothing)
    measured, memo = true.differences(found)
    assert measured.startswith(f"measurements: {PROBES * 601 + 1} against {PROBES * 601}, digest ")
    assert memo.startswith("memo: 2 against 2, digest ")


async def test_a_source_that_is_damaged_is_not_proved(
    sqlite_store: Copyable, postgres_store: Copyable, server: Databases
) -> None:
    await fill(postgres_store)
    while (await postgres_store.fold(everything=True)).more:
        pass
    server.run("UPDATE chunk SET points = overlay(points placing 'x' from 40) WHERE probe = 'ondilo:3/ico'", "shared")
    with pytest.raises(StoreError, match="damaged"):
        await copying.proof(postgres_store, nothing)


async def test_what_is_from_before_there_were_chunks_is_copied_too(path: Path, url: str, vault: Vault) -> None:
    fill_old(path, 2000)
    source, target = SqliteStore(path, vault), open_copyable(url, vault)
    await copying.copy(source, target, nothing)
    assert await copying.proof(source, nothing) == await copying.proof(target, nothing)
    assert await target.count() >= 2000
    await target.close()
    await source.close()


async def test_no_table_is_forgotten(sqlite_store: SqliteStore, postgres_store: Copyable, server: Databases) -> None:
    copied = {relation.name for relation in RELATIONS}
    theirs = {
        str(name) for (name,) in server.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "shared")
    }
    assert theirs - {"margelle"} == copied | ALIVE | MEASURING
    ours = {
        row[0]
        for row in sqlite_store._db.read(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
    }
    assert ours == copied | ALIVE | MEASURING | SQLITES_OWN
    for relation in RELATIONS:
        columns = server.run(
            f"SELECT attname FROM pg_attribute WHERE attrelid = '\"{relation.name}\"'::regclass AND attnum > 0",
            "shared",
        )
        assert {str(name) for (name,) in columns} == set(relation.columns), relation.name
        columns = [row[1:2] for row in sqlite_store._db.read(f'PRAGMA table_info("{relation.name}")')]
        assert {str(name) for (name,) in columns} == set(relation.columns), relation.name
    assert postgres_schema.scripts()
