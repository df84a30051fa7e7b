from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from margelle.errors import BadInput
from margelle.serve.pages.period import SHORTEST, SPANS, Period, period
from margelle.serve.pages.words import Words
from tests.conftest import NOW

PARIS = ZoneInfo("Europe/Paris")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def asked(query: str, now: datetime = NOW, beginning: datetime | None = None) -> Period:
    """The period that a page's link asks for."""
    return period(dict(parse_qsl(query)), PARIS, now, beginning)


def part(since: datetime, until: datetime, span: str = "week") -> Period:
    return asked(f"span={span}&from={since:%Y-%m-%dT%H:%M:%SZ}&to={until:%Y-%m-%dT%H:%M:%SZ}")


@pytest.mark.parametrize("span", SPANS)
def test_each_span_ends_now(span: str) -> None:
    found = asked(f"span={span}")
    assert (found.until, found.is_now, found.whole, found.after(NOW)) == (NOW, True, None, "")


def test_where_nothing_is_said_it_is_the_last_week() -> None:
    assert asked("").since == asked("span=").since == NOW - 7 * DAY


@pytest.mark.parametrize("until", ["2030-01-01", "2026-07-14", "2026-07-14T14:31"])
def test_an_end_that_is_ahead_is_now(until: str) -> None:
    assert asked(f"until={until}").is_now


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-99-99",
        "0001-01-01",
        "9999-12-31T23:59:59+14:00",
        "1960-01-01",
        "x" * 999,
        "-5",
        "2026-W28",
        "2026-W28-2",
        "2026W28",
        "20260712",
    ],
)
@pytest.mark.parametrize("name", ["until", "from", "to"])
def test_an_end_that_is_none_is_told_with_its_name_and_an_example(name: str, text: str) -> None:
    with pytest.raises(BadInput) as error:
        period({"from": "2026-07-01", name: text}, PARIS, NOW)
    assert f"{name}={text[:40]}" in error.value.what
    for language, example in (("en", "write it like 2026-07-14"), ("fr", "écrivez 2026-07-14")):
        told = Words(language).said(error.value.sentence)  # type: ignore[arg-type]
        assert example in told.text
        assert f"{name}={text[:40]}" in told.text


@pytest.mark.parametrize(
    ("query", "english", "french"),
    [
        (
            "span=fortnight",
            "'fortnight' is no span: it is one of day, week",
            "n’existe pas. Il y a\u00a0: Jour, Semaine, Mois",
        ),
        ("from=2026-07-12&to=2026-07-11", "ends before it begins", "finit avant de commencer"),
        ("from=2027-01-01", "begins in the future", "commence dans le futur"),
        ("from=2026-07-12T12:00&to=2026-07-12T12:09", "between ten minutes and ten years", "de dix minutes à dix ans"),
        ("from=2010-01-01&to=2026-07-12", "between ten minutes and ten years", "de dix minutes à dix ans"),
        ("to=2026-07-12", "'from=' is no day", "n’est ni un jour ni un instant"),
    ],
)
def test_what_is_no_period_is_told_in_both_languages(query: str, english: str, french: str) -> None:
    with pytest.raises(BadInput) as error:
        asked(query)
    assert english in Words("en").said(error.value.sentence).text
    assert french in Words("fr").said(error.value.sentence).text


def test_a_part_is_of_whole_days_at_the_place_or_between_instants() -> None:
    days = asked("from=2026-07-01&to=2026-07-03")
    assert (days.since, days.until) == (datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 3, 22, tzinfo=UTC))
    assert days.days(PARIS) == ("2026-07-01", "2026-07-03")
    same = asked("from=2026-07-01T00:00&to=2026-07-04T00:00"), asked("from=1782856800&to=2026-07-03T22:00Z")
    assert {(each.since, each.until) for each in same} == {(days.since, days.until)}
    assert asked("from=2026-07-12&to=2026-07-14").until == asked("from=2026-07-12").until == NOW


def test_a_day_on_which_the_clock_changes_is_whole() -> None:
    short = asked("from=2026-03-29&to=2026-03-29")
    assert short.until - short.since == 23 * HOUR
    with pytest.raises(BadInput):
        asked("from=2026-03-29T02:30&to=2026-03-29T04:30")  # the clock skipped it


@pytest.mark.parametrize(
    "query",
    [
        "span=month&until=2026-07-14T12:30Z&from=2026-07-12T12:30Z&to=2026-07-12T20:30Z",
        "span=week&until=2026-06-01T12:30Z&from=2026-05-30T12:30:15Z&to=2026-05-30T20:30Z",
        "span=year&until=2026-06-01T00:00Z",
        "span=day",
    ],
)
def test_there_is_one_way_to_write_a_period(query: str) -> None:
    assert asked(query).query == query


