"""Of what is at hand there is never too much, and never something that is not true any more."""

from __future__ import annotations

from datetime import date
from gc import collect, get_objects
from weakref import ref

import pytest

from margelle.domain.series import POINT_BYTES, DayStatistics
from margelle.store.chunk import Column
from margelle.store.postgres import PostgresStore
from margelle.store.remembered import Remembered, These
from margelle.store.sqlite import SqliteStore
from tests.store.things import DAY, HOUR, NOW, point


def column(count: int) -> Column:
    return Column.of([(n, 7.0, "7", "[pH]", "x", None) for n in range(count)])


def points_alive() -> int:
    collect()
    return sum(len(one) for one in get_objects() if type(one) is Column)


def days(count: int) -> list[DayStatistics]:
    return [DayStatistics(date(2026, 1, 1), 1, 7.0, 7.0, 7.0, 7.0)] * count


def test_what_was_first_goes_when_there_is_too_much() -> None:
    at_hand: Remembered[Column] = Remembered(250 * POINT_BYTES)
    for name in "abc":
        at_hand.keep(name, column(100))
    assert at_hand.get("a") is None
    assert [len(found) for found in map(at_hand.get, "bc") if found] == [100, 100]
    at_hand.forget()
    assert at_hand.get("c") is None


def test_the_bytes_by_which_a_year_is_known_count_also_where_it_has_no_days() -> None:
    at_hand: Remembered[list[DayStatistics]] = Remembered(100_000)
    for n in range(1000):
        at_hand.keep((n.to_bytes(2000, "big"), "ph"), [])
    assert 0 < len(at_hand) < 50


def test_days_do_not_keep_the_columns_of_which_they_are() -> None:
    at_hand: Remembered[list[DayStatistics]] = Remembered(100_000)
    held = [column(3), column(3)]
    gone = [ref(one) for one in held]
    known = at_hand.keep(These(held), days(1))
    assert at_hand.get(These(held)) is known
    assert at_hand.get(These([held[0], column(3)])) is None, "a column that is like it is another one"
    assert at_hand.get(These(held[:1])) is None
    del held
    collect()
    assert [one() for one in gone] == [None, None]
    for _ in range(2000):  # in the places of those that are gone, and however many there are
        others = [column(3), column(3)]
        assert at_hand.get(These(others)) is None
        at_hand.keep(These(others), days(1))
    assert at_hand.weight <= 100_000
    at_hand.forget()
    assert at_hand.weight == 0


async def test_more_growing_columns_than_there_is_room_for_are_not_kept_by_their_days(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite._tables.chunks._remembered, "most", 700 * POINT_BYTES)
    probes = [f"own:{n}/probe" for n in range(6)]
    for probe in probes:
        await sqlite.add([point(7.0 + n % 7, NOW + n * HOUR, probe=probe) for n in range(600)], NOW)
    before, since = points_alive(), NOW.date()
    for _ in range(3):
        for probe in probes:
            assert await sqlite.days(probe, "ph", since, since + 30 * DAY)
    assert points_alive() - before <= 600, "those of one probe"


async def test_a_chunk_that_changes_where_it_is_is_decoded_again(postgres: PostgresStore) -> None:
    await postgres.add([point(7, at=NOW + n * HOUR) for n in range(600)], NOW + 30 * DAY)
    probe = point().probe
    assert {one.value for one in await postgres.history(probe, "ph")} == {7}
    at_hand = postgres._db.remembered
    decoded = dict(at_hand._kept)
    assert decoded
    assert len(await postgres.history(probe, "ph")) == 600
    assert at_hand._kept == decoded, "nothing was decoded again"
    await postgres.add([point(8, at=NOW + 3 * HOUR)], NOW + 30 * DAY)
    assert [one.value for one in await postgres.history(probe, "ph")][2:5] == [7, 8, 7]
