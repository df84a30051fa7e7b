from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from margelle.domain.site import Band
from margelle.serve.line import Doubted, Line
from margelle.serve.pages.curve import FEW, curve, time_axis, time_ticks, value_axis
from margelle.serve.pages.words import Words
from margelle.serve.plot import Panel, Plot
from tests.conftest import NOW

PARIS = ZoneInfo("Europe/Paris")
END = int(NOW.timestamp())


def panel(line: Line, *, ideal: Band | None = None, axis: tuple[float, float] = (7.0, 8.0)) -> Panel:
    return Panel("ph", "[pH]", "", 2, axis, ideal, None, [line], [])


def plot(one: Panel, days: float = 1) -> Plot:
    return Plot(END - int(days * 86400), END, 0, [one], [], [])


def test_a_line_goes_from_left_to_right_and_its_values_from_bottom_to_top() -> None:
    one = panel(Line("p", [END - 86400, END - 43200, END], [7.0, 7.5, 8.0]))
    (trace,) = curve(plot(one), one, PARIS, Words("en")).traces
    assert trace.path == "M0 100L50 50L100 0"


def test_a_break_is_not_drawn_over_and_a_lone_value_is_a_stroke() -> None:
    one = panel(Line("p", [END - 86400, END - 43200, END - 43199, END], [7.0, 7.5, None, 8.0]))
    (trace,) = curve(plot(one), one, PARIS, Words("en")).traces
    assert trace.path == "M0 100L50 50M100 0h.3"


def test_a_band_beyond_the_axis_is_cut_and_one_outside_it_not_drawn() -> None:
    one = panel(Line("p", [END], [7.5]), ideal=Band(7.2, None))
    stripe = curve(plot(one), one, PARIS, Words("en")).ideal
    assert stripe is not None
    assert (stripe.begin, stripe.size) == (0, 80)
    outside = panel(Line("p", [END], [7.5]), ideal=Band(9, 10))
    assert curve(plot(outside), outside, PARIS, Words("en")).ideal is None


def test_a_doubted_value_far_away_is_held_at_the_edge() -> None:
    one = panel(Line("p", [END], [7.5], doubted=Doubted([END - 43200], [99.0], ["jump"], ["x"])))
    assert curve(plot(one), one, PARIS, Words("en")).traces[0].doubted == ((50.0, 3),)


def test_few_points_are_shown_as_such_and_many_are_a_line_alone() -> None:
    for count, shown in ((FEW, FEW), (FEW + 1, 0)):
        one = panel(Line("p", [END - 60 * n for n in reversed(range(count))], [7.5] * count))
        assert len(curve(plot(one), one, PARIS, Words("en")).traces[0].points) == shown


def test_the_axes_are_told_in_their_own_measure_and_drawn_in_percent() -> None:
    one = panel(Line("p", [END], [7.5]))
    drawn = curve(plot(one, 30), one, PARIS, Words("fr"))
    assert [(each.at, each.text) for each in value_axis(one, Words("fr"))][1] == (7.25, "7,25")
    assert drawn.values[1].at == 75
    times = time_axis(plot(one, 30), PARIS, "fr")
    assert [each.text for each in times] == [each.text for each in drawn.times]
    assert drawn.times[0].at == round(100 * (times[0].at - (END - 30 * 86400)) / (30 * 86400), 1)


def test_every_other_day_of_a_week_is_spare_and_no_month_of_a_year_is() -> None:
    one = panel(Line("p", [END], [7.5]))
    week = time_axis(plot(one, 7), PARIS, "fr")
    assert len(week) == 7
    assert [each.spare for each in week] == [False, True] * 3 + [False]
    six = time_axis(replace(plot(one, 7), since=END - 7 * 86400 - 9 * 3600, until=END - 9 * 3600), PARIS, "en")
    assert [each.spare for each in six] == [False, True] * 3, "a name of a day and its number take the room of two"
    assert not any(each.spare for each in time_axis(plot(one, 366), PARIS, "fr"))


def test_days_have_an_area_between_their_extremes() -> None:
    one = panel(Line("p", [END - 86400, END], [7.5, 7.5], [7.2, 7.3], [7.8, 7.9], [0, 0]))
    assert curve(plot(one), one, PARIS, Words("en")).traces[0].area == "M0 20L100 10L100 70L0 80Z"


