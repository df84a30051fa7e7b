"""What is asked next, when and why: a pure function of what is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.collect import plan
from margelle.collect.plan import Ask, asks, room_at, scheduled, slot, wanted_now
from margelle.collect.progress import Attempt, Hold, Progress, Series, Track
from margelle.ports import Spending, Spent
from tests.collect.cloud import DAY, HOUR, MINUTE, START

PACE = Spending(3600, 20, 20)
NOW = START
PROBE = "fake:1/ico"


def known(**track: object) -> Progress:
    """An account with one probe, discovered and settled a moment ago, whose newest reading is ten minutes old."""
    progress = Progress(discovery=Attempt(ok_at=NOW - HOUR))
    progress.take_over({PROBE: "fake:1"}, {"fake:1": ("temperature", "ph")}, advised=True)
    one = progress.probes[PROBE]
    one.newest, one.latest = NOW - 10 * MINUTE, Attempt(ok_at=NOW, asked_at=NOW)
    for series in one.series.values():
        series.newest, series.settled_at = one.newest, NOW - HOUR
    progress.advice["fake:1"].ok_at = NOW
    for name, value in track.items():
        setattr(one, name, value)
    return progress


def spent(*requests: Spent, allowed: int = 20) -> Spending:
    return Spending(3600, 20, allowed, tuple(sorted(requests, key=lambda one: one.at)))


def of(progress: Progress, act: str, now: datetime = NOW, spending: Spending = PACE) -> list[Ask]:
    return [ask for ask in asks("fake-1", progress, spending, now) if ask.act == act]


def test_a_new_account_is_discovered_at_once_and_nothing_else_is_asked() -> None:
    (ask,) = asks("fake-1", Progress(), PACE, NOW)
    assert (ask.act, ask.subject) == ("discover", "fake-1")
    assert ask.due_at <= NOW
    assert "new" in ask.why


def test_discovery_comes_once_a_day_at_the_accounts_own_time() -> None:
    progress = known()
    (first,) = of(progress, "discover")
    assert first.due_at.timetz() == slot("fake-1")
    assert NOW < first.due_at <= NOW + 1.5 * DAY
    progress.discovery.ok_at = first.due_at + MINUTE
    (second,) = of(progress, "discover", first.due_at + MINUTE)
    assert second.due_at - first.due_at == DAY


def test_accounts_are_discovered_all_over_the_day() -> None:
    hours = [slot(f"ondilo-{n}").hour for n in range(2400)]
    assert {hours.count(hour) > 60 for hour in range(24)} == {True}


def test_a_site_that_the_cloud_no_longer_knows_brings_discovery_forward_to_once_an_hour() -> None:
    progress = known()
    progress.rediscover = True
    (ask,) = of(progress, "discover")
    assert ask.due_at == NOW
    assert "no longer" in ask.why


def test_what_a_discovery_may_have_missed_can_be_looked_for_at_once() -> None:
    progress = known()
    progress.discovery.ok_at = NOW
    progress.look_again()
    (ask,) = of(progress, "discover")
    assert ask.due_at == NOW


def test_the_latest_values_are_asked_for_64_minutes_after_the_last_ones() -> None:
    (ask,) = of(known(), "latest")
    assert ask.due_at == NOW + 54 * MINUTE
    assert "every 60 minutes" in ask.why


def test_a_probe_without_a_reading_is_asked_at_once() -> None:
    (ask,) = of(known(newest=None, latest=Attempt()), "latest")
    assert ask.due_at == NOW


def test_an_overdue_probe_is_asked_ever_more_rarely_but_at_least_hourly() -> None:
    waits = []
    for misses in range(1, 9):
        progress = known(newest=NOW - 30 * HOUR, misses=misses, latest=Attempt(asked_at=NOW))
        waits.append(of(progress, "latest")[0].due_at - NOW)
    assert waits == [8 * MINUTE, 16 * MINUTE, 32 * MINUTE, *[HOUR] * 5]
    assert "without a newer one" in of(progress, "latest")[0].why


def test_a_restarted_probe_is_asked_every_eleven_minutes_for_its_quick_hour() -> None:
    progress = known(quick_until=NOW + 20 * MINUTE)
    (ask,) = of(progress, "latest")
    assert ask.due_at == NOW + MINUTE
    assert "restarted" in ask.why
    (later,) = of(progress, "latest", NOW + 21 * MINUTE)
    assert later.due_at == NOW + 54 * MINUTE


def test_recommendations_come_with_the_latest_values_but_after_them() -> None:
    progress = known(newest=NOW - 70 * MINUTE)
    progress.advice["fake:1"].ok_at = NOW - 66 * MINUTE
    due = [ask for ask in asks("fake-1", progress, PACE, NOW) if ask.due_at <= NOW]
    assert [ask.act for ask in due] == ["latest", "advice"]


def test_nothing_is_asked_for_advice_where_the_cloud_gives_none() -> None:
    progress = known()
    progress.advised = False
    assert of(progress, "advice") == []


def test_a_first_time_the_whole_past_is_fetched_after_what_is_fresh_and_what_is_most_wanted_first() -> None:
    progress = known(newest=None, latest=Attempt(), series={"temperature": Series(), "ph": Series()})
    order = [(ask.act, ask.quantity, ask.window) for ask in asks("fake-1", progress, PACE, NOW) if ask.due_at <= NOW]
    assert order == [("latest", "", None), ("history", "temperature", "month"), ("history", "ph", "month")]


@pytest.mark.parametrize(("hours", "window"), [(3, "day"), (30, "week"), (200, "month"), (2000, "month")])
def test_a_gap_is_filled_from_the_smallest_window_that_reaches_back_to_it(hours: int, window: str) -> None:
    progress = known()
    series = progress.probes[PROBE].series["ph"]
    series.settled_at = series.missing_since = NOW - hours * HOUR
    series.missing_until = NOW - MINUTE
    (ask,) = [ask for ask in of(progress, "history") if ask.due_at <= NOW]
    assert (ask.quantity, ask.window) == ("ph", window)
    assert "missing" in ask.why


def test_gaps_that_turned_out_to_be_silence_are_asked_for_with_less_and_less_haste() -> None:
    progress = known()
    series = progress.probes[PROBE].series["ph"]
    series.missing_since, series.missing_until, series.silences = NOW - 3 * HOUR, NOW, 3
    dues = [ask.due_at for ask in of(progress, "history") if ask.quantity == "ph"]
    assert dues == [NOW + 7 * HOUR]


def test_the_past_month_is_compared_once_a_week() -> None:
    (_, ask) = of(known(), "history")
    assert ask.due_at == NOW - HOUR + 6 * DAY
    assert ask.window == "month"


def test_the_past_day_of_one_quantity_is_compared_every_day() -> None:
    (look, _) = of(known(), "history")
    assert (look.quantity, look.window, look.rank) == ("temperature", "day", plan.LOOK)
    assert look.due_at == NOW - HOUR + plan.LOOK_EVERY
    assert "nobody saw" in look.why


def test_gaps_that_are_filled_in_between_do_not_put_off_the_comparison_of_the_month() -> None:
    progress = known()
    series = progress.probes[PROBE].series["ph"]
    series.settled_at, series.swept_at = NOW - HOUR, NOW - 6 * DAY
    (ask,) = [ask for ask in of(progress, "history") if ask.due_at <= NOW]
    assert (ask.quantity, ask.window, ask.rank) == ("ph", "month", plan.SWEEP)


def test_a_quantity_that_has_no_past_is_not_compared_again() -> None:
    progress = known()
    progress.probes[PROBE].series["ph"].newest = None
    assert [ask.quantity for ask in of(progress, "history")] == ["temperature"]


def test_where_the_latest_values_stay_away_one_quantity_scouts_in_the_past() -> None:
    (first, *_) = of(known(empties=2), "history")
    assert (first.quantity, first.window, first.due_at) == ("temperature", "day", NOW)
    assert "no latest values" in first.why


def test_what_the_scout_found_is_fetched_for_the_other_quantities_too() -> None:
    progress = known(empties=2)
    progress.probes[PROBE].series["ph"].newest = NOW - 2 * HOUR
    progress.probes[PROBE].series["temperature"].settled_at = NOW
    (first, *_) = of(progress, "history")
    assert first.quantity == "ph"


def test_requests_beyond_the_hours_share_wait_and_say_so() -> None:
    progress = known(newest=NOW - 2 * HOUR)
    (ask,) = of(progress, "latest", spending=spent(*(Spent(NOW - n * MINUTE, "latest") for n in range(18))))
    assert ask.due_at == NOW + 43 * MINUTE
    assert "used up" in ask.why


def test_the_past_leaves_requests_for_what_is_fresh() -> None:
    progress = known(newest=NOW - 2 * HOUR, latest=Attempt(), series={"temperature": Series(), "ph": Series()})
    asked = asks("fake-1", progress, spent(*[Spent(NOW - MINUTE, "history")] * 16), NOW)
    assert [ask.act for ask in asked if ask.due_at <= NOW] == ["latest"]


def test_two_requests_an_hour_stay_for_the_user() -> None:
    progress = known(newest=NOW - 2 * HOUR, latest=Attempt())
    assert (
        of(progress, "latest", spending=spent(*[Spent(NOW, "advice")] * 9, *[Spent(NOW, "latest")] * 8))[0].due_at
        <= NOW
    )
    assert (
        of(progress, "latest", spending=spent(*[Spent(NOW, "advice")] * 9, *[Spent(NOW, "latest")] * 9))[0].due_at
        == NOW + HOUR
    )


def test_what_users_ask_themselves_counts_and_the_plan_gives_way() -> None:
    progress = known(newest=NOW - 2 * HOUR, latest=Attempt())
    theirs, ours = [Spent(NOW - MINUTE)], [Spent(NOW, "history")]
    assert of(progress, "latest", spending=spent(*theirs * 4, *ours * 15))[0].due_at <= NOW
    assert of(progress, "latest", spending=spent(*theirs * 5, *ours * 15))[0].due_at == NOW + 59 * MINUTE


def test_a_probe_that_was_just_asked_waits_for_its_turn_behind_the_others() -> None:
    progress = known(newest=NOW - 9 * HOUR, misses=2, latest=Attempt(asked_at=NOW - 20 * MINUTE))
    progress.take_over({PROBE: "fake:1", "fake:2/ico": "fake:2"}, {}, advised=False)
    again, fresh = sorted(of(progress, "latest"), key=lambda ask: ask.subject)
    assert (again.purpose, fresh.purpose) == ("again", "latest")
    assert asks("fake-1", progress, PACE, NOW)[0] == fresh


def test_what_waits_to_be_asked_again_is_fresh_once_the_hour_is_nearly_over() -> None:
    progress = known(newest=NOW - 9 * HOUR, misses=2, latest=Attempt(asked_at=NOW - 20 * MINUTE))
    (ask,) = of(progress, "latest", spending=spent(*[Spent(NOW - MINUTE, "again")] * 16))
    assert ask.due_at == NOW + 34 * MINUTE
    assert of(progress, "latest", ask.due_at)[0].purpose == "latest"


def test_where_the_cloud_allows_less_the_past_waits_and_the_fresh_values_do_not() -> None:
    progress = known(newest=NOW - 2 * HOUR, latest=Attempt(), series={"temperature": Series(), "ph": Series()})
    asked = asks("fake-1", progress, spent(*[Spent(NOW - MINUTE, "history")] * 2, allowed=5), NOW)
    assert [ask.act for ask in asked if ask.due_at <= NOW] == ["latest"]
    lowest = spent(Spent(NOW - MINUTE, "advice"), allowed=1)
    assert of(progress, "latest", spending=lowest)[0].due_at <= NOW


def test_nothing_is_asked_while_the_cloud_wants_a_pause() -> None:
    progress = known(newest=NOW - 2 * HOUR)
    paused = Spending(3600, 20, 20, (), NOW + 15 * MINUTE, NOW)
    first = asks("fake-1", progress, paused, NOW)[0]
    assert first.due_at == NOW + 15 * MINUTE
    assert "quota" in first.why


def test_a_discovery_that_is_due_finds_room_because_what_is_not_fresh_waits_for_it() -> None:
    progress = known(newest=NOW - 2 * HOUR, latest=Attempt(), series={"temperature": Series(), "ph": Series()})
    progress.discovery_cost, progress.discovery.ok_at, progress.filling_since = 10, NOW - 3 * DAY, NOW - 12 * HOUR
    busy = spent(*[Spent(NOW - 10 * MINUTE, "advice")] * 7)
    due = {ask.act: ask.due_at for ask in asks("fake-1", progress, busy, NOW)}
    assert due["latest"] <= NOW
    assert due["discover"] == due["history"] == NOW + 50 * MINUTE


def test_what_somebody_wants_now_is_due_now_within_the_budget() -> None:
    planned = asks("fake-1", known(), PACE, NOW)
    (ask,) = wanted_now(planned, PACE, NOW)
    assert (ask.act, ask.due_at, ask.why) == ("latest", NOW, "Somebody asked for it now.")
    full = spent(*(Spent(NOW - HOUR + n * MINUTE) for n in range(1, 21)))
    assert wanted_now(planned, full, NOW) == []
    assert room_at(full, NOW) == NOW + MINUTE


def test_what_is_missing_is_scheduled_one_after_another() -> None:
    progress = known()
    progress.take_over({PROBE: "fake:1"}, {"fake:1": tuple(f"q{n}" for n in range(40))}, advised=True)
    due = [ask.due_at for ask in scheduled(asks("fake-1", progress, PACE, NOW), progress, PACE) if ask.act == "history"]
    assert due == [NOW] * 16 + [NOW + HOUR] * 16 + [NOW + 2 * HOUR] * 8


def test_what_is_missing_is_scheduled_more_slowly_once_half_a_day_has_gone_by() -> None:
    progress = known()
    progress.take_over({PROBE: "fake:1"}, {"fake:1": tuple(f"q{n}" for n in range(40))}, advised=True)
    progress.filling_since = NOW - 11 * HOUR
    due = [ask.due_at for ask in scheduled(asks("fake-1", progress, PACE, NOW), progress, PACE) if ask.act == "history"]
    assert due == [NOW] * 16 + [NOW + HOUR] * 12 + [NOW + 2 * HOUR] * 12


def test_of_what_is_missing_that_which_the_cloud_forgets_next_is_asked_for_first() -> None:
    """A first time, whose oldest readings go by the hour, does not wait for a hole of yesterday."""
    progress = known()
    progress.take_over({PROBE: "fake:1"}, {"fake:1": ("temperature", "ph", "orp", "new", "old")}, advised=True)
    series = progress.probes[PROBE].series
    for name, days in (("temperature", 3), ("ph", 12), ("orp", 1), ("old", 400)):
        series[name].settled_at = series[name].newest = NOW - HOUR
        series[name].missing_since, series[name].missing_until = NOW - days * DAY, NOW - 2 * HOUR
    order = [ask.quantity for ask in of(progress, "history") if ask.due_at <= NOW]
    assert set(order[:2]) == {"new", "old"}
    assert order[2:] == ["ph", "temperature", "orp"]


def test_the_daily_look_at_what_there_is_lets_what_is_missing_go_first_for_half_a_day() -> None:
    progress = known(series={"temperature": Series(), "ph": Series()})
    progress.discovery.ok_at = NOW - 3 * DAY
    due = [ask.act for ask in asks("fake-1", progress, PACE, NOW) if ask.due_at <= NOW]
    assert due == ["history", "history", "discover"]
    progress.filling_since = NOW - 12 * HOUR
    assert asks("fake-1", progress, PACE, NOW)[0].act == "discover"
    progress.filling_since, progress.rediscover = NOW, True
    assert asks("fake-1", progress, PACE, NOW)[0].act == "discover"


def test_an_account_on_hold_asks_nothing_before_it_ends() -> None:
    progress = known(newest=NOW - 5 * HOUR)
    progress.hold = Hold(NOW + 20 * MINUTE, "unreachable")
    assert min(ask.due_at for ask in asks("fake-1", progress, PACE, NOW)) == NOW + 20 * MINUTE
    assert "cannot be reached" in asks("fake-1", progress, PACE, NOW)[0].why


def test_an_ask_that_failed_waits_alone() -> None:
    progress = known(newest=NOW - 5 * HOUR)
    progress.probes[PROBE].latest.not_before = NOW + 3 * MINUTE
    progress.probes[PROBE].latest.failures = 2
    progress.advice["fake:1"].ok_at = NOW - 2 * HOUR
    (ask,) = of(progress, "latest")
    assert ask.due_at == NOW + 3 * MINUTE
    assert "2 times" in ask.why
    assert of(progress, "advice")[0].due_at <= NOW


def test_a_vendor_without_an_hourly_pace_sets_no_limit() -> None:
    progress = known(newest=NOW - 5 * HOUR)
    assert asks("fake-1", progress, Spending(1, 5, 5, (Spent(NOW, "latest"),) * 5), NOW)[0].due_at <= NOW
    assert asks("fake-1", progress, Spending(), NOW)[0].due_at <= NOW


def test_planning_changes_nothing() -> None:
    import msgspec

    progress = known(empties=3, suspect_at=NOW)
    before = msgspec.json.encode(progress)
    asks("fake-1", progress, PACE, NOW + timedelta(days=3))
    assert msgspec.json.encode(progress) == before


def test_a_vanished_probe_is_not_asked_and_keeps_its_progress() -> None:
    progress = known()
    progress.take_over({}, {}, advised=True)
    assert [ask.act for ask in asks("fake-1", progress, PACE, NOW)] == ["discover"]
    assert progress.probes[PROBE].newest == NOW - 10 * MINUTE
    assert isinstance(progress.probes[PROBE], Track)
    assert plan.FRESH < plan.ADVICE


def test_a_new_account_is_not_discovered_again_within_half_a_day() -> None:
    at = datetime.combine(NOW, slot("fake-1"))
    progress = known()
    progress.discovery.ok_at = at - HOUR
    (ask,) = of(progress, "discover", at)
    assert ask.due_at == at + DAY


def test_a_request_for_the_past_reaches_back_to_the_last_one_so_that_nothing_between_is_skipped() -> None:
    progress = known()
    series = progress.probes[PROBE].series["ph"]
    series.settled_at = NOW - 3 * DAY
    series.missing_since, series.missing_until = NOW - 3 * HOUR, NOW
    (ask,) = [ask for ask in of(progress, "history") if ask.due_at <= NOW]
    assert ask.window == "week"


def test_what_is_off_the_rhythm_is_compared_once_it_is_over_and_at_most_once_in_twenty_hours() -> None:
    progress = known(suspect_at=NOW + 30 * MINUTE)
    progress.probes[PROBE].series["ph"].settled_at = NOW - 30 * HOUR
    progress.probes[PROBE].series["temperature"].settled_at = NOW - 2 * HOUR
    dues = {ask.quantity: ask.due_at for ask in of(progress, "history")}
    assert dues == {"ph": NOW + 34 * MINUTE, "temperature": NOW + 18 * HOUR}


@given(st.integers(0, 24 * 60), st.text(min_size=1, max_size=8))
def test_discovery_is_always_twelve_to_thirty_six_hours_after_the_last_one(minutes: int, account: str) -> None:
    done = NOW + minutes * MINUTE
    (ask,) = asks(account, Progress(discovery=Attempt(ok_at=done)), PACE, done)
    assert done + 12 * HOUR <= ask.due_at <= done + 36 * HOUR


def test_a_switch_that_nobody_has_looked_at_comes_before_those_that_are_late() -> None:
    progress = Progress()
    progress.take_over({}, {}, advised=False, switches=["old", "new"])
    progress.discovery.ok_at = START
    progress.switches["old"].ok_at = START - timedelta(hours=3)
    first, second, *_ = asks("a", progress, PACE, START)
    assert (first.subject, second.subject) == ("new", "old")
