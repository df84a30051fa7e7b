"""Of what is at hand there is never too much, whatever is kept and under whatever key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from margelle.at_hand import EACH, AtHand, weight_of
from margelle.export.row import Series


def texts(most: int) -> AtHand[object, str]:
    return AtHand(most, len)


def test_those_that_were_first_go_first() -> None:
    at_hand = texts(3 * (EACH + 100))
    for key in "abcd":
        at_hand.keep(key, key)
    assert [at_hand.get(key) for key in "abcd"] == [None, "b", "c", "d"]


def test_what_is_used_is_the_last_to_go() -> None:
    at_hand = texts(3 * (EACH + 100))
    for key in "abc":
        at_hand.keep(key, key)
    assert (at_hand.used("a"), at_hand.used("x")) == ("a", None)
    at_hand.keep("d", "d")
    assert [at_hand.get(key) for key in "abcd"] == ["a", None, "c", "d"]


def test_what_is_heavier_than_all_may_be_is_not_kept_and_drives_nothing_out() -> None:
    at_hand = texts(2000)
    at_hand.keep("a", "a")
    assert at_hand.keep("b", "b" * 3000) == "b" * 3000
    at_hand.keep("c" * 3000, "c")
    assert [len(at_hand), "a" in at_hand] == [1, True]
    at_hand.keep("a", "a" * 3000)
    assert [len(at_hand), at_hand.weight] == [0, 0], "what it replaces is not told in its place"


def test_a_key_weighs_what_is_in_it() -> None:
    long = "x" * 1000
    for key in (long, long.encode(), (1, (long, None)), frozenset({long}), Series("own:1", "ph", long)):
        assert 1000 < weight_of(key) < 1500


@given(
    some.lists(
        some.tuples(
            some.sampled_from(["keep", "keep", "keep", "drop", "used"]), some.integers(0, 8), some.integers(0, 900)
        )
    )
)
def test_the_weight_is_that_of_what_is_there(steps: list[tuple[str, int, int]]) -> None:
    at_hand = texts(4000)
    for what, number, length in steps:
        key = (number, "k" * 50 * number)
        if what == "keep":
            at_hand.keep(key, "v" * length)
            assert at_hand.get(key) == "v" * length
        elif what == "drop":
            at_hand.drop(key)
            assert key not in at_hand
        else:
            assert at_hand.used(key) == at_hand.get(key)
        there = {(n, "k" * 50 * n) for n in range(9)} & {*at_hand._kept}
        assert at_hand.weight == sum(EACH + weight_of(one) + len(at_hand.get(one) or "") for one in there) <= 4000
    at_hand.forget()
    assert (at_hand.weight, len(at_hand)) == (0, 0)
