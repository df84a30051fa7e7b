"""Several hubs and collectors share one PostgreSQL database, in processes of their own or at once in one."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from margelle.domain.measurement import Measurement
from margelle.errors import Conflict, NotFound
from margelle.intake.keep import keep
from margelle.intake.point import Arrival
from margelle.intake.quiet import Quiet
from margelle.ports import Added
from margelle.store.postgres import PostgresStore, news, probes, series
from margelle.store.postgres.asking import Transaction
from margelle.store.postgres.database import Database
from margelle.store.vault import Vault
from tests.store.test_processes import said, said_before_kill, start
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
    user,
)
from tests.store.writer import batch

SIZE = 50
MINUTE = timedelta(minutes=1)
NEVER_S = 3600.0
PATIENCE_S = 60.0
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
async def hubs(each_url: str, vault: Vault) -> AsyncIterator[list[PostgresStore]]:
    """Four stores over one database."""
    stores = [PostgresStore(each_url, vault, patience_s=20) for _ in range(4)]
    yield stores
    for store in stores:
        await store.close()


async def everything(store: PostgresStore, name: str) -> list[Measurement]:
    return sorted([m for n in range(3) for m in await store.history(name, f"q{n}")], key=lambda m: m.at)


# --- processes -------------------------------------------------------------------------------------------------------


async def test_what_was_acknowledged_before_a_kill_is_there_and_no_batch_is_there_by_half(
    each_url: str, vault: Vault
) -> None:
    moments = random.Random(2026)
    for round_ in range(3):
        process = start(each_url, f"p{round_}", 1_000_000)
        last = int(said_before_kill(process, moments.randint(1, 60))[-1])
        store = PostgresStore(each_url, vault)
        kept = await everything(store, f"p{round_}")
        batches = len(kept) // SIZE
        assert batches in {last + 1, last + 2}  # one more may have been kept and not yet told
        assert kept == [m for number in range(batches) for m in batch(f"p{round_}", number, SIZE)]
        assert (await inspected(store)).faults == ()
        await store.close()


async def test_processes_that_fill_one_database_at_once_lose_nothing(each_url: str, vault: Vault) -> None:
    processes = {name: start(each_url, name, 40, personas=30) for name in ("a", "b", "c")}
    told = {name: said(process) for name, process in processes.items()}
    assert [process.returncode for process in processes.values()] == [0, 0, 0]
    store = PostgresStore(each_url, vault)
    assert await store.count() == 3 * 40 * SIZE
    for name in processes:
        assert await everything(store, name) == [m for number in range(40) for m in batch(name, number, SIZE)]
    given = [public_id for lines in told.values() for public_id in lines[-1].split()]
    assert len(set(given)) == len(given) == 90
    for name, lines in told.items():
        subjects = [await store.subject("ondilo", "site", public_id) for public_id in lines[-1].split()]
        assert subjects == [f"{name}{n}" for n in range(30)]
    await store.close()


# --- measurements ----------------------------------------------------------------------------------------------------


async def test_hubs_that_add_to_the_same_probe_at_once_lose_nothing(hubs: list[PostgresStore]) -> None:
    """Every hub adds, one after the other, hours of its own; every hour of all of them is there once, whoever came first."""
    hours = [[point(n, at=NOW + (4 * n + k) * HOUR) for n in range(25)] for k in range(4)]

    async def add_all(store: PostgresStore, points: list[Measurement]) -> int:
        return sum([(await store.add([one], NOW)).new for one in points])

    new = await asyncio.gather(*map(add_all, hubs, hours))
    assert sum(new) == 100
    assert await hubs[0].history(point().probe, "ph") == sorted((m for h in hours for m in h), key=lambda m: m.at)
    assert (await inspected(hubs[1])).faults == ()


async def test_of_hubs_that_add_the_same_points_one_has_them_new(hubs: list[PostgresStore]) -> None:
    points = [point(n, at=NOW + n * HOUR, probe=f"p{n % 5}") for n in range(200)]
    became = await asyncio.gather(*(store.add(points, NOW) for store in hubs * 2))
    assert (sum(one.new for one in became), sum(one.same for one in became)) == (200, 7 * 200)
    assert await hubs[0].count() == 200


async def test_of_hubs_that_correct_one_point_every_correction_is_remembered(hubs: list[PostgresStore]) -> None:
    await hubs[0].add([point(1)], NOW)
    became = await asyncio.gather(*(hubs[n % 4].add([point(n)], NOW + n * HOUR) for n in range(2, 14)))
    assert sum(one.corrected for one in became) == 12
    revisions = await hubs[1].revisions(point().probe, "ph", NOW)
    (now,) = await hubs[2].history(point().probe, "ph")
    assert sorted([revision.measurement.value or 0 for revision in revisions] + [now.value or 0]) == [*range(1, 14)]


async def test_hubs_fold_while_others_add_and_nothing_is_lost_or_doubled(hubs: list[PostgresStore]) -> None:
    async def add(store: PostgresStore, name: str) -> None:
        for n in range(60):
            await store.add([point(n, at=NOW + n * HOUR, probe=name), point(n, at=NOW + n * HOUR, probe="both")], NOW)

    async def fold(store: PostgresStore) -> int:
        points = 0
        for _ in range(40):
            points += (await store.fold(everything=True)).points
            await asyncio.sleep(0.002)
        return points

    *_, one, other = await asyncio.gather(add(hubs[0], "a"), add(hubs[1], "b"), fold(hubs[2]), fold(hubs[3]))
    while (await hubs[0].fold(everything=True)).more:
        pass
    assert one + other > 0
    assert await hubs[0].loose() == 0
    for name in ("a", "b", "both"):
        assert await hubs[3].history(name, "ph") == [point(n, at=NOW + n * HOUR, probe=name) for n in range(60)]
    found = await inspected(hubs[0])
    assert (found.points, found.faults) == (180, ())


async def test_large_batches_of_several_hubs_are_kept_at_once(hubs: list[PostgresStore]) -> None:
    def fleet(k: int) -> list[Measurement]:
        return [point(n, at=NOW + (n * 4 + k) * MINUTE, probe=f"p{p}") for p in range(40) for n in range(20)]

    became = await asyncio.gather(*(store.add(fleet(k), NOW) for k, store in enumerate(hubs)))
    assert became == [Added(new=800)] * 4
    assert await hubs[0].count() == 3200
    assert (await inspected(hubs[0])).faults == ()


async def test_hubs_that_keep_the_first_readings_of_the_same_probes_never_wait_for_each_other_in_a_circle(
    url: str, vault: Vault
) -> None:
    """Each batch names its probes in an order of its own, some of them are new, and some of all are folded meanwhile."""
    shuffled, before = random.Random(2026), deadlocks(url)
    stores = [PostgresStore(url, vault, patience_s=PATIENCE_S) for _ in range(8)]
    for round_ in range(4):
        fleet = [f"r{r}/p{n}" for r in range(round_ + 1) for n in range(30)]
        batches = [shuffled.sample(fleet, len(fleet) * 3 // 4) for _ in stores]
        points = [[point(at=NOW + (8 * round_ + k) * HOUR, probe=p) for p in some] for k, some in enumerate(batches)]
        adding = [store.add(some, NOW) for store, some in zip(stores, points, strict=True)]
        became, *_ = await asyncio.gather(asyncio.gather(*adding), *(s.fold(everything=True) for s in stores[:2]))
        assert became == [Added(new=len(some)) for some in points]
    for store in stores:
        await store.close()
    assert deadlocks(url) == before


async def test_the_first_reading_of_a_probe_waits_for_no_account_that_is_locked(hubs: list[PostgresStore]) -> None:
    """Else who keeps many of them could wait in a circle with who locks one thing after the other: they would share their numbers."""
    async with hubs[0]._db.writing() as transaction:
        await transaction.lock(*(f"account a{n}" for n in range(8 * 512)))  # every number
        assert await hubs[1].add([point(probe=f"p{n}") for n in range(20)], NOW) == Added(new=20)


async def test_who_locks_probes_with_readings_keeps_no_other_probe_from_its_first(hubs: list[PostgresStore]) -> None:
    fleet = [f"p{n}" for n in range(8 * 512)]
    await hubs[0].add([point(probe=name) for name in fleet], NOW)
    async with hubs[0]._db.writing() as transaction:
        assert set(await probes.locked_heads(transaction, fleet)) == set(fleet)
        assert await hubs[1].add([point(probe="new")], NOW) == Added(new=1)


async def test_all_that_a_change_of_an_account_locks_is_locked_at_once(
    hubs: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = list[Transaction]()
    lock = Transaction.lock

    async def noted(transaction: Transaction, *names: str, **more: Any) -> None:
        locked.append(transaction)
        await lock(transaction, *names, **more)

    monkeypatch.setattr(Transaction, "lock", noted)
    store = hubs[0]
    await store.put_account(account())
    await store.put_account(account(owner="ben@example.org", organisation="o1"))
    await store.put_discovery("home", discovery(1, 2, probes=(probe(1),)), NOW)
    await store.remove_account("home")
    assert len(locked) == len(set(map(id, locked))) == 4


async def test_an_account_that_got_another_owner_just_before_it_was_locked_is_handed_over_from_that_one(
    hubs: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    await hubs[0].put_account(account())
    await hubs[0].put_discovery("home", discovery(1), NOW)
    lock, quicker = Transaction.lock, [hubs[1].put_account(account(owner="ben@example.org"))]

    async def late(transaction: Transaction, *names: str, **more: Any) -> None:
        if quicker:
            await quicker.pop()
        await lock(transaction, *names, **more)

    monkeypatch.setattr(Transaction, "lock", late)
    await hubs[0].put_account(account(owner="eve@example.org"))
    owners = {name: await hubs[0].sites(seen_by=f"{name}@example.org") for name in ("ana", "ben", "eve")}
    assert {name: len(sites) for name, sites in owners.items()} == {"ana": 0, "ben": 0, "eve": 1}


async def test_on_a_cluster_hubs_that_change_the_same_probes_never_wait_for_each_other_in_a_circle(
    spread_url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where probes are on several nodes, of which none sees the whole circle: whatever is undone by a deadlock is noted here."""
    met, broken = list[str](), Database._broken

    def noting(self: Database, error: psycopg.Error, *, committing: bool) -> Exception:
        met.append(type(error).__name__)
        return broken(self, error, committing=committing)

    monkeypatch.setattr(Database, "_broken", noting)
    shuffled, stores = random.Random(2026), [PostgresStore(spread_url, vault, patience_s=PATIENCE_S) for _ in range(8)]
    for round_, (fleet, size) in enumerate([(60, 45), (60, 45), *[(12, 6)] * 6, (80, 60)]):
        batches = [shuffled.sample([f"p{n}" for n in range(fleet)], size) for _ in stores]
        points = [[point(at=NOW + (8 * round_ + k) * HOUR, probe=p) for p in some] for k, some in enumerate(batches)]
        adding = [store.add(some, NOW) for store, some in zip(stores, points, strict=True)]
        became, *_ = await asyncio.gather(asyncio.gather(*adding), *(s.fold(everything=True) for s in stores[:2]))
        assert became == [Added(new=len(some)) for some in points]
    for store in stores:
        await store.close()
    assert met == []


