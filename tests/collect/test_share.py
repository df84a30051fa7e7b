"""The hour's requests: never more than the pace, fresh before old, some left for the user."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.collect.progress import Act, Progress, Spent
from margelle.collect.share import KEPT, KEPT_FOR_A_TURN, Shares
from margelle.ports import Rate
from tests.collect.cloud import HOUR, START

ACTS: list[Act] = ["discover", "latest", "advice", "history"]


def known(probes: int) -> Progress:
    progress = Progress()
    progress.take_over({f"p{n}": f"s{n}" for n in range(probes)}, {}, advised=True)
    return progress


@given(
    st.integers(1, 40),
    st.integers(0, 20),
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 12), st.integers(0, 900)), max_size=80),
)
def test_in_no_hour_there_are_more_requests_than_the_pace_allows(
    hourly: int, probes: int, wishes: list[tuple[Act, int, int]]
) -> None:
    progress, now = known(probes), START
    for act, cost, pause_s in wishes:
        now += timedelta(seconds=pause_s)
        shares = Shares.of(progress, (Rate(2, 1), Rate(hourly, 3600)))
        now = max(now, shares.room_at(act, cost, now))
        assert shares.room_at(act, cost, now) <= now
        limit = max(hourly - KEPT, 1)
        progress.spent += [Spent(now, act)] * min(cost, limit - sum(now - HOUR < one.at for one in progress.spent))
    instants = [one.at for one in progress.spent]
    for n, at in enumerate(instants):
        assert bisect_left(instants, at + HOUR) - n <= max(hourly - KEPT, 1)


def test_many_probes_leave_the_past_at_least_a_little() -> None:
    shares = Shares.of(known(30), (Rate(20, 3600),))
    assert shares.room_at("history", 1, START) == START


def test_without_an_hourly_pace_there_is_always_room() -> None:
    progress = known(1)
    progress.spent = [Spent(START, "latest")] * 1000
    shares = Shares.of(progress, (Rate(5, 1),))
    assert shares.limits == ()
    assert shares.room_at("history", 100, START) == START


def test_where_there_are_switches_a_user_can_turn_one_even_when_all_else_is_used_up() -> None:
    progress = known(1)
    progress.take_over({"p": "s"}, {}, advised=False, switches=["s/hub"])
    progress.spent = [Spent(START, "latest")] * 26
    assert Shares.of(progress, (Rate(30, 3600),)).room_at("latest", 1, START + timedelta(minutes=1)) == START + HOUR
    assert 30 - len(progress.spent) == KEPT_FOR_A_TURN


@pytest.mark.parametrize("hubs", [1, 4, 10])
def test_however_many_hubs_there_are_readings_and_the_past_have_their_share(hubs: int) -> None:
    progress = known(1)
    progress.take_over({"p0": "s0"}, {}, advised=False, switches=[f"h{n}" for n in range(hubs)])
    for _ in range(60):
        shares = Shares.of(progress, (Rate(30, 3600),))
        if shares.room_at("switch", 1, START) > START:
            break
        progress.spent.append(Spent(START, "switch"))
    assert 6 <= len(progress.spent) <= 13
    for act in ("history", "history", "history", "discover", "latest", "latest"):
        assert Shares.of(progress, (Rate(30, 3600),)).room_at(act, 1, START) == START
        progress.spent.append(Spent(START, act))
