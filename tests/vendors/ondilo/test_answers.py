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


def test_what_was_asked_counts_as_well_as_what_was_answered() -> None:
    kept = Kept(most=1 << 20)
    kept.get(1, 0, NOW)
    keys = [("a@example.org", "/latest", f"{n:03000}".encode(), frozenset({"read"})) for n in range(1000)]
    for key in keys:
        kept.put(1, key, NOW, ANSWER)

    assert 100 < sum(kept.get(1, key, NOW) is not None for key in keys) <= (1 << 20) / 3000


def test_a_question_with_a_long_head_is_answered_and_not_kept() -> None:
    kept = Kept()
    kept.get(1, 0, NOW)
    kept.put(1, "short", NOW, ANSWER)
    key = ("/latest", b"", None, "a" * 5000)

    assert kept.put(1, key, NOW, ANSWER).answer is ANSWER
    assert kept.get(1, key, NOW) is None
    assert kept.get(1, "short", NOW) is ANSWER


def test_the_same_question_is_counted_once() -> None:
    kept = Kept(most=10_000)
    kept.get(1, 0, NOW)
    kept.put(1, "other", NOW, ANSWER)
    for _ in range(100):
        kept.put(1, "same", NOW, ANSWER)

    assert kept.get(1, "other", NOW) is ANSWER
