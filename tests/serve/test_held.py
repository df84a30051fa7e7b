"""What is only on or off: for how much of a span it was on, and how much is read to tell that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.series import Slice, midnight
from margelle.domain.unit import Unit
from margelle.serve.held import Duty, duties
from margelle.serve.line import MOST_POINTS, Summary, Track, View
from margelle.serve.plot import Panel, plot
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import GARDEN, furnish

PUMP, ALARM, LAMP = (Track(GARDEN, f"baxo.{name}") for name in ("pump", "alarm", "lamp"))
STATES = frozenset(track.quantity for track in (PUMP, ALARM, LAMP))
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EXCLUDED = Doubt("vendor", "x")


class Store(MemoryStore):
    """Counts what is read of it one by one."""

    read = 0

    async def slices(self, *args: Any, **kwargs: Any) -> list[Slice]:
        found = await super().slices(*args, **kwargs)
        self.read += sum(len(one) for one in found)
        return found


def told(value: float, at: datetime, *doubts: Doubt, track: Track = PUMP) -> Measurement:
    return Measurement(GARDEN, track.quantity, at, value, str(value), Unit.STATE, "own/http", doubts)


def over(days: float, until: datetime = NOW) -> View:
    return View(until - days * DAY, until, "Europe/Paris", states=STATES, now=NOW)


async def stored(points: Iterable[Measurement]) -> Store:
    store = Store()
    await furnish(store, NOW)
    await store.add(list(points), NOW)
    return store


async def drawn(points: Iterable[Measurement], view: View) -> Panel:
    (panel,) = (await plot(await stored(points), "own:garden", [PUMP], view)).panels
    return panel


async def duty(points: Iterable[Measurement], view: View) -> Duty:
    """Of days, as they are told of it."""
    return (await duties(await stored(points), [PUMP], view, 1))[PUMP]


def runs(days: int, every: timedelta, on: timedelta) -> list[Measurement]:
    """It goes on again and again, for so long, up to now."""
    starts = [NOW - days * DAY + n * every for n in range(days * DAY // every)]
    return [point for at in starts for point in (told(1.0, at), told(0.0, at + on))]


@pytest.mark.parametrize("days", [7, 30, 62])
async def test_however_often_it_goes_on_and_off_it_was_on_for_the_time_in_which_it_was(days: int) -> None:
    panel = await drawn(runs(days, HOUR, 5 * MINUTE), over(days))
    (summary,) = panel.summaries
    assert summary.mean == pytest.approx(1 / 12, abs=0.0001)
    assert (summary.minimum, summary.median, summary.maximum) == (0, 0, 1)
    at, value = panel.lines[0].at, panel.lines[0].value
    assert len(at) <= 2 * MOST_POINTS
    assert (at[-1], set(value)) == (NOW.timestamp(), {0.0, 1.0})


async def test_what_is_told_after_a_span_is_not_told_of_it() -> None:
    until = datetime(2026, 6, 30, 22, tzinfo=UTC)  # midnight in Paris
    view = over(90, until)
    panel = await drawn([told(1.0, view.since + DAY), told(0.0, until + 5 * HOUR)], view)
    assert panel.summaries == [Summary(GARDEN, 1, 100, 100, 100, 100, 0)]


async def test_nor_is_it_where_its_readings_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("margelle.serve.held.MOST_TOLD", 10)
    until = datetime(2026, 6, 30, 22, tzinfo=UTC)
    points = [told(float(n % 2), until - 20 * DAY + n * HOUR) for n in range(600)]
    panel = await drawn(points, over(90, until))
    assert panel.share == "readings"
    assert panel.lines[0].at[-1] < until.timestamp()
    assert panel.summaries[0].count == 480


@pytest.mark.parametrize("days", [60, 90])
async def test_the_ends_are_what_it_held_and_not_what_was_told(days: int) -> None:
    view = over(days)
    points = [told(1.0, view.since - DAY), told(0.0, NOW - days / 2 * DAY), told(0.0, NOW - MINUTE)]
    (summary,) = (await drawn(points, view)).summaries
    whole = 100 if view.by_days else 1
    assert (summary.minimum, summary.mean, summary.maximum) == (0, whole / 2, whole)


async def test_what_it_held_until_the_span_began_is_not_told_of_it() -> None:
    view = over(90)
    (summary,) = (
        await drawn([told(1.0, view.since - DAY), told(0.0, view.since), told(0.0, NOW - DAY)], view)
    ).summaries
    assert (summary.minimum, summary.mean, summary.maximum) == (0, 0, 0)


@pytest.mark.parametrize("days", [20, 90])
async def test_what_was_on_all_the_time_has_statistics_though_nothing_was_told(days: int) -> None:
    warmth = Measurement(GARDEN, "temperature", NOW - HOUR, 20.0, "20", Unit.CELSIUS, "own/http")
    view = over(days)
    whole = 100 if view.by_days else 1
    (summary,) = (await drawn([told(1.0, view.since - DAY), warmth], view)).summaries
    assert summary == Summary(GARDEN, 0, whole, whole, whole, whole, 0)


@pytest.mark.parametrize("days", [20, 90])
async def test_behind_a_doubted_reading_before_the_span_is_what_it_held(days: int) -> None:
    view = over(days)
    points = [told(1.0, view.since - 5 * DAY), told(0.0, view.since + DAY)]
    points += [told(0.0, view.since - 4 * DAY + n * MINUTE, EXCLUDED) for n in range(300)]
    panel = await drawn(points, view)
    assert panel.lines[0].value[0] == (100 if view.by_days else 1)
    assert panel.summaries[0].maximum == (100 if view.by_days else 1)


async def test_a_probe_that_is_not_heard_of_any_more_is_not_on_for_ever() -> None:
    view = over(365)
    points = [told(0.0, view.since + DAY), told(1.0, view.since + 2 * DAY)]
    alone = await duty(points, view)
    assert alone.whole == pytest.approx(30 / 31), "of all that could be heard, nothing is for a month"
    assert len(alone.days) == 32

    def warm(at: datetime) -> Measurement:
        return Measurement(GARDEN, "temperature", at, 20.0, "20", Unit.CELSIUS, "own/http")

    assert (await duty([*points, warm(view.since + 2 * DAY)], view)).whole == pytest.approx(1 / 2), (
        "and measured hourly"
    )
    assert (await duty([*points, warm(NOW - HOUR)], view)).whole == pytest.approx(363 / 364), "and still does"


async def test_between_two_readings_it_is_known_what_it_held_however_far_they_are_apart() -> None:
    view = over(365)
    points = [told(1.0, view.since), told(0.0, view.since + 300 * DAY), told(1.0, NOW)]
    assert (await duty(points, view)).whole == pytest.approx(300 / 365)


async def test_what_is_neither_0_nor_1_is_on() -> None:
    view = over(90)
    (summary,) = (await drawn([told(2.0, view.since), told(0.0, NOW - 45 * DAY), told(0.0, NOW)], view)).summaries
    assert (summary.minimum, summary.mean, summary.maximum) == (0, 50, 100)


async def test_of_a_flood_of_doubted_readings_no_more_is_read_than_of_sound_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Days of nothing but doubted ones have no statistics by which they would be counted."""
    monkeypatch.setattr("margelle.serve.held.MOST_TOLD", 100)
    view = over(90)
    flood = [told(0.0, view.since + 10 * DAY + n * MINUTE, EXCLUDED) for n in range(5000)]
    store = await stored([told(1.0, view.since), told(0.0, view.since + DAY), *flood])
    found = (await duties(store, [PUMP], view, 1))[PUMP]
    assert (found.by, store.read) == ("readings", 101)