def test_a_coarser_line_keeps_its_extremes_and_its_breaks() -> None:
    at = [END - 86400 + n * 60 for n in range(1000)]
    value: list[float | None] = [7.5] * 1000
    low, high = [*value], [*value]
    high[501], value[700], low[700], high[700] = 7.9, None, None, None
    one = panel(Line("p", at, value, low, high, [0] * 1000))
    (trace,) = curve(plot(one), one, PARIS, Words("en"), 100).traces
    assert len(re.findall("[ML]", trace.path)) <= 102
    assert trace.path.count("M") == 2
    assert " 10L" in trace.area
    assert "L69.4 " in trace.path, "the newest value is in it"


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ((7.0, 8.0), ["7.00", "7.25", "7.50", "7.75", "8.00"]),
        ((0, 4000), ["0", "1,000", "2,000", "3,000", "4,000"]),
        ((-0.02, 0.013), ["\u22120.02", "\u22120.01", "0.00", "0.01"]),
    ],
)
def test_the_values_of_an_axis_are_round(axis: tuple[float, float], said: list[str]) -> None:
    one = panel(Line("p", [END], [7.5]), axis=axis)
    assert [tick.text for tick in curve(plot(one), one, PARIS, Words("en")).values] == said


@pytest.mark.parametrize("days", [1, 7, 31, 62, 92, 366, 1200, 3653])
@pytest.mark.parametrize("until", [NOW, datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2024, 2, 29, 1, tzinfo=UTC)])
def test_an_axis_of_time_has_a_few_instants_in_their_order(days: int, until: datetime) -> None:
    end = int(until.timestamp())
    ticks = time_ticks(Plot(end - days * 86400, end, 0, [], [], []), PARIS, "fr")
    instants = [at for at, _ in ticks]
    assert 2 <= len(ticks) <= 8
    assert instants == sorted(instants)
    assert all(until - timedelta(days=days) < at < until for at in instants)


@pytest.mark.parametrize(
    ("since", "minutes", "said"),
    [
        (datetime(2026, 7, 12, 10, 31, tzinfo=UTC), 10, ["12:32", "12:34", "12:36", "12:38", "12:40"]),
        (datetime(2026, 7, 12, 10, 31, tzinfo=UTC), 180, ["13:00", "13:30", "14:00", "14:30", "15:00", "15:30"]),
        (datetime(2026, 7, 12, 20, 30, tzinfo=UTC), 600, ["Mon\u00a013", "02:00", "04:00", "06:00", "08:00"]),
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), 60, ["01:40", "01:50", "03:00", "03:10", "03:20"]),
        (datetime(2026, 10, 25, 0, 20, tzinfo=UTC), 60, ["02:30", "02:40", "02:50", "02:00", "02:10"]),
        (datetime(2026, 10, 25, 1, 10, tzinfo=UTC), 45, ["02:20", "02:30", "02:40", "02:50"]),
        (datetime(2026, 10, 24, 22, 10, tzinfo=UTC), 600, ["02:00", "04:00", "06:00", "08:00"]),
    ],
)
def test_an_axis_of_a_short_part_has_round_times_also_when_the_clock_changes(
    since: datetime, minutes: int, said: list[str]
) -> None:
    begin = int(since.timestamp())
    ticks = time_ticks(Plot(begin, begin + minutes * 60, 0, [], [], []), PARIS, "en")
    assert [text for _, text in ticks] == said
    assert all(since < at < since + timedelta(minutes=minutes) for at, _ in ticks)


@pytest.mark.parametrize(
    ("zone", "since", "hours", "said"),
    [
        ("America/Havana", datetime(2026, 11, 1, 3, tzinfo=UTC), 5, ["Sun\u00a01", "00:00", "01:00", "02:00"]),
        ("Africa/Cairo", datetime(2026, 4, 23, 20, tzinfo=UTC), 4, ["23:00", "01:00", "02:00"]),
        (
            "Australia/Lord_Howe",
            datetime(2026, 4, 4, 13, 45, tzinfo=UTC),
            3,
            ["01:00", "01:30", "01:30", "02:00", "02:30", "03:00"],
        ),
        ("Asia/Kathmandu", datetime(2026, 4, 4, 14, tzinfo=UTC), 5, ["20:00", "21:00", "22:00", "23:00", "Sun\u00a05"]),
    ],
)
def test_round_times_are_those_of_the_clock_at_the_place(
    zone: str, since: datetime, hours: int, said: list[str]
) -> None:
    begin = int(since.timestamp())
    ticks = time_ticks(Plot(begin, begin + hours * 3600, 0, [], [], []), ZoneInfo(zone), "en")
    assert [text for _, text in ticks] == said
    assert sorted(at for at, _ in ticks) == [at for at, _ in ticks]


def test_the_axis_of_what_is_on_or_off_says_so() -> None:
    line = Line("p", [END - 86400, END - 43201, END - 43200, END], [0.0, 0.0, 1.0, 1.0])
    pump = Panel("pump", "", "", None, (-0.1, 1.1), None, None, [line], [], on_off=True)
    drawn = curve(plot(pump), pump, PARIS, Words("fr"))
    assert [(round(tick.at), tick.text) for tick in drawn.values] == [(92, "inactif"), (8, "actif")]