def test_a_link_to_a_part_is_good_for_ever() -> None:
    """What is shown never moves; the whole around it is still so long when it is no more of the last week."""
    first = part(NOW - 30 * HOUR, NOW)
    later = asked(first.query, NOW + 20 * DAY)
    assert (later.since, later.until, later.is_now) == (first.since, first.until, False)
    assert first.whole == asked("span=week")
    assert later.whole == asked(f"span=week&until={NOW:%Y-%m-%dT%H:%MZ}", NOW + 20 * DAY)


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("later", [timedelta(), timedelta(seconds=40), 30 * MINUTE, 3 * HOUR, 40 * DAY])
def test_a_part_at_either_end_has_the_whole_it_was_taken_from_however_late_that_is_asked(
    span: str, later: timedelta
) -> None:
    """A page that was opened between two minutes stays open, while the hub's clock goes on."""
    opened = NOW + timedelta(seconds=37, microseconds=250)
    beginning = opened - 700 * DAY
    seen = asked(f"span={span}", opened, beginning)
    since, until = seen.since.replace(microsecond=0), seen.until.replace(microsecond=0)
    for first, last in ((since, since + HOUR), (until - HOUR, until)):
        query = f"{seen.fixed}&from={first:%Y-%m-%dT%H:%M:%SZ}&to={last:%Y-%m-%dT%H:%M:%SZ}"
        found = asked(query, opened + later, beginning)
        assert found.query == query, "as the hub writes it too"
        assert found.whole is not None
        assert (found.whole.since, found.whole.until) == (since, until)
        again = asked(found.whole.query, opened + later, beginning)
        assert (again.since, again.until) == (since, until)


@pytest.mark.parametrize(
    ("length", "until", "whole"),
    [
        (3 * DAY, NOW, "week"),
        (8 * DAY, NOW, "month"),
        (8 * DAY, NOW - 60 * DAY, "month"),
        (100 * DAY, NOW - DAY, "year"),
        (400 * DAY, NOW, "all"),
    ],
)
def test_a_part_has_a_whole_that_holds_it(length: timedelta, until: datetime, whole: str) -> None:
    found = part(until - length, until)
    assert found.whole is not None
    assert found.whole.span == whole
    assert found.whole.since <= found.since < found.until <= found.whole.until
    assert found.whole.is_now is (until > NOW - 2 * DAY)
    assert asked(found.query) == found


def test_of_all_the_whole_of_a_part_begins_where_measuring_began_or_the_part_does() -> None:
    beginning = NOW - 500 * DAY
    inside, around = (asked(f"span=all&from={NOW - n * DAY:%Y-%m-%d}", beginning=beginning) for n in (400, 600))
    assert inside.whole is not None
    assert around.whole is not None
    assert (inside.whole.since, around.whole.since) == (beginning, around.since)


def test_one_goes_back_and_forth_without_a_gap() -> None:
    for now in (NOW, NOW + timedelta(seconds=15)):
        week = asked("span=week", now)
        before = asked(week.before, now)
        assert (before.since, before.until) == (week.since - timedelta(days=7), week.since)
        assert asked(before.after(now), now) == week
        assert asked(before.query, now) == before


def test_parts_go_back_and_forth_by_their_own_length_up_to_now() -> None:
    one = part(NOW - 5 * HOUR, NOW - 2 * HOUR, "day")
    before = asked(one.before)
    assert (before.since, before.until) == (NOW - 8 * HOUR, NOW - 5 * HOUR)
    again = asked(before.after(NOW))
    assert (again.since, again.until) == (one.since, one.until)
    last = asked(one.after(NOW))
    assert (last.since, last.until, last.after(NOW)) == (NOW - 3 * HOUR, NOW, "")
    for _ in range(20):
        before = asked(before.before)
    assert before.until == NOW - 65 * HOUR


def test_no_link_leads_before_the_first_year_of_all() -> None:
    for query in ("span=week&until=1971-01-12", "from=1971-01-03&to=1971-01-08"):
        assert asked(query).before == ""


def test_the_shortest_part_that_ends_now_is_one() -> None:
    assert part(NOW - SHORTEST, NOW + MINUTE).until == NOW


@pytest.mark.parametrize(
    ("query", "english", "french"),
    [
        ("from=2026-07-12&to=2026-07-13", ("12 July 2026", "13 July 2026"), ("12 juillet 2026", "13 juillet 2026")),
        ("span=year&until=2026-06-01T12:00", ("31 May 2025", "1 June 2026"), ("31 mai 2025", "1er juin 2026")),
        ("from=2026-07-12T08:00&to=2026-07-12T09:30", ("Sun 12 July 08:00", "Sun 12 July 09:30"), ("dim. 12 juillet 08:00", "dim. 12 juillet 09:30")),
        ("from=2025-07-12T08:00&to=2025-07-12T09:30", ("Sat 12 July 2025 08:00", "Sat 12 July 2025 09:30"), ("sam. 12 juillet 2025 08:00", "sam. 12 juillet 2025 09:30")),
    ],
)  # fmt: skip
def test_its_ends_are_told_as_exactly_as_they_are_meant(
    query: str, english: tuple[str, str], french: tuple[str, str]
) -> None:
    found = asked(query)
    for language, told in (("en", english), ("fr", french)):
        ends = found.ends(PARIS, NOW, language)  # type: ignore[arg-type]
        assert tuple(each.replace("\u00a0", " ") for each in ends) == told


def test_all_begins_where_measuring_began_but_ten_years_ago_at_most() -> None:
    def began(ago: timedelta) -> datetime:
        return asked("span=all", beginning=NOW - ago).since

    assert began(400 * DAY) == NOW - 400 * DAY
    assert began(4000 * DAY) == NOW - SPANS["all"]
    assert began(HOUR) == NOW - DAY, "a line needs some width"
    assert asked("span=all").before == ""
