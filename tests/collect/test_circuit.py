"""A cloud that is down is found out by a few and tried by one."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from margelle.collect.circuit import ENOUGH, TRIAL, Circuit
from tests.collect.cloud import HOUR, START

NAMES = [f"a{n}" for n in range(200)]


def down(now: datetime = START) -> Circuit:
    circuit = Circuit("https://cloud.test")
    for name in NAMES[:ENOUGH]:
        circuit.failed(name, now)
    return circuit


def opened_for(circuit: Circuit) -> timedelta:
    """How long the cloud rests: the first account may try when that is over, whichever it is."""
    minutes = next(m for m in range(1, 60) if circuit.wait_until("probe", START + timedelta(minutes=m)) is None)
    return timedelta(minutes=minutes)


def test_one_account_in_trouble_keeps_no_other_waiting() -> None:
    circuit = Circuit("https://cloud.test")
    for _ in range(20):
        circuit.failed("a0", START)
    assert circuit.wait_until("a1", START) is None
    assert circuit.wait_until("a0", START) is None


def test_an_answer_in_between_shows_that_the_cloud_is_well() -> None:
    circuit = Circuit("https://cloud.test")
    for name in NAMES[: 3 * ENOUGH]:
        circuit.failed(name, START)
        circuit.answered()
    assert circuit.wait_until("a99", START) is None


def test_when_several_have_failed_everybody_waits_each_for_another_time() -> None:
    circuit = down()
    times = {name: circuit.wait_until(name, START) for name in NAMES}
    waits = sorted((at - START).total_seconds() for at in times.values() if at is not None)
    assert len(waits) == len(NAMES)
    assert len(set(waits)) > 190
    assert 48 <= waits[0] <= waits[-1] <= 2 * 72, "a minute's rest, and as long again to come back in"
    widest = max(b - a for a, b in pairwise(waits))
    assert widest < 5, "nobody comes back in a crowd"


def test_after_the_rest_one_tries_and_the_others_wait_for_it() -> None:
    circuit = down()
    later = START + 2 * timedelta(minutes=1)
    assert circuit.wait_until("a7", later) is None
    assert circuit.wait_until("a8", later) is not None
    assert circuit.wait_until("a7", later) is None, "the one that tries may go on"
    circuit.answered()
    assert circuit.wait_until("a8", later) is None


def test_a_trial_that_fails_makes_the_rest_longer_up_to_half_an_hour() -> None:
    circuit, now = down(), START
    rests = []
    for _ in range(12):
        began = now
        while circuit.wait_until("a7", now) is not None:
            now += timedelta(seconds=10)
        rests.append(now - began)
        circuit.failed("a7", now)
    assert rests[:3] == sorted(rests[:3])
    assert timedelta(minutes=24) <= rests[-1] <= timedelta(minutes=36, seconds=10)


def test_one_that_dies_while_it_tries_is_followed_by_another() -> None:
    circuit = down()
    later = START + timedelta(minutes=2)
    assert circuit.wait_until("a7", later) is None
    assert circuit.wait_until("a8", later + TRIAL) is None


def test_those_who_were_under_way_when_it_opened_make_it_no_longer() -> None:
    circuit = down()
    before = circuit.wait_until("a9", START)
    for name in NAMES[:50]:
        circuit.failed(name, START + timedelta(seconds=1))
    assert circuit.wait_until("a9", START) == before


def test_a_clock_set_back_does_not_keep_it_shut() -> None:
    circuit = down(START + 24 * HOUR)
    assert circuit.wait_until("a7", START) is None
