from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from margelle.ports import Rate
from margelle.serve.quota import FaceQuota, Windows
from tests.conftest import NOW

ONDILO = (Rate(5, 1), Rate(30, 3600))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_requests_within_every_rate_are_granted() -> None:
    quota = FaceQuota(ONDILO)
    assert [quota.take("doe", at(second)) for second in range(30)] == [None] * 30


def test_the_sixth_request_of_a_second_is_told_when_the_second_ends() -> None:
    quota = FaceQuota(ONDILO)
    for n in range(5):
        assert quota.take("doe", at(n / 10)) is None
    assert quota.take("doe", at(0.5)) == 0.5
    assert quota.take("doe", at(1.0)) is None


def test_the_slowest_rate_says_how_long_to_wait() -> None:
    quota = FaceQuota(ONDILO)
    for second in range(30):
        quota.take("doe", at(second))
    assert quota.take("doe", at(100)) == 3500
    assert quota.take("doe", at(3600)) is None
    assert quota.take("doe", at(3600)) == 1, "one request came into the window when one left it"


def test_a_refused_request_is_not_counted() -> None:
    quota = FaceQuota([Rate(1, 10)])
    quota.take("doe", at(0))
    assert quota.take("doe", at(5)) == 5
    assert quota.take("doe", at(9)) == 1
    assert quota.take("doe", at(10)) is None


def test_users_do_not_use_up_each_others_quota() -> None:
    quota = FaceQuota([Rate(1, 10)])
    assert quota.take("doe", NOW) is None
    assert quota.take("roe", NOW) is None


def test_without_rates_everything_is_granted() -> None:
    quota = FaceQuota(())
    assert [quota.take("doe", NOW) for _ in range(100)] == [None] * 100


def test_idle_keys_are_forgotten_when_new_ones_come() -> None:
    windows = Windows([Rate(1, 10)])
    for n in range(100):
        windows.add(str(n), at(0))
    windows.add("late", at(11))
    assert len(windows) == 1


def test_a_flood_of_keys_stays_bounded_and_pushes_out_the_idlest() -> None:
    windows = Windows([Rate(1, 3600)], most=3)
    for n, key in enumerate(["a", "b", "a", "c", "d"]):
        windows.add(key, at(n))
    assert len(windows) == 3
    assert windows.wait_s("a", at(5)) is not None
    assert windows.wait_s("b", at(5)) is None, "b was idle for longest"


def test_a_clock_that_is_set_back_shuts_nobody_out_for_longer_than_the_window() -> None:
    windows = Windows([Rate(1, 60)])
    windows.add("doe", at(86400))
    assert windows.wait_s("doe", at(0)) == 60


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 4), st.integers(1, 20))
def test_no_window_ever_holds_more_than_its_rate_allows(steps: list[int], requests: int, seconds: int) -> None:
    quota, granted, second = FaceQuota([Rate(requests, seconds)]), list[int](), 0
    for step in steps:
        second += step
        wait_s = quota.take("doe", at(second))
        if wait_s is None:
            granted.append(second)
        else:
            assert granted[-requests] + seconds == second + wait_s
    for begin in granted:
        assert sum(begin <= other < begin + seconds for other in granted) <= requests