def deadlocks(url: str) -> int:
    """How many there were in the database, once nobody else uses it: then all are counted."""
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(_OTHERS).fetchone() != (0,):
            pass
        (count,) = connection.execute(_DEADLOCKS).fetchone() or (0,)
    return int(count)


# --- one of many -----------------------------------------------------------------------------------------------------


async def test_of_many_who_take_a_grant_one_gets_it(hubs: list[PostgresStore]) -> None:
    for n in range(10):
        await hubs[0].put_grant(grant(f"d{n}"))
        taken = await asyncio.gather(*(store.take_grant(f"d{n}") for store in hubs * 3))
        assert [one for one in taken if one] == [grant(f"d{n}")]


async def test_a_persona_is_given_once_whoever_asks(hubs: list[PostgresStore]) -> None:
    subjects = [f"s{n}" for n in range(20)]
    given = await asyncio.gather(*(store.persona("ondilo", "site", one, 7) for one in subjects for store in hubs))
    by_subject = {one.subject: one.public_id for one in given}
    assert len({(one.subject, one.public_id) for one in given}) == len(set(by_subject.values())) == 20
    assert "7" in by_subject.values()
    numbers = sorted(int(number) for number in by_subject.values() if number != "7")
    assert numbers == [*range(1_000_000, 1_000_019)], "the lowest free ones"


