"""How long who waits after a failure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.collect.failure import KINDS, OF_ACCOUNT, answered, failed, incident, pause
from margelle.collect.plan import FRESH, Ask
from margelle.collect.progress import Progress
from margelle.errors import BadInput, Limited, MargelleError, Misled, NotFound, Refused, Unavailable, Unreachable
from tests.collect.cloud import DAY, HOUR, MINUTE, START

ASK = Ask("latest", "p", START, (), FRESH)


def known() -> Progress:
    progress = Progress()
    progress.take_over({"p": "s"}, {"s": ("ph",)}, advised=True)
    return progress


@given(st.text(max_size=20), st.integers(1, 10_000))
def test_a_pause_grows_to_its_most_and_is_the_same_every_time(key: str, attempt: int) -> None:
    wait = pause(key, attempt, MINUTE, HOUR)
    assert 0.8 * MINUTE <= wait <= 1.2 * HOUR
    assert wait == pause(key, attempt, MINUTE, HOUR)
    assert pause(key, attempt + 3, MINUTE, HOUR) >= 0.66 * wait


def test_accounts_that_failed_together_do_not_come_back_together() -> None:
    waits = {round(pause(f"ondilo-{n}", 7, MINUTE, HOUR).total_seconds() / 60) for n in range(500)}
    assert len(waits) > 20


def test_one_failure_of_the_cloud_holds_the_ask_two_hold_the_account() -> None:
    progress = known()
    first = failed("a", ASK, Unavailable("500"), progress, START, asked=True)
    assert (progress.hold, first.where) == (None, "p")
    second = failed("a", ASK, Unreachable("cut"), progress, START, asked=True)
    assert progress.hold is not None
    assert second.where == "a"
    answered(progress, ASK, START)
    assert progress == replace(known(), probes=progress.probes)
    assert progress.attempt("latest", "p").failures == 0


@pytest.mark.parametrize(("told_s", "least"), [(1800.0, 30 * MINUTE), (10.0**9, DAY)])
def test_a_cloud_that_names_a_time_is_left_alone_for_it_but_not_for_ever(told_s: float, least: timedelta) -> None:
    progress = known()
    failed("a", ASK, Limited("429", retry_after_s=told_s), progress, START, asked=True)
    assert progress.hold is not None
    assert progress.hold.until == START + least


def test_a_cloud_that_names_the_same_minute_for_a_day_is_asked_less_and_less() -> None:
    progress, now, asked = known(), START, 0
    while now < START + DAY:
        failed("a", ASK, Limited("429", retry_after_s=60.0), progress, now, asked=True)
        assert progress.hold is not None
        assert progress.hold.until >= now + MINUTE
        now, asked = progress.hold.until, asked + 1
    assert asked < 45


def test_our_own_budget_is_believed_however_often_it_says_when_there_is_room() -> None:
    progress = known()
    for _ in range(9):
        failed("a", ASK, Limited("budget", retry_after_s=60.0), progress, START, asked=False)
    assert progress.hold is not None
    assert progress.hold.until == START + MINUTE


def test_an_unavailable_cloud_that_names_a_time_is_obeyed_too() -> None:
    progress = known()
    failed("a", ASK, Unavailable("503", retry_after_s=7200), progress, START, asked=True)
    assert progress.attempt("latest", "p").not_before == START + 2 * HOUR


def test_what_has_vanished_is_looked_up_a_few_times_not_for_ever() -> None:
    progress = known()
    looked_up = 0
    for _ in range(10):
        failed("a", ASK, NotFound("404"), progress, START, asked=True)
        looked_up += progress.rediscover
        progress.rediscover = False
    assert looked_up == 3


def test_a_refusal_before_any_request_is_tried_again_soon_and_delays_no_ask() -> None:
    progress = known()
    failed("a", ASK, Refused("no token"), progress, START, asked=False)
    assert progress.hold is not None
    assert progress.hold.until == START + 2 * MINUTE
    assert progress.attempt("latest", "p").not_before is None


def test_what_fails_before_any_request_and_holds_nothing_waits_like_the_rest() -> None:
    progress = known()
    failed("a", ASK, NotFound("The store has no probe p."), progress, START, asked=False)
    assert progress.hold is None
    not_before = progress.attempt("latest", "p").not_before
    assert not_before is not None
    assert not_before > START


@pytest.mark.parametrize("kind", [*KINDS.values(), "failed", "bug", "store", "vanished", "doubtful", "unreadable"])
def test_every_incident_says_who_does_what(kind: str) -> None:
    told = incident("a", "p", kind, "It failed.", START)
    assert told.todo.split(":")[0] in {
        "Nothing to do",
        "Nothing to do yet",
        "The account's owner",
        "The vendor",
        "The operator",
    }


def test_an_error_that_no_cloud_should_cause_is_the_operators() -> None:
    error: MargelleError = BadInput("The time is not in UTC.")
    assert failed("a", ASK, error, known(), START, asked=True).kind == "failed"
    assert set(KINDS.values()) >= OF_ACCOUNT


def test_a_name_that_leads_to_a_hub_is_the_operators_to_mend_and_holds_the_account_from_the_second_time_on() -> None:
    progress = known()
    error = Misled("The name leads here.", hint="Say collect.resolve.")
    first = failed("a", ASK, error, progress, START, asked=True)
    second = failed("a", ASK, error, progress, START + HOUR, asked=True)
    assert (first.kind, first.where, second.where) == ("misled", ASK.where, "a")
    assert first.todo.startswith("The operator:")
    assert first.todo.endswith("Say collect.resolve.")
    assert progress.hold is not None
