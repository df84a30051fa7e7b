from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.domain.event import Event
from margelle.domain.limits import Bands
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Band
from margelle.domain.unit import Unit
from margelle.ports import Gap
from margelle.serve.line import MOST_BUCKETS, MOST_POINTS, Track, View
from margelle.serve.plot import Plot, beginning, plot
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import GARDEN, furnish

SITE = "own:garden"
PH = Track(GARDEN, "ph")
WARMTH = Track(GARDEN, "temperature")


def at(quantity: str, value: float | None, ago: timedelta, *doubts: Doubt) -> Measurement:
    unit = {"ph": Unit.PH, "temperature": Unit.CELSIUS}.get(quantity, Unit.MILLIVOLT)
    return Measurement(GARDEN, quantity, NOW - ago, value, str(value), unit, "own/http", doubts)


async def drawn(*points: Measurement, days: float = 7, **view: object) -> Plot:
    store = MemoryStore()
    await furnish(store, NOW)
    await store.add(list(points), NOW)
    return await plot(store, SITE, [PH, WARMTH], View(NOW - timedelta(days=days), NOW, **view))  # type: ignore[arg-type]


def hourly(days: int, value: float = 7.4) -> list[Measurement]:
    return [at("ph", value + hour % 24 / 100, timedelta(hours=hour + 0.5)) for hour in range(days * 24)]


async def test_a_short_span_has_every_reading() -> None:
    found = await drawn(*hourly(3))
    (panel,) = found.panels
    (line,) = panel.lines
    assert (found.step_s, panel.quantity, len(line.at), line.low) == (0, "ph", 72, None)
    assert line.at == sorted(line.at)
    assert line.value[-1] == 7.4


async def test_a_long_silence_breaks_the_line() -> None:
    found = await drawn(at("ph", 7.4, timedelta(hours=20)), at("ph", 7.5, timedelta(hours=13)))
    assert found.panels[0].lines[0].value == [7.4, None, 7.5]


PUMP = Track(GARDEN, "baxo.pump")


async def switched(*points: Measurement, gaps: tuple[Gap, ...] = (), until_ago: timedelta = timedelta()) -> Plot:
    store = MemoryStore()
    await furnish(store, NOW)
    await store.add(list(points), NOW)
    await store.put_gaps((), gaps)
    view = View(NOW - timedelta(days=7), NOW - until_ago, states=frozenset({PUMP.quantity}), now=NOW)
    return await plot(store, SITE, [PUMP], view)


async def test_what_is_on_or_off_holds_until_it_changes() -> None:
    told = ((9, 1.0), (3, 0.0), (2, 0.0), (1, 1.0))
    found = await switched(*[at(PUMP.quantity, value, timedelta(days=days)) for days, value in told])
    (panel,) = found.panels
    (line,) = panel.lines
    day, now = 86400, int(NOW.timestamp())
    corners = [(7 * day, 1.0), (3 * day + 1, 1.0), (3 * day, 0.0), (day + 1, 0.0), (day, 1.0), (0, 1.0)]
    assert list(zip(line.at, line.value, strict=True)) == [(now - ago, value) for ago, value in corners]
    assert (panel.on_off, panel.axis, panel.summaries[0].count) == (True, (-0.1, 1.1), 3)


async def test_a_silence_of_what_is_on_or_off_is_no_hole() -> None:
    gap = Gap(GARDEN, PUMP.quantity, NOW - timedelta(days=3), NOW - timedelta(days=1), "lost", NOW)
    found = await switched(at(PUMP.quantity, 1.0, timedelta(days=3)), gaps=(gap,))
    assert found.holes == []
    assert None not in found.panels[0].lines[0].value


async def test_what_was_switched_before_the_span_is_shown_in_it() -> None:
    found = await switched(at(PUMP.quantity, 1.0, timedelta(days=30)), until_ago=timedelta(days=1))
    assert found.panels[0].lines[0].at == [int((NOW - timedelta(days=days)).timestamp()) for days in (7, 1)]


async def test_what_changes_more_often_than_can_be_seen_is_drawn_as_any_line() -> None:
    points = [at(PUMP.quantity, float(n % 2), timedelta(minutes=n + 1)) for n in range(2 * MOST_POINTS)]
    assert len((await switched(*points)).panels[0].lines[0].at) <= MOST_POINTS


