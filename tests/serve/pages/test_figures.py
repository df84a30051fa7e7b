from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from margelle.domain.unit import Unit
from margelle.serve.pages.figures import ago, as_written, bytes_of, clock_time, day, freshness, number, with_unit, zone
from margelle.serve.pages.words import Language, Words
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("value", "decimals", "english", "french"),
    [
        (7.2, 2, "7.20", "7,20"),
        (26.85, 1, "26.9", "26,9"),
        (1182.0, 0, "1,182", "1\u00a0182"),
        (1234567.891, 2, "1,234,567.89", "1\u00a0234\u00a0567,89"),
        (-3.5, 1, "\u22123.5", "\u22123,5"),
        (-0.04, 1, "0.0", "0,0"),
        (0.0, 0, "0", "0"),
    ],
)
def test_a_number_is_written_as_its_language_does(value: float, decimals: int, english: str, french: str) -> None:
    assert number(value, decimals, "en") == english
    assert number(value, decimals, "fr") == french


@pytest.mark.parametrize(
    ("raw", "english", "french"),
    [
        ("7.80", "7.80", "7,80"),
        ("2783", "2,783", "2\u00a0783"),
        ("-0.5", "\u22120.5", "\u22120,5"),
        ("1e3", "1e3", "1e3"),
        ("OFF", "OFF", "OFF"),
    ],
)
def test_a_number_that_somebody_wrote_keeps_its_digits(raw: str, english: str, french: str) -> None:
    assert (as_written(raw, "en"), as_written(raw, "fr")) == (english, french)


def test_a_unit_never_leaves_its_number_and_some_are_not_written() -> None:
    assert with_unit("27.1", Unit.CELSIUS) == "27.1\u00a0°C"
    assert with_unit("7.20", Unit.PH) == "7.20"
    assert with_unit("52", "m³") == "52\u00a0m³"


@pytest.mark.parametrize(
    ("minutes", "english", "french"),
    [
        (0, "just now", "à l’instant"),
        (0.99, "just now", "à l’instant"),
        (12.9, "12\u00a0min ago", "il\u00a0y\u00a0a 12\u00a0min"),
        (59.9, "59\u00a0min ago", "il\u00a0y\u00a0a 59\u00a0min"),
        (60, "1\u00a0h ago", "il\u00a0y\u00a0a 1\u00a0h"),
        (23.9 * 60, "23\u00a0h ago", "il\u00a0y\u00a0a 23\u00a0h"),
        (24 * 60, "yesterday", "hier"),
        (49 * 60, "2\u00a0days ago", "il\u00a0y\u00a0a 2\u00a0jours"),
        (-9, "just now", "à l’instant"),
        (-30, "ahead of the clock", "en avance sur l’horloge"),
    ],
)
def test_an_age_is_told_as_people_do(minutes: float, english: str, french: str) -> None:
    at = NOW - timedelta(minutes=minutes)
    assert ago(at, NOW, Words("en")) == english
    assert ago(at, NOW, Words("fr")) == french


@pytest.mark.parametrize(
    ("hours", "state"),
    [(0, "fresh"), (2.99, "fresh"), (3, "stale"), (23.99, "stale"), (24, "silent"), (9999, "silent")],
)
def test_a_reading_is_stale_after_three_hours_and_silent_after_a_day(hours: float, state: str) -> None:
    assert freshness(NOW - timedelta(hours=hours), NOW) == state


def test_what_was_never_measured_has_no_age() -> None:
    assert freshness(None, NOW) == "never"


@pytest.mark.parametrize(
    ("at", "language", "text"),
    [
        (datetime(2026, 7, 14, 12, 18, tzinfo=UTC), "en", "14:18\u00a0CEST"),
        (datetime(2026, 7, 13, 22, 30, tzinfo=UTC), "en", "00:30\u00a0CEST"),
        (datetime(2026, 7, 13, 21, 30, tzinfo=UTC), "en", "Mon 13\u00a0July, 23:30\u00a0CEST"),
        (datetime(2026, 7, 1, 7, 0, tzinfo=UTC), "fr", "mer. 1er\u00a0juillet, 09:00\u00a0CEST"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "fr", "dim. 29\u00a0mars, 03:30\u00a0CEST"),
    ],
    ids=["today", "today there", "yesterday there", "first of the month", "just after the clocks changed"],
)
def test_times_are_those_of_the_site_with_the_day_where_it_is_not_today(
    at: datetime, language: Language, text: str
) -> None:
    assert clock_time(at, zone("Europe/Paris"), NOW, language) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [("UTC", "12:30\u00a0UTC"), ("America/Lima", "07:30\u00a0UTC-05"), ("Europe/Paris", "14:30\u00a0CEST")],
)
def test_every_time_names_its_zone(name: str, text: str) -> None:
    assert clock_time(NOW, zone(name), NOW, "en") == text


def test_a_day_is_the_sites_own() -> None:
    assert day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), zone("Europe/Paris"), "fr") == "1er\u00a0janvier"


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../../etc/passwd", "\x00", "Europe"])
def test_a_zone_that_does_not_exist_is_utc(name: str) -> None:
    assert zone(name).key == "UTC"


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [
        (0, "0 B", "0 o"),
        (999, "999 B", "999 o"),
        (286_800, "286.8 kB", "286,8 ko"),
        (5_200_000_000, "5.2 GB", "5,2 Go"),
    ],
)
def test_bytes_are_counted_in_each_languages_words(count: int, english: str, french: str) -> None:
    assert (bytes_of(count, "en"), bytes_of(count, "fr")) == (
        english.replace(" ", "\u00a0"),
        french.replace(" ", "\u00a0"),
    )