async def test_collectors_that_claim_at_once_share_without_overlap(hubs: list[PostgresStore]) -> None:
    for n in range(37):
        await hubs[0].put_account(account(f"a{n:02}"))
    held: dict[str, list[str]] = {}
    for turn in range(4):
        at = NOW + turn * MINUTE
        claims = [store.claim(f"c{n}", at, 300) for n, store in enumerate(hubs)]
        held = dict(zip([f"c{n}" for n in range(4)], await asyncio.gather(*claims), strict=True))
        current = await hubs[0].collectors(at)
        assert sum(current.values()) <= 37
    owners = Counter(name for names in held.values() for name in names)
    assert set(owners.values()) == {1}
    assert sorted(map(len, held.values())) == [7, 10, 10, 10]


async def test_an_incident_that_many_note_is_one(hubs: list[PostgresStore]) -> None:
    await asyncio.gather(*(hubs[n % 4].note_incident(incident(at=NOW + n * HOUR)) for n in range(12)))
    (open_one,) = await hubs[0].incidents("home")
    assert open_one.count == 12
    await asyncio.gather(*(store.end_incident("home", "home", None, NOW + DAY) for store in hubs))
    assert await hubs[0].incidents("home", open_only=True) == []
    assert len(await hubs[0].incidents("home")) == 1