async def test_all_that_is_on_or_off_shares_what_may_be_read_and_what_tells_least_is_told_by_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("margelle.serve.held.MOST_TOLD", 150)
    view = over(90)
    many = {PUMP: 120, ALARM: 4, LAMP: 100}
    store = await stored(
        told(float(n % 2), view.since + (1 + 80 * n / count) * DAY, track=track)
        for track, count in many.items()
        for n in range(count)
    )
    found = await duties(store, list(many), view, 1)
    assert {track: one.by for track, one in found.items()} == {ALARM: "time", LAMP: "time", PUMP: "readings"}
    assert store.read == 104
    panels = (await plot(store, "own:garden", list(many), view)).panels
    assert {panel.quantity: panel.share for panel in panels} == {track.quantity: one.by for track, one in found.items()}
    for panel in panels:
        (summary,), one = panel.summaries, found[Track(GARDEN, panel.quantity)]
        assert one.whole is not None
        assert summary.mean == pytest.approx(100 * one.whole, abs=0.05), "curve and table say the same"
        assert panel.lines[0].value == [round(100 * each, 1) for each in one.days.values()]


@given(st.dictionaries(st.integers(0, 90 * 24 * 60), st.booleans(), min_size=1, max_size=30))
async def test_the_days_add_up_to_the_whole(minutes: dict[int, bool]) -> None:
    view = over(91, NOW - 6 * HOUR)
    points = [(view.since + minute * MINUTE, on) for minute, on in sorted(minutes.items())]
    found = await duty([told(float(on), at) for at, on in points], view)
    end = min(view.until, points[-1][0] + 30 * DAY)
    ends = [*(at for at, _ in points[1:]), end]
    on = sum(((later - at) / DAY for (at, state), later in zip(points, ends, strict=True) if state), 0.0)
    assert found.whole == pytest.approx(on / ((end - points[0][0]) / DAY))
    begun = {day: midnight(day, ZoneInfo("Europe/Paris")) for day in found.days}
    known = {day: (min(at + DAY, end) - max(at, points[0][0])) / DAY for day, at in begun.items()}
    assert sum(found.days[day] * known[day] for day in known) == pytest.approx(on)
