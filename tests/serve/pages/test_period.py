from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from margelle.serve.pages.period import SPANS, Period, period
from tests.conftest import NOW


@pytest.mark.parametrize("span", SPANS)
def test_each_span_ends_now(span: str) -> None:
    found = period(span, "", NOW)
    assert (found.until, found.is_now, found.after(NOW)) == (NOW, True, "")


@pytest.mark.parametrize("span", ["", "fortnight", "<b>"])
def test_an_unknown_span_is_a_week(span: str) -> None:
    assert period(span, "", NOW).since == NOW - timedelta(days=7)


@pytest.mark.parametrize(
    "until", ["yesterday", "2026-99-99", "0001-01-01", "2030-01-01", "9999-12-31T23:59:59+14:00", "x" * 9999]
)
def test_an_end_that_is_none_or_ahead_is_now(until: str) -> None:
    assert period("week", until, NOW).is_now


def asked(query: str) -> Period:
    """The period that a page's link asks for."""
    known = dict(parse_qsl(query))
    return period(known["span"], known.get("until", ""), NOW)


def test_one_goes_back_and_forth_without_a_gap() -> None:
    week = period("week", "", NOW)
    before = asked(week.before)
    assert (before.since, before.until) == (week.since - timedelta(days=7), week.since)
    assert asked(before.after(NOW)) == week
    assert asked(before.query) == before


def test_all_begins_where_measuring_began_but_ten_years_ago_at_most() -> None:
    assert period("all", "", NOW, NOW - timedelta(days=400)).since == NOW - timedelta(days=400)
    assert period("all", "", NOW, NOW - timedelta(days=4000)).since == NOW - SPANS["all"]
    assert period("all", "", NOW, NOW - timedelta(hours=1)).since == NOW - timedelta(days=1), "a line needs some width"
    assert period("all", "", NOW).before == ""