@pytest.mark.parametrize(
    ("days", "most", "shares"),
    [
        (100, 50_000, [100.0] * 30 + [75.0] + [0.0] * 10),
        (1000, 50_000, []),
        (100, 3, [100.0, 50.0]),
    ],
)
async def test_of_a_long_span_what_is_on_or_off_has_for_how_much_of_each_day_it_was_on(
    monkeypatch: pytest.MonkeyPatch, days: int, most: int, shares: list[float]
) -> None:
    monkeypatch.setattr("margelle.serve.held.MOST_TOLD", most)
    store, told = MemoryStore(), datetime(2026, 7, 4, 18, tzinfo=UTC)
    await furnish(store, NOW)
    since = told - timedelta(days=30, hours=18)
    points = [(since, 1.0), (since + timedelta(hours=1), 1.0), (told, 0.0), (told - timedelta(hours=1), 1.0)]
    await store.add([replace(at(PUMP.quantity, value, timedelta()), at=instant) for instant, value in points], NOW)
    view = View(NOW - timedelta(days=days), NOW, states=frozenset({PUMP.quantity}), now=NOW)
    (panel,) = (await plot(store, SITE, [PUMP], view)).panels
    (line,), (summary,) = panel.lines, panel.summaries
    share = "time" if most > 3 else "readings"
    assert (panel.share, panel.on_off, panel.unit, panel.axis) == (share, False, "%", (-10, 110))
    if shares:
        assert (line.value, line.low, line.high) == (shares, None, None)
    assert all(value is not None and 0 <= value <= 100 for value in line.value)
    assert (summary.minimum, summary.maximum, summary.count) == (0, 100, 4)
    assert summary.mean == pytest.approx(75, abs=5)


async def test_doubted_values_stand_beside_the_line_with_their_reasons() -> None:
    found = await drawn(*hourly(1), at("ph", 11.0, timedelta(hours=2), Doubt("jump", "a jump")))
    (panel,) = found.panels
    doubted = panel.lines[0].doubted
    assert doubted is not None
    assert (doubted.value, doubted.kind, doubted.reason) == ([11.0], ["jump"], ["a jump"])
    assert panel.axis[1] < 8, "the axis is the sound values' own"
    assert panel.summaries[0].doubtful == 1
    assert panel.summaries[0].maximum < 8


async def test_where_all_is_doubted_it_is_shown_all_the_same() -> None:
    found = await drawn(at("ph", 11.0, timedelta(hours=2), Doubt("jump", "a jump")))
    (panel,) = found.panels
    assert panel.summaries == []
    assert panel.axis[0] < 11 < panel.axis[1]


async def test_what_was_never_measured_has_no_panel() -> None:
    assert (await drawn()).panels == []


@pytest.mark.parametrize(("days", "step"), [(100, 1), (366, 1), (800, 3), (3653, 10)])
async def test_a_long_span_is_drawn_from_its_days_and_never_with_more_than_a_screen_shows(days: int, step: int) -> None:
    points = [at("ph", 7 + hour % 2, timedelta(hours=6 * hour + 1)) for hour in range(4 * min(days, 900))]
    found = await drawn(*points, days=days, time_zone="Europe/Paris")
    (line,) = found.panels[0].lines
    assert found.step_s == step * 86400
    assert len(line.at) <= MOST_BUCKETS + 2
    assert line.low is not None
    assert line.high is not None
    assert all(
        low == 7 and value == 7.5 and high == 8
        for low, value, high in list(zip(line.low, line.value, line.high, strict=True))[2:-2]
    )


async def test_a_season_without_readings_breaks_the_line_of_days() -> None:
    found = await drawn(at("ph", 7.4, timedelta(days=80)), at("ph", 7.5, timedelta(days=10)), days=92)
    assert found.panels[0].lines[0].value == [7.4, None, 7.5]


async def test_days_count_what_was_doubted_in_them() -> None:
    day = [at("ph", 7.4, timedelta(days=5, hours=hour)) for hour in range(3)]
    found = await drawn(*day, at("ph", 11, timedelta(days=5, hours=1.5), Doubt("range", "x")), days=92)
    assert found.panels[0].lines[0].doubtful == [1]
    assert found.panels[0].summaries[0].doubtful == 1


