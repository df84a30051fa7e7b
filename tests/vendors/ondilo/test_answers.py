"""Answers that are kept for a moment."""

from __future__ import annotations

from datetime import timedelta

from margelle.ports.kept import Kept
from margelle.vendors.ondilo.answers import success
from tests.conftest import NOW

ANSWER = success([1])


def test_an_answer_is_kept_while_it_is_true() -> None:
    kept = Kept()
    assert kept.get(1, "a", NOW) is None
    kept.put(1, "a", NOW, ANSWER)

    assert kept.get(1, "a", NOW + timedelta(milliseconds=999)) is ANSWER
    assert kept.get(1, "b", NOW) is None


def test_an_answer_ends_with_its_second_and_when_the_clock_is_set_back() -> None:
    kept = Kept()
    kept.get(1, "a", NOW)
    kept.put(1, "a", NOW, ANSWER)

    assert kept.get(1, "a", NOW + timedelta(seconds=1)) is None
    assert kept.get(1, "a", NOW - timedelta(microseconds=1)) is None


def test_an_answer_ends_when_anything_is_stored() -> None:
    kept = Kept()
    kept.get(1, "a", NOW)
    kept.put(1, "a", NOW, ANSWER)

    assert kept.get(2, "a", NOW) is None
    assert kept.get(1, "a", NOW) is None


def test_an_answer_read_before_a_change_is_not_kept_after_it() -> None:
    kept = Kept()
    kept.get(1, "a", NOW)
    kept.get(2, "b", NOW)  # somebody else, while the first is still reading
    kept.put(1, "a", NOW, ANSWER)

    assert kept.get(2, "a", NOW) is None


def test_what_is_kept_is_bounded() -> None:
    kept = Kept()
    kept.get(1, 0, NOW)
    large = success("x" * (1 << 20))
    for key in range(10):
        kept.put(1, key, NOW, large)

    assert sum(kept.get(1, key, NOW) is not None for key in range(10)) <= Kept.MOST_BYTES >> 20
    assert kept.get(1, 9, NOW) is large


def test_however_small_the_answers_are_they_are_bounded() -> None:
    kept = Kept()
    kept.get(1, 0, NOW)
    for key in range(20_000):
        kept.put(1, key, NOW, ANSWER)

    assert sum(kept.get(1, key, NOW) is not None for key in range(20_000)) <= Kept.MOST_BYTES / 500
