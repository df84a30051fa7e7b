"""What came lately is folded into chunks, and no answer changes by it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import apsw
import pytest

from margelle.domain.gap import Gap
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.series import by_day
from margelle.errors import StoreError
from margelle.ports import Earlier, Folded
from margelle.store.folder import PAUSE_S, REST_S, Folder
from margelle.store.layout.answers import Answers
from margelle.store.memory import MemoryStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.store.old import fill_old, points
from tests.store.things import DAY, HOUR, NOW, account, discovery, inspected, point, site

PROBE = "ondilo:1/ico"
ZONE = "Europe/Paris"
JUDGED = (Doubt("jump", "too fast"),)


def hourly(count: int, first: int = 0, **more: object) -> list[Measurement]:
    return [point(n % 97 / 10, NOW + n * HOUR, raw=f"{n % 97 / 10:.2f}", **more) for n in range(first, first + count)]  # type: ignore[arg-type]


async def fold_all(store: SqliteStore) -> int:
    points, more = 0, True
    while more:
        folded = await store.fold(everything=True)
        points, more = points + folded.points, folded.more
    return points


def sizes(store: SqliteStore) -> list[int]:
    return [row[0] for row in store._db.read("SELECT longest FROM chunk ORDER BY probe, since")]


def rolled(store: SqliteStore) -> dict[str, int]:
    return dict(store._db.read("SELECT zone, until FROM rolled"))


async def test_pieces_are_folded_once_enough_wait(sqlite: SqliteStore) -> None:
    for one in hourly(31):
        await sqlite.add([one], NOW)
    assert await sqlite.fold() == Folded()
    await sqlite.add(hourly(1, 31), NOW)
    assert await sqlite.fold() == Folded(32)
    assert await sqlite.fold() == Folded()
    assert await sqlite.history(PROBE, "ph") == hourly(32)
    await sqlite.add(hourly(1, 32), NOW)
    assert await sqlite.loose() == 1
    assert await fold_all(sqlite) == 1
    assert await sqlite.loose() == 0
    assert (await inspected(sqlite)).faults == ()


@pytest.mark.parametrize("limit", [0, 1, 7, 40, 1030, 2500, 9000, None])
async def test_a_history_from_its_newest_end_is_the_same_folded_or_not(sqlite: SqliteStore, limit: int | None) -> None:
    whole = hourly(2200)
    await sqlite.add(whole, NOW)
    await fold_all(sqlite)
    late = [point(3.5, NOW + n * HOUR + HOUR / 2, raw="3.50") for n in (-5, 10, 1024, 2100, 2300)]
    await sqlite.add(late, NOW)
    every = sorted([*whole, *late], key=lambda one: one.at)[::-1]
    assert await sqlite.history(PROBE, "ph", limit=limit, descending=True) == every[:limit]
    span = NOW + 100 * HOUR, NOW + 1500 * HOUR
    within = [one for one in every if span[0] <= one.at < span[1]]
    assert await sqlite.history(PROBE, "ph", *span, limit, descending=True) == within[:limit]


async def test_what_comes_in_order_makes_few_chunks(sqlite: SqliteStore) -> None:
    for n in range(0, 3000, 20):
        await sqlite.add(hourly(20, n), NOW)
        await sqlite.fold(everything=True)
    assert sum(sizes(sqlite)) == 3000
    assert sizes(sqlite)[:2] == [1024, 1024]
    assert len(sizes(sqlite)) < 9
    assert await sqlite.history(PROBE, "ph") == hourly(3000)
    assert await sqlite.history(PROBE, "ph", NOW + 1000 * HOUR, NOW + 1300 * HOUR) == hourly(300, 1000)
    assert await sqlite.history(PROBE, "ph", NOW + 1000 * HOUR, limit=1100) == hourly(1100, 1000)


async def test_many_points_at_once_are_folded_at_once(sqlite: SqliteStore) -> None:
    await sqlite.add(hourly(600), NOW)
    assert await sqlite.loose() == 0
    assert await sqlite.fold(everything=True) == Folded()


async def test_where_nobody_folds_the_next_one_who_adds_does(sqlite: SqliteStore) -> None:
    for n in range(256):
        await sqlite.add(hourly(1, n), NOW)
    assert await sqlite.loose() == 0


async def test_two_connections_fold_nothing_twice(path: Path, sqlite: SqliteStore, vault: Vault) -> None:
    other = SqliteStore(path, vault)
    for n in range(40):
        await (sqlite, other)[n % 2].add(hourly(1, n), NOW)
    assert [(await store.fold()).points for store in (other, sqlite, other)] == [40, 0, 0]
    for store in (sqlite, other):
        assert await store.history(PROBE, "ph") == hourly(40)
        assert await store.latest(PROBE, NOW + 40 * HOUR) == {"ph": hourly(1, 39)[0]}
        assert (await inspected(store)).faults == ()
    await other.close()


@pytest.mark.parametrize("folds", [True, False])
async def test_late_corrected_and_reviewed_points_stay_right_in_everything(sqlite: SqliteStore, folds: bool) -> None:
    true = MemoryStore()
    for store in (true, sqlite):
        await store.put_account(account())
        await store.put_discovery("home", discovery(1, sites=(site(1, time_zone=ZONE),)), NOW)
    odd = [one for one in hourly(2600) if one.at.hour != 3]
    late = [one for one in hourly(2600) if one.at.hour == 3]
    corrected = [point(1.25, NOW + n * HOUR) for n in (5, 1500, 2599)]
    for batch, reviewed in ((odd, ()), (late[::-1], ()), (corrected, ()), ((), hourly(30, 700, doubts=JUDGED))):
        for store in (true, sqlite):
            await store.add(batch, NOW, reviewed)
        if folds:
            await fold_all(sqlite)
        for zone in ("UTC", ZONE, "America/Los_Angeles"):
            asked = ("ph", NOW.date() - DAY, NOW.date() + 200 * DAY, zone)
            assert await sqlite.statistics(PROBE, *asked) == await true.statistics(PROBE, *asked)
        assert await sqlite.history(PROBE, "ph") == await true.history(PROBE, "ph")
        assert await sqlite.columns(PROBE, "ph") == await true.columns(PROBE, "ph")
        now = NOW + 2600 * HOUR
        assert await sqlite.latest(PROBE, now) == await true.latest(PROBE, now)
        assert (await inspected(sqlite)).faults == ()
    assert set(rolled(sqlite)) == {"UTC", ZONE}
    assert (await inspected(true)).digest == (await inspected(sqlite)).digest


async def test_statistics_follow_a_site_into_another_time_zone(sqlite: SqliteStore) -> None:
    await sqlite.put_account(account())
    for zone in (ZONE, "Asia/Tokyo"):
        await sqlite.put_discovery("home", discovery(1, sites=(site(1, time_zone=zone),)), NOW)
        first = 0 if zone == ZONE else 1100
        await sqlite.add(hourly(1100, first), NOW)
        assert set(rolled(sqlite)) == {"UTC", zone}
    for zone in (ZONE, "Asia/Tokyo", "UTC"):
        days = await sqlite.statistics(PROBE, "ph", date(2026, 1, 1), date(2027, 1, 1), zone)
        assert days == by_day(hourly(2200), zone)


async def test_known_days_are_not_computed_again(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await sqlite.add(hourly(2100), NOW)
    days = await sqlite.statistics(PROBE, "ph", NOW.date(), NOW.date() + 60 * DAY)
    assert len(days) == 60
    read: list[tuple[int, int]] = []
    column = Answers.column

    def watched(answers: Answers, probe: str, quantity: str, since_us: int, until_us: int) -> object:
        read.append((since_us, until_us))
        return column(answers, probe, quantity, since_us, until_us)

    monkeypatch.setattr(Answers, "column", watched)
    assert await sqlite.statistics(PROBE, "ph", NOW.date(), NOW.date() + 60 * DAY) == days
    assert read == []


async def test_a_day_beyond_the_calendar_hinders_nobody(sqlite: SqliteStore) -> None:

    await sqlite.put_account(account())
    await sqlite.put_discovery("home", discovery(1, sites=(site(1, time_zone="America/Lima"),)), NOW)
    ends = [point(at=at) for at in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC))]
    await sqlite.add([*ends, *hourly(1100)], NOW)
    await fold_all(sqlite)
    assert await sqlite.history(PROBE, "ph") == [ends[0], *hourly(1100), ends[1]]
    days = await sqlite.statistics(PROBE, "ph", NOW.date(), NOW.date() + 90 * DAY, "America/Lima")
    assert days == by_day(hourly(1100), "America/Lima")
    assert (await inspected(sqlite)).faults == ()


# --- from before there were chunks -----------------------------------------------------------------------------------


async def test_a_database_from_before_answers_the_same_while_it_is_folded(path: Path, vault: Vault) -> None:
    kept, digest = fill_old(path, 2400)
    store, true = SqliteStore(path, vault), MemoryStore()
    await true.add(points(2400), NOW)
    for n in range(100):
        assert await store.count() == kept == await true.count()
        for probe in ("p0", "p1"):
            assert await store.quantities(probe) == await true.quantities(probe)
            for now in (NOW + 3 * DAY, NOW + 900 * DAY):
                assert await store.latest(probe, now) == await true.latest(probe, now)
            assert await store.history(probe, "ph") == await true.history(probe, "ph")
            span = ("orp", NOW.date(), NOW.date() + 20 * DAY)
            assert await store.statistics(probe, *span) == await true.statistics(probe, *span)
        found = await inspected(store)
        assert (found.points, found.faults) == (kept, ())
        assert n or found.digest == digest  # as it was before any of it was touched
        if n % 2:
            late = [
                point(n / 10, NOW + n * HOUR / 7, "orp", probe="p1"),
                point(8.125, points(2400)[n].at, "ph", probe="p0"),
            ]
            judged = [one for one in points(2400)[n * 10 : n * 10 + 4] if one.valid]
            for either in (store, true):
                await either.add(
                    late,
                    NOW,
                    [
                        point(
                            one.value,
                            one.at,
                            one.quantity,
                            probe=one.probe,
                            raw=one.raw,
                            raw_unit=one.raw_unit,
                            doubts=JUDGED,
                        )
                        for one in judged
                    ],
                )
            kept = await true.count()
        elif not (await store.fold()).more:
            break
    assert store._db.read("SELECT count(*) FROM point") == [(0,)]
    assert (await inspected(true)).digest == (await inspected(store)).digest
    await store.close()


async def test_the_newest_of_a_probe_from_before_is_known_though_nothing_new_came(path: Path, vault: Vault) -> None:
    fill_old(path, 60)
    store = SqliteStore(path, vault)
    newest = {one.quantity: one for one in points(60) if one.probe == "p0"}
    assert await store.latest("p0", NOW + DAY) == newest
    assert await store.latest("p0", NOW - DAY) == {}
    assert await store.latest("nobody", NOW) == {}
    await store.close()


# --- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE tally SET points = points + 1", "The tally says 2151"),
        ("UPDATE head SET pieces = 7", "its head says 7"),
        ("UPDATE head SET newest = x'80'", "the newest ph is another one"),
        (
            "UPDATE chunk SET count = count + 1 WHERE since = (SELECT min(since) FROM chunk)",
            "other points than it says",
        ),
        ("UPDATE chunk SET until = 9e17 WHERE since = (SELECT min(since) FROM chunk)", "its chunks overlap"),
        ("UPDATE chunk SET points = x'00' WHERE since = (SELECT min(since) FROM chunk)", "cannot be read"),
        ("DELETE FROM year", "the statistics of ph in UTC"),
        ("UPDATE year SET days = x'00'", "not all statistics of days can be read"),
        ("UPDATE rolled SET until = 0", "the statistics of ph in UTC"),
        ("UPDATE head SET newest = x'00'", "not every point can be read"),
        ("DELETE FROM piece", "0 pieces wait"),
        ("INSERT INTO piece SELECT NULL, probe, points FROM piece", "ph is kept twice"),
        ("DELETE FROM chunk WHERE since = (SELECT min(since) FROM chunk)", "The tally says 2150"),
    ],
)
async def test_what_does_not_fit_is_told(path: Path, sqlite: SqliteStore, tampering: str, told: str) -> None:
    await sqlite.add(hourly(2100), NOW)
    await sqlite.add(hourly(50, 2100), NOW)
    assert (await inspected(sqlite)).faults == ()
    connection = apsw.Connection(str(path))
    connection.execute(tampering)
    connection.close()
    assert any(told in fault for fault in (await inspected(sqlite)).faults)
    with pytest.raises(StoreError, match="damaged"):
        await sqlite.check()
    *_, repaired = [one async for one in sqlite.repair()]
    found = await inspected(sqlite)
    if "points = x'00'" in tampering:
        assert "stays as it is" in repaired.left[0]
        assert any(told in fault for fault in found.faults)
    elif "INSERT INTO piece" in tampering:
        assert found.faults == (f"{PROBE}: ph is kept twice. Restore your latest backup.",)
    else:
        assert (repaired.probes, repaired.left, found.faults) == (1, (), ())
    points = (await inspected(sqlite)).points
    assert points == await sqlite.count() or found.faults


async def test_a_store_is_used_while_it_is_inspected(sqlite: SqliteStore) -> None:
    for name in "abc":
        await sqlite.add(hourly(60, probe=name), NOW)
    seen: list[tuple[int, tuple[str, ...], float]] = []
    async for found in sqlite.inspect():
        await sqlite.add([point(at=NOW - (len(seen) + 1) * DAY, probe="c")], NOW)
        await sqlite.fold(everything=True)
        seen.append((found.points, found.faults, found.share))
    assert seen == [(60, (), 1 / 3), (120, (), 2 / 3), (180, (), 1.0)]


async def test_room_that_is_free_is_given_back(path: Path, sqlite: SqliteStore) -> None:
    fill_old(path.with_name("old.sqlite"), 20_000)
    store = SqliteStore(path.with_name("old.sqlite"), sqlite._vault)
    before = path.with_name("old.sqlite").stat().st_size
    await fold_all(store)
    await store.compact()
    assert path.with_name("old.sqlite").stat().st_size * 2 < before
    assert (await inspected(store)).points == 20_000
    await store.close()


# --- in the background -----------------------------------------------------------------------------------------------


class Foldable(MemoryStore):
    """Says what it is told to, and counts."""

    def __init__(self, *answers: Folded | Exception) -> None:
        super().__init__()
        self.answers = list(answers)

    async def fold(self, *, everything: bool = False) -> Folded:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_hub_folds_step_by_step_and_looks_again_later(caplog: pytest.LogCaptureFixture) -> None:
    stop, waited = asyncio.Event(), []

    async def wait(seconds: float, event: asyncio.Event) -> None:
        waited.append(seconds)
        if not store.answers:
            event.set()

    store = Foldable(Folded(9, more=True), Folded(9), StoreError("no disk"), Folded())
    with caplog.at_level(logging.ERROR):
        await Folder(store).run(stop, wait)
    assert waited == [REST_S, PAUSE_S, 60.0, PAUSE_S]
    assert "no disk" in caplog.text


async def test_a_hub_says_now_and_then_how_far_the_earlier_measurements_are(
    path: Path, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    fill_old(path, 150)
    store, stop, seen = SqliteStore(path, vault), asyncio.Event(), []

    async def wait(seconds: float, event: asyncio.Event) -> None:
        seen.append(await store.earlier())
        if seconds == PAUSE_S:
            event.set()

    assert await store.earlier() == Earlier(0, 150)
    with caplog.at_level(logging.INFO, "margelle.store.folder"):
        await Folder(store).run(stop, wait)
    assert seen == [Earlier(75, 150), None]
    assert [record.getMessage() for record in caplog.records] == [
        "What an earlier version kept is being folded: 75 of 150 measurements",
        "All that an earlier version kept is folded",
    ]
    await store.close()


def test_millions_are_said_as_such() -> None:
    assert str(Earlier(1_210_000, 5_000_100)) == "1.2 of 5.0 million"
    assert str(Earlier(700, 5000)) == "700 of 5000"


async def test_a_hub_that_ends_does_not_wait_for_the_next_look(sqlite: SqliteStore) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Folder(sqlite).run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 5)


async def test_what_was_undone_is_not_remembered(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await sqlite.put_gaps((), [Gap(PROBE, "ph", NOW, NOW + 900 * HOUR, "open", NOW, "Because.")])
    refill = SqliteStore._refill

    async def refill_and_fail(store: SqliteStore, points: list[Measurement], now: datetime) -> None:
        await refill(store, points, now)  # which reads what was just folded
        raise StoreError("no disk")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "_refill", refill_and_fail)
        with pytest.raises(StoreError):
            await sqlite.add(hourly(700), NOW)
    other = [point(8.5, one.at) for one in hourly(700)]
    await sqlite.add(other, NOW)
    assert await sqlite.history(PROBE, "ph") == other
    assert (await inspected(sqlite)).faults == ()