async def test_two_accounts_that_discover_one_site_at_once_both_have_it(hubs: list[PostgresStore]) -> None:
    for n in range(4):
        await hubs[0].put_account(account(f"a{n}", f"u{n % 2}@example.org"))
    for turn in range(5):
        found = discovery(1, 2, 3, probes=(probe(1, f"S{turn}"),))
        await asyncio.gather(*(hubs[n].put_discovery(f"a{n}", found, NOW + turn * HOUR) for n in range(4)))
    assert [one.id for one in await hubs[0].accounts_of("ondilo:2")] == ["a0", "a1", "a2", "a3"]
    assert [device.serial for _, device in await hubs[1].devices("ondilo:1/ico")] == [f"S{turn}" for turn in range(5)]
    await asyncio.gather(*(hubs[n].put_discovery(f"a{n}", discovery(2), NOW + DAY) for n in range(4)))
    assert [one.id for one in await hubs[0].sites()] == ["ondilo:2"]


async def test_a_user_is_removed_or_gets_an_account_but_not_both(hubs: list[PostgresStore]) -> None:
    for n in range(10):
        email = f"u{n}@example.org"
        await hubs[0].put_user(user(email))
        await asyncio.gather(
            hubs[1].remove_user(email), hubs[2].put_account(account(f"a{n}", email)), return_exceptions=True
        )
        accounts = await hubs[3].accounts(email)
        assert len(accounts) == 1
        if await hubs[3].user(email):
            with pytest.raises(Conflict):
                await hubs[3].remove_user(email)
        else:
            with pytest.raises(NotFound):
                await hubs[3].remove_user(email)


# --- news ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of others was told: nobody looks by themselves."""
    monkeypatch.setattr(news, "LOOK_S", NEVER_S)


@pytest.mark.usefixtures("unlooked")
async def test_what_one_hub_keeps_is_soon_known_to_all(hubs: list[PostgresStore]) -> None:
    versions = [await store.version() for store in hubs]
    for turn in range(5):
        at = NOW + turn * HOUR
        writer = hubs[turn % 4]
        await writer.add([point(turn, at=at)], at)
        for n, store in enumerate(hubs):
            async with asyncio.timeout(PATIENCE_S):
                while await store.version() == versions[n]:  # noqa: ASYNC110 - until it is told
                    await asyncio.sleep(0.002)
            versions[n] = await store.version()
            assert (await store.latest(point().probe, at))["ph"].value == turn


@pytest.mark.usefixtures("unlooked")
async def test_ones_own_news_comes_once(hubs: list[PostgresStore]) -> None:
    one, other = hubs[:2]
    await other.version()
    await one.add([point()], NOW)
    own, before = await one.version(), await other.version()
    await other.put_memo("a", b"1")
    async with asyncio.timeout(PATIENCE_S):
        while await one.version() == own:  # noqa: ASYNC110 - until it is told
            await asyncio.sleep(0.002)
    assert await one.version() == own + 1
    assert await other.version() in {before + 1, before + 2}, "its own, and perhaps what it had not heard before"


