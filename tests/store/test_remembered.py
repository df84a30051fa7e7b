"""Of what is at hand there is never too much, and never something that is not true any more."""

from __future__ import annotations

from margelle.store.chunk import Column
from margelle.store.postgres import PostgresStore
from margelle.store.remembered import Remembered
from tests.store.things import DAY, HOUR, NOW, point


def column(count: int) -> Column:
    return Column.of([(n, 7.0, "7", "[pH]", "x", None) for n in range(count)])


def test_what_was_first_goes_when_there_is_too_much() -> None:
    at_hand: Remembered[Column] = Remembered(10)
    for name in "abc":
        at_hand.keep(name, column(4))
    assert at_hand.get("a") is None
    assert [len(found) for found in map(at_hand.get, "bc") if found] == [4, 4]
    at_hand.forget()
    assert at_hand.get("c") is None


async def test_a_chunk_that_changes_where_it_is_is_decoded_again(postgres: PostgresStore) -> None:
    await postgres.add([point(7, at=NOW + n * HOUR) for n in range(600)], NOW + 30 * DAY)
    probe = point().probe
    assert {one.value for one in await postgres.history(probe, "ph")} == {7}
    decoded = dict(postgres._db.remembered._kept)
    assert decoded
    assert len(await postgres.history(probe, "ph")) == 600
    assert postgres._db.remembered._kept == decoded, "nothing was decoded again"
    await postgres.add([point(8, at=NOW + 3 * HOUR)], NOW + 30 * DAY)
    assert [one.value for one in await postgres.history(probe, "ph")][2:5] == [7, 8, 7]