async def test_values_limits_and_figures_are_in_the_units_that_the_reader_prefers() -> None:
    bands = {"temperature": Bands(Band(20, 30), Band(None, 36), "owner")}
    found = await drawn(at("temperature", 25.0, timedelta(hours=1)), units={"temperature": "[degF]"}, bands=bands)
    (panel,) = found.panels
    assert (panel.unit, panel.symbol, panel.decimals) == ("[degF]", "°F", 1)
    assert panel.lines[0].value == [77.0]
    assert (panel.ideal, panel.tolerable) == (Band(68, 86), Band(None, 96.8))
    assert panel.summaries[0].maximum == 77.0
    assert panel.summaries[0].within == 1


async def test_a_unit_of_another_dimension_is_no_preference() -> None:
    found = await drawn(at("temperature", 25.0, timedelta(hours=1)), units={"temperature": "mV"})
    assert found.panels[0].unit == "Cel"


async def test_a_limit_that_is_near_is_on_the_axis_and_one_far_away_is_not() -> None:
    near = {"ph": Bands(Band(7.2, 7.6), None, "owner")}
    far = {"ph": Bands(Band(2, 12), None, "owner")}
    low, high = (await drawn(*hourly(2), bands=near)).panels[0].axis
    assert low < 7.2
    assert high > 7.6
    low, high = (await drawn(*hourly(2), bands=far)).panels[0].axis
    assert 7 < low < high < 8


async def test_what_was_done_and_where_readings_are_missing_stands_on_the_same_time_line() -> None:
    store = MemoryStore()
    await furnish(store, NOW)
    await store.add(hourly(3), NOW)
    dose = Event("e", SITE, "dose", NOW - timedelta(hours=5), "anna@example.org", NOW, "ph_minus", 300, "g")
    await store.put_event(dose)
    since = NOW - timedelta(days=9)
    gaps = [
        Gap(GARDEN, "ph", since, NOW - timedelta(days=6), "lost", NOW),
        Gap(GARDEN, "ph", NOW - timedelta(days=5), NOW - timedelta(days=4), "filled", NOW),
        Gap(GARDEN, "orp", NOW - timedelta(days=3), NOW - timedelta(days=2), "open", NOW),
    ]
    await store.put_gaps((), gaps)
    found = await plot(store, SITE, [PH], View(NOW - timedelta(days=7), NOW))
    assert [mark.event for mark in found.marks] == [dose]
    assert [(hole.state, hole.since) for hole in found.holes] == [("lost", found.since)], "cut to what is shown"


async def test_where_anything_began_is_known() -> None:
    store = MemoryStore()
    await furnish(store, NOW)
    assert await beginning(store, [PH, WARMTH]) is None
    await store.add([at("ph", 7.4, timedelta(days=50)), at("temperature", 20, timedelta(days=60))], NOW)
    assert await beginning(store, [PH, WARMTH]) == NOW - timedelta(days=60)


@given(
    st.lists(st.tuples(st.floats(2, 12), st.booleans(), st.integers(1, 60 * 24 * 7)), max_size=40),
    st.sampled_from([1, 7, 70]),
)
async def test_no_sound_extreme_is_lost_and_nothing_is_invented(
    points: list[tuple[float, bool, int]], days: int
) -> None:
    unique = {minutes: (value, doubted) for value, doubted, minutes in points}
    given_points = [
        at("ph", value, timedelta(minutes=minutes), *([Doubt("jump", "x")] if doubted else []))
        for minutes, (value, doubted) in unique.items()
    ]
    found = await drawn(*given_points, days=days)
    sound = [
        value
        for minutes, (value, doubted) in unique.items()
        if not doubted and (minutes <= days * 24 * 60 or days == 70)
    ]
    columns = [
        column
        for panel in found.panels
        for line in panel.lines
        for column in ((line.value,) if line.low is None else (line.low, line.high or []))
    ]
    told = {value for column in columns for value in column if value is not None}
    if sound:
        assert min(told) == pytest.approx(min(sound), abs=0.0005), "to one digit more than a page shows"
        assert max(told) == pytest.approx(max(sound), abs=0.0005)
    else:
        assert not told


async def test_many_readings_are_thinned_and_keep_their_extremes() -> None:
    minutes = [at("ph", 7.4, timedelta(minutes=n)) for n in range(1, 5000)] + [at("ph", 7.9, timedelta(minutes=2500.5))]
    (line,) = (await drawn(*minutes)).panels[0].lines
    assert len(line.at) <= MOST_POINTS
    assert 7.9 in line.value


async def test_a_plot_is_json() -> None:
    text = msgspec.json.encode(await drawn(*hourly(2)))
    assert json.loads(text)["panels"][0]["quantity"] == "ph"
