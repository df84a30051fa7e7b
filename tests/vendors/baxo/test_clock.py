"""In which time the past is: looked for by a value of now, in any season and on either side of Greenwich."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from margelle.vendors.baxo.translate import EPOCH, Finding, Said, WallClock, finding, offset_s, seconds_to

PARIS, NEW_YORK, LONDON, KOLKATA = map(ZoneInfo, ("Europe/Paris", "America/New_York", "Europe/London", "Asia/Kolkata"))
SUMMER = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
WINTER = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
BEFORE_SPRING = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
AFTER_SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
BEFORE_AUTUMN = datetime(2026, 10, 25, 0, 59, tzinfo=UTC)
AFTER_AUTUMN = datetime(2026, 10, 25, 2, 0, tzinfo=UTC)
SEASONS = (SUMMER, WINTER, BEFORE_SPRING, AFTER_SPRING, BEFORE_AUTUMN, AFTER_AUTUMN)


def past(at: datetime, zone: ZoneInfo | None, values: tuple[str, ...] = ("7.1", "7.3", "7.2")) -> list[Said]:
    """A value every ten minutes up to `at`, as a cloud tells it that counts on the clock of `zone`, or in UTC."""
    instants = [at - timedelta(minutes=10 * n) for n in reversed(range(len(values)))]
    return [Said(seconds_to(one, zone or UTC), value) for one, value in zip(instants, values, strict=True)]


def found(at: datetime, told: list[Said], zone: ZoneInfo, value: str = "7.2") -> Finding:
    return finding({"PH": Said(seconds_to(at), value)}, {"PH": told}, zone)


def told(one: Finding) -> tuple[str | None, str]:
    assert one.phrase is not None
    return one.time, one.why


@pytest.mark.parametrize("at", SEASONS)
@pytest.mark.parametrize("zone", [PARIS, NEW_YORK, KOLKATA])
def test_a_past_in_universal_time_and_one_on_the_devices_clock_are_told_apart(at: datetime, zone: ZoneInfo) -> None:
    assert found(at, past(at, None), zone).time == "utc"
    assert found(at, past(at, zone), zone).time == "local"


@pytest.mark.parametrize(
    ("at", "ahead"),
    [
        (SUMMER, "2 h later"),
        (WINTER, "1 h later"),
        (BEFORE_SPRING, "1 h later"),
        (AFTER_SPRING, "2 h later"),
        (BEFORE_AUTUMN, "2 h later"),
        (AFTER_AUTUMN, "1 h later"),
    ],
)
def test_the_reason_says_how_far_the_clock_is_off_at_that_hour(at: datetime, ahead: str) -> None:
    why = f"Its newest value is {ahead} there than among the values of now, as the device's clock is."
    assert found(at, past(at, PARIS), PARIS).why == why


def test_in_the_hour_that_a_clock_shows_twice_a_past_on_it_is_not_mistaken_for_another() -> None:
    for minutes in range(0, 70, 10):
        at = datetime(2026, 10, 25, 1, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        assert found(at, past(at, PARIS), PARIS).time in {None, "local"}
        assert found(at, past(at, None), PARIS).time == "utc"


def test_a_clock_that_shows_universal_time_in_winter_tells_only_in_summer() -> None:
    assert told(found(WINTER, past(WINTER, LONDON), LONDON)) == (None, "Its clock showed UTC.")
    assert found(SUMMER, past(SUMMER, LONDON), LONDON).time == "local"
    assert found(SUMMER, past(SUMMER, None), LONDON).time == "utc"


@pytest.mark.parametrize("late", [timedelta(minutes=10), timedelta(hours=1), timedelta(hours=3)])
def test_a_past_that_is_late_tells_nothing(late: timedelta) -> None:
    for zone in (PARIS, NEW_YORK):
        assert found(SUMMER, past(SUMMER - late, None), zone).time is None
        assert found(SUMMER, past(SUMMER - late, zone), zone).time is None


def test_a_past_of_other_values_tells_nothing() -> None:
    assert found(SUMMER, past(SUMMER, PARIS), PARIS, "7.9").time is None
    assert told(found(SUMMER, [], PARIS)) == (None, "No value of now stands in its past.")
    assert finding({}, {}, PARIS).time is None


def test_a_value_that_never_changes_tells_only_what_lateness_cannot_explain() -> None:
    same = ("0", "0", "0")
    assert found(SUMMER, past(SUMMER, PARIS, same), PARIS, "0").time == "local"
    assert found(SUMMER, past(SUMMER, None, same), PARIS, "0").time is None
    assert found(SUMMER, past(SUMMER, NEW_YORK, same), NEW_YORK, "0").time is None
    assert found(SUMMER, past(SUMMER, None, same), NEW_YORK, "0").time == "utc"


def test_tags_that_contradict_each_other_tell_nothing() -> None:
    now = {"A": Said(seconds_to(SUMMER), "7.2"), "B": Said(seconds_to(SUMMER), "7.2")}
    one = finding(now, {"A": past(SUMMER, None), "B": past(SUMMER, PARIS)}, PARIS)
    assert told(one) == (None, "Its tags contradict each other: A utc, B local")
    assert finding(now, {"B": past(SUMMER, PARIS)}, PARIS).time == "local"


@pytest.mark.parametrize(("at", "hours"), [(SUMMER, 2), (WINTER, 1), (BEFORE_SPRING, 1), (AFTER_SPRING, 2)])
def test_a_clock_is_ahead_by_the_season(at: datetime, hours: int) -> None:
    assert offset_s(seconds_to(at), PARIS) == hours * 3600


def stamps(instants: list[datetime]) -> list[float]:
    """What a clock in Paris shows at these instants."""
    return [(one.astimezone(PARIS).replace(tzinfo=UTC) - EPOCH).total_seconds() for one in instants]


def test_the_hour_that_a_clock_shows_twice_is_read_as_two_hours() -> None:
    instants = [datetime(2026, 10, 24, 22, 0, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(36)]
    clock = WallClock(PARIS)
    assert [clock.instant(one) for one in stamps(instants)] == instants


def test_the_hour_that_a_clock_shows_twice_is_read_also_where_a_cloud_sorts_its_stamps() -> None:
    instants = [datetime(2026, 10, 24, 23, 0, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(24)]
    clock = WallClock(PARIS)
    assert {clock.instant(one) for one in sorted(stamps(instants))} == set(instants)


def test_the_hour_that_a_clock_leaves_out_is_nobodys() -> None:
    instants = [datetime(2026, 3, 28, 23, 0, tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(24)]
    clock = WallClock(PARIS)
    assert [clock.instant(one) for one in stamps(instants)] == instants
