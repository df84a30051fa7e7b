"""What is kept of what came."""

from __future__ import annotations

from datetime import datetime
from math import nan

import pytest

from margelle.collect.keeping import keep
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.unit import Unit
from margelle.ports import Batch
from margelle.store.memory import MemoryStore
from tests.collect.cloud import HOUR, START

LEVEL = Doubt("vendor", "the cloud tells a level only: Medium")


def told(value: float | None, raw: str, at: datetime = START, *doubts: Doubt) -> Measurement:
    return Measurement("p", "conductivity", at, value, raw, Unit.MICROSIEMENS_PER_CM, "x", doubts)


async def kept(*told: Measurement) -> list[tuple[float | None, str]]:
    store = MemoryStore()
    for one in told:
        await keep(store, Batch((one,)), START + HOUR, CATALOGUE)
    return [(one.value, one.raw) for one in await store.history("p", "conductivity")]


@pytest.mark.parametrize("worse", [told(None, "Medium", START, LEVEL), told(nan, "NaN")])
async def test_a_number_is_not_given_up_for_a_word_that_comes_later(worse: Measurement) -> None:
    assert await kept(told(1250.0, "1250"), worse) == [(1250.0, "1250")]


async def test_a_word_is_kept_where_there_is_no_number_and_a_number_takes_its_place() -> None:
    word = told(None, "Medium", START, LEVEL)
    assert await kept(word) == [(None, "Medium")]
    assert await kept(word, told(1250.0, "1250")) == [(1250.0, "1250")]


async def test_another_number_is_a_correction_and_another_instant_is_its_own() -> None:
    later = told(None, "Medium", START + HOUR / 2, LEVEL)
    assert await kept(told(1250.0, "1250"), told(1260.0, "1260"), later) == [(1260.0, "1260"), (None, "Medium")]


@pytest.mark.parametrize("first", [told(1250.0, "1250"), told(None, "Medium", START, LEVEL)])
async def test_of_several_values_of_one_instant_one_is_kept_and_no_answer_corrects_itself(first: Measurement) -> None:
    store = MemoryStore()
    batch = Batch((first, told(1260.0, "1260"), told(None, "Low", START, LEVEL)))
    for _ in range(3):
        await keep(store, batch, START + HOUR, CATALOGUE)
    assert [one.value for one in await store.history("p", "conductivity")] == [1260.0]
    assert await store.revisions("p", "conductivity", START) == []


async def test_what_is_not_kept_is_still_returned_with_its_doubts() -> None:
    store = MemoryStore()
    await keep(store, Batch((told(1250.0, "1250"),)), START, CATALOGUE)
    (one,) = await keep(store, Batch((told(nan, "NaN"),)), START, CATALOGUE)
    assert (one.value, [doubt.kind for doubt in one.doubts]) == (None, ["unreadable"])
