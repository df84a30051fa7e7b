"""The hour's requests: never more than the pace, fresh before old, some left for the user."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.collect.progress import Progress, Purpose
from margelle.collect.share import HURRY, KEPT, KEPT_FOR_A_TURN, LEAST, Shares, hurries
from margelle.ports import Spending, Spent
from tests.collect.cloud import HOUR, START

PURPOSES: list[Purpose] = ["discover", "latest", "again", "advice", "history"]


SECOND = timedelta(seconds=1)


def known(probes: int) -> Progress:
    progress = Progress()
    progress.take_over({f"p{n}": f"s{n}" for n in range(probes)}, {}, advised=True)
    return progress


def after(shares: Shares, purpose: Purpose) -> Shares:
    """The shares once one more request was made."""
    return replace(shares, spent=(*shares.spent, (START, purpose)))


def most_in_an_hour(instants: list[datetime]) -> int:
    return max((bisect_left(instants, at + HOUR) - n for n, at in enumerate(instants)), default=0)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 20),
    st.lists(st.tuples(st.sampled_from(PURPOSES), st.integers(1, 12), st.integers(0, 900)), max_size=80),
)
def test_in_no_hour_there_are_more_requests_than_the_pace_allows(
    hourly: int, borne: int, probes: int, wishes: list[tuple[Purpose, int, int]]
) -> None:
    progress, now, spent = known(probes), START, list[Spent]()
    whole = max(hourly - KEPT, 1)
    most = min(whole, max(borne - KEPT, probes + 1 + LEAST))
    for purpose, cost, pause_s in wishes:
        now += timedelta(seconds=pause_s)
        shares = Shares.of(progress, Spending(3600, hourly, min(borne, hourly), tuple(spent)), now)
        now = max(now, shares.room_at(purpose, cost, now))
        assert shares.room_at(purpose, cost, now) <= now
        spent += [Spent(now, purpose)] * min(cost, most - sum(now - HOUR < one.at for one in spent))
    assert most_in_an_hour([one.at for one in spent]) <= most


@given(st.integers(4, 40), st.integers(1, 40), st.integers(0, 15), st.sampled_from(["again", "history", "advice"]))
def test_every_probe_can_be_asked_once_an_hour_whatever_else_was(
    hourly: int, borne: int, probes: int, other: Purpose
) -> None:
    """As long as we allow ourselves so many: the cloud's refusals cost the past first."""
    shares = Shares.of(known(probes), Spending(3600, hourly, min(borne, hourly)), START)
    while shares.room_at(other, 1, START) == START:
        shares = after(shares, other)
    others = len(shares.spent)
    assert 1 <= others <= max(LEAST, hourly - KEPT - probes - 1)
    while shares.room_at("latest", 1, START) == START:
        shares = after(shares, "latest")
    assert len(shares.spent) - others >= min(probes, hourly - KEPT - LEAST)


def test_for_half_a_day_all_that_can_wait_makes_room_for_what_is_missing_and_then_no_longer() -> None:
    progress = known(5)
    progress.take_over({f"p{n}": f"s{n}" for n in range(5)}, {f"s{n}": ("ph",) for n in range(5)}, advised=True)
    progress.note_filling(START)

    def history(now: datetime) -> int:
        shares = Shares.of(progress, Spending(3600, 22, 22), now)
        return dict(shares.limits)[frozenset({"history"})]

    assert hurries(progress, START + HURRY - SECOND)
    assert history(START + HURRY - SECOND) == 22 - KEPT - 6
    progress.note_filling(START + HURRY)
    assert not hurries(progress, START + HURRY)
    assert history(START + HURRY) == 22 - KEPT - 6 - 3


def test_what_did_not_come_does_not_hurry_while_it_is_waited_for() -> None:
    progress = known(1)
    progress.take_over({"p0": "s0"}, {"s0": ("ph",)}, advised=True)
    series = progress.probes["p0"].series["ph"]
    series.settled_at, series.missing_since, series.missing_until = START, START - 5 * HOUR, START
    series.silences = 2
    progress.note_filling(START + 2 * HOUR)
    assert progress.filling_since is None
    progress.note_filling(START + 3 * HOUR)
    assert progress.filling_since == START + 3 * HOUR


def test_many_probes_leave_the_past_at_least_a_little() -> None:
    shares = Shares.of(known(30), Spending(3600, 20, 20), START)
    assert shares.room_at("history", 1, START) == START


def test_without_an_hourly_pace_there_is_always_room() -> None:
    shares = Shares.of(known(1), Spending(1, 5, 5, (Spent(START, "latest"),) * 1000), START)
    assert shares.limits == ()
    assert shares.room_at("history", 100, START) == START


def spending(*spent: str) -> Spending:
    return Spending(3600, 30, 30, tuple(Spent(START, act) for act in spent))


def test_where_there_are_switches_a_user_can_turn_one_even_when_all_else_is_used_up() -> None:
    progress = known(1)
    progress.take_over({"p": "s"}, {}, advised=False, switches=["s/hub"])
    used = spending(*["latest"] * 26)
    assert Shares.of(progress, used, START).room_at("latest", 1, START + timedelta(minutes=1)) == START + HOUR
    assert 30 - len(used.spent) == KEPT_FOR_A_TURN


@pytest.mark.parametrize("hubs", [1, 4, 10])
def test_however_many_hubs_there_are_readings_and_the_past_have_their_share(hubs: int) -> None:
    progress = known(1)
    progress.take_over({"p0": "s0"}, {}, advised=False, switches=[f"h{n}" for n in range(hubs)])
    spent: list[str] = []
    while len(spent) < 60 and Shares.of(progress, spending(*spent), START).room_at("switch", 1, START) == START:
        spent.append("switch")
    assert 6 <= len(spent) <= 13
    acts: list[Purpose] = ["history", "history", "history", "discover", "latest", "latest"]
    for act in acts:
        assert Shares.of(progress, spending(*spent), START).room_at(act, 1, START) == START
        spent.append(act)