async def test_measurements_of_another_hub_are_no_news_but_to_those_who_ask_for_all(hubs: list[PostgresStore]) -> None:
    one, other = hubs[:2]
    await one.version()
    before, but_points = await other.version(), await other.version(but_points=True)
    await one.add([point()], NOW)
    async with asyncio.timeout(3):
        while await other.version() == before:  # noqa: ASYNC110 - until it is told
            await asyncio.sleep(0.002)
    assert await other.version(but_points=True) == but_points
    await one.put_memo("a", b"1")
    async with asyncio.timeout(3):
        while await other.version(but_points=True) == but_points:  # noqa: ASYNC110 - until it is told
            await asyncio.sleep(0.002)


async def test_a_mark_tells_what_another_hub_has_kept_and_not_what_this_one_has_folded(
    hubs: list[PostgresStore],
) -> None:
    one, other = hubs[:2]
    here = point().probe
    marks = (await one.add([point()], NOW, seen=await one.marks([here]))).marks
    await one.fold(everything=True)
    added = await one.add([point(at=NOW + HOUR)], NOW, seen=marks)
    assert added.others == frozenset(), "it was folded by this hub alone"
    await other.add([point(at=NOW + 2 * HOUR)], NOW)
    late = await one.add([point(at=NOW + 3 * HOUR)], NOW, seen=added.marks)
    assert late.others == {here}
    assert (await one.add([point(at=NOW + 4 * HOUR)], NOW, seen=late.marks)).others == frozenset()


async def test_of_a_fleet_larger_than_what_is_remembered_every_mark_is_told(
    hubs: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "REMEMBERED", 3)
    fleet = [f"own:{n}/probe" for n in range(8)]
    for some in (fleet[:3], fleet, fleet[2:6]):
        before = await hubs[0].marks(some)
        added = await hubs[0].add([point(probe=one, at=NOW + len(some) * HOUR) for one in some], NOW, seen=before)
        assert added.others == frozenset()
        assert added.marks == await hubs[0].marks(some)
        assert before.keys() == added.marks.keys() == set(some)


async def test_what_another_hub_has_kept_meanwhile_is_the_same_again_or_corrected(hubs: list[PostgresStore]) -> None:
    """A batch that is sent once more to another hub of the same fleet."""
    one, other = hubs[:2]
    quiets = {one: Quiet(), other: Quiet()}

    async def send(to: PostgresStore, hour: int, value: float) -> list[str]:
        arrival = Arrival(1, point(value, at=NOW + hour * HOUR))
        return [outcome.verdict for outcome in await keep(to, [arrival], NOW + DAY, quiet=quiets[to])]

    for hour in range(3):
        assert await send(one, hour, 7.2 + 0.01 * hour) == ["new"]
        assert await send(other, hour, 7.2 + 0.01 * hour) == ["same"]
    assert await send(other, 3, 7.25) == ["new"]
    assert await send(one, 3, 7.3) == ["corrected"]
    assert await send(one, 4, 7.3) == ["new"]


async def test_what_a_killed_hub_could_not_tell_any_more_is_noticed(
    hubs: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LOOK_S", 0.05)
    one, other = hubs[:2]
    before = await other.version()
    with monkeypatch.context() as patch:
        patch.setattr(one._db, "_tell", lambda kind: None)
        await one.keep_receipt(receipt())
    async with asyncio.timeout(PATIENCE_S):
        while await other.version() == before:  # noqa: ASYNC110 - until it is noticed
            await asyncio.sleep(0.01)


async def test_what_a_killed_hub_could_not_tell_is_noticed_though_others_tell_of_measurements(
    hubs: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LOOK_S", 0.05)
    one, other, third = hubs[:3]
    await third.add([point()], NOW)
    before = await other.version(but_points=True)
    with monkeypatch.context() as patch:
        patch.setattr(one._db, "_tell", lambda kind: None)
        await one.keep_receipt(receipt())
    async with asyncio.timeout(3):
        for n in count(1):
            await third.add([point(at=NOW + n * HOUR)], NOW + n * HOUR)
            await asyncio.sleep(0.01)
            if await other.version(but_points=True) != before:
                break


async def test_a_version_from_before_a_restart_is_not_met_again(each_url: str, vault: Vault) -> None:
    seen = set()
    for n in range(5):
        store = PostgresStore(each_url, vault)
        await store.add([point(at=NOW + n * HOUR)], NOW)
        seen.add(await store.version())
        await store.close()
    assert len(seen) == 5
