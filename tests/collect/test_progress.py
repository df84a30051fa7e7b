"""The collector's note: small, tolerant, and no reading depends on it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.collect import progress
from margelle.collect.progress import Attempt, Hold, Progress, Series
from margelle.domain.gap import Gap
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    DAY,
    HOUR,
    START,
    Cloud,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
)


@pytest.mark.parametrize("note", [b"", b"{", b"[1]", b'{"probes": 3}', b"\xff", b'{"discovery": {"ok_at": "soon"}}'])
async def test_a_note_that_cannot_be_read_is_begun_anew(note: bytes) -> None:
    store = MemoryStore()
    await store.put_memo("a/progress", note)
    assert await progress.load(store, "a") == Progress()


async def test_a_note_of_a_newer_version_is_read_as_far_as_it_is_understood() -> None:
    store = MemoryStore()
    await store.put_memo("a/progress", b'{"version": 9, "advised": true, "leases": [1], "discovery": {"ok_at": null}}')
    known = await progress.load(store, "a")
    assert known.advised


async def test_a_note_comes_back_as_it_was() -> None:
    store, known = MemoryStore(), Progress(hold=Hold(START, "limited"))
    known.take_over({"p": "s"}, {"s": ("ph",)}, advised=True)
    await progress.save(store, "a", known, START)
    assert await progress.load(store, "a") == known


async def test_every_gap_is_kept_in_the_store_and_only_the_open_ones_in_the_note() -> None:
    store, known = MemoryStore(), Progress()
    known.take_over({"p": "s"}, {"s": ("ph",)}, advised=True)
    series = known.probes["p"].series["ph"]
    series.missing_since, series.missing_until = START, START + HOUR
    await progress.save(store, "a", known, START)
    assert [gap.state for gap in await store.gaps("p")] == ["open"]
    series.missing_since = series.missing_until = None
    known.closed += [Gap("p", "ph", START + n * HOUR, START + (n + 1) * HOUR, "lost", START) for n in range(300)]
    await progress.save(store, "a", known, START)
    assert [gap.state for gap in await store.gaps("p")] == ["lost"] * 300
    assert known.gaps == known.closed == []


async def test_a_note_stays_small() -> None:
    clock = VirtualClock()
    store = await stored(account())
    await drive(
        collecting(store, Cloud(clock, Pool("1", hourly(START - 40 * DAY, START + 3 * DAY)))), clock, START + DAY
    )
    note = await store.memo("fake-1/progress")
    assert note is not None
    assert len(note) < 6000


async def test_a_lost_note_costs_requests_and_no_reading() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(START - 40 * DAY, START + 5 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + DAY)
    await store.put_memo("fake-1/progress", b"")
    before = await store.count()
    clock.now += 5 * HOUR
    await drive(collecting(store, cloud), clock, clock.now + HOUR)
    kept = [point.at for point in await store.history(pool.probe.id, "ph")]
    assert kept == [at for at in pool.instants if kept[0] <= at <= kept[-1]]
    assert await store.count() - before <= 3 * 8


def test_a_clock_set_back_a_little_changes_nothing() -> None:
    known = Progress(saved_at=START + timedelta(minutes=9), hold=Hold(START + HOUR, "limited"))
    progress.rewind(known, START)
    assert known.hold is not None


def test_a_clock_set_back_far_ends_every_wait() -> None:
    known = Progress(saved_at=START + DAY, hold=Hold(START + DAY, "limited"), discovery=Attempt(ok_at=START + DAY))
    known.take_over({"p": "s"}, {"s": ("ph",)}, advised=True)
    series = known.probes["p"].series["ph"]
    series.settled_at, series.attempt.not_before = START + DAY, START + 2 * DAY
    known.probes["p"].suspect_at = START + DAY
    progress.rewind(known, START)
    assert known.probes["p"].suspect_at == START, "what may be missing is not asked for a day later"
    assert known.hold is None
    assert known.discovery.ok_at == series.settled_at == START
    assert series.attempt.not_before is None


def test_a_quantity_that_is_read_from_something_else_now_is_fetched_anew_and_only_then() -> None:
    known = Progress()

    def told(meaning: str) -> Series:
        meanings = {"s": {"level": meaning}}
        known.take_over({"p": "s"}, {"s": ("level",)}, advised=False, meanings=meanings)
        return known.probes["p"].series["level"]

    told("").settled_at = START  # as a note of before has it
    assert told("NIVEAU m").settled_at == START
    assert told("NIVEAU m").settled_at == START
    assert told("NIVEAU cm").settled_at is None
