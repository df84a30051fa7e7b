"""How much may be under way, for whom, and when others should come back."""

from __future__ import annotations

import pytest

from margelle.errors import Limited, MargelleError
from margelle.serve.api.capacity import LONGEST_S, Busy, Capacity

MIB = 1 << 20


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(capacity: Capacity, key: str, size: int) -> MargelleError:
    with pytest.raises(MargelleError) as caught:
        capacity.enter(key, size)
    return caught.value


def test_one_key_alone_gets_half_and_who_comes_new_still_has_room() -> None:
    capacity = Capacity(64 * MIB)
    for _ in range(32):
        capacity.enter("flood", MIB)
    assert isinstance(refused(capacity, "flood", MIB), Limited)
    for _ in range(16):
        capacity.enter("quiet", MIB)
    assert isinstance(refused(capacity, "quiet", MIB), Limited)
    capacity.enter("third", 8 * MIB)
    assert capacity.used_bytes == 56 * MIB < capacity.most_bytes


def test_whoever_has_nothing_under_way_is_not_to_blame_for_a_hub_that_is_full() -> None:
    capacity = Capacity(8 * MIB)
    capacity.enter("one", 4 * MIB)
    capacity.enter("two", 2 * MIB)
    assert isinstance(refused(capacity, "three", 3 * MIB), Busy)


def test_a_body_that_is_larger_than_all_room_is_let_in_where_nothing_else_is() -> None:
    capacity = Capacity(MIB)
    with capacity.enter("one", 16 * MIB):
        refused(capacity, "two", 1)
    assert capacity.used_bytes == 0
    capacity.enter("two", 1)


def test_what_was_not_announced_counts_as_it_comes() -> None:
    capacity = Capacity(8 * MIB)
    capacity.enter("other", MIB)
    with pytest.raises(Limited), capacity.enter("one", 0) as stay:
        for _ in range(8):
            stay.came(MIB)
    assert capacity.used_bytes == MIB


def test_the_more_has_to_come_back_the_later_it_is_told_to_and_never_too_late() -> None:
    clock = Seconds()
    capacity = Capacity(8 * MIB, clock)
    stays = [capacity.enter("one", MIB) for _ in range(4)]
    waits = [refused(capacity, "one", 4 * MIB).retry_after_s for _ in range(100)]
    assert waits == sorted(waits, key=lambda wait: wait or 0)
    assert (waits[0], waits[-1]) == (2, LONGEST_S)
    for stay in stays:
        clock.now += 0.01
        stay.__exit__(None, None, None)
    assert capacity.used_bytes == 0
    capacity.enter("one", 4 * MIB)
    assert refused(capacity, "one", 4 * MIB).retry_after_s == 1, "nobody waits any more, and it goes fast"


def test_a_key_that_has_nothing_under_way_is_not_remembered() -> None:
    capacity = Capacity(MIB)
    for n in range(1000):
        with capacity.enter(f"key {n}", 10):
            pass
    assert len(capacity._by_key) == 0
