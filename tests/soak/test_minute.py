"""The judge of the minute finds what nobody came for, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.soak.clock import START
from tests.soak.minute import Minute

NONE, LOST = frozenset[str](), frozenset({"lost"})


def judged(*free: frozenset[str]) -> int:
    """What it says when after each claim, every 15 seconds from the loss on, nobody had these."""
    minute = Minute()
    minute.begin(START)
    for n, names in enumerate(free):
        minute.look(START + n * timedelta(seconds=15), names)
    return minute.orphans


@pytest.mark.parametrize(
    ("orphans", "free"),
    [
        (0, [LOST, LOST, LOST, NONE, NONE]),
        (0, [LOST, LOST, LOST, NONE, LOST, NONE]),  # taken by another, and given back to the lost one, which is back
        (1, [LOST, LOST, LOST, LOST, LOST]),
        (1, [LOST, LOST, LOST, LOST, LOST, NONE]),  # too late
        (1, [LOST, LOST, NONE, LOST, LOST]),  # given back, and taken by nobody
        (0, [LOST, LOST, LOST, LOST]),
    ],
)
def test_what_nobody_had_after_two_claims_a_minute_after_the_loss_was_not_come_for(
    orphans: int, free: list[frozenset[str]]
) -> None:
    assert judged(*free) == orphans


def test_a_second_loss_begins_the_minute_anew_and_a_clock_that_is_set_ends_it() -> None:
    minute, second = Minute(), timedelta(seconds=1)
    minute.begin(START)
    minute.look(START + 30 * second, LOST)
    minute.begin(START + 35 * second)
    minute.look(START + 60 * second, LOST)
    assert minute.orphans == 0
    minute.look(START + 95 * second, LOST)
    assert (minute.orphans, minute.runs) == (1, False)
    minute.begin(START)
    minute.forget()
    minute.look(START + 60 * second, LOST)
    minute.look(START + 75 * second, LOST)
    assert (minute.orphans, minute.runs) == (1, False)
