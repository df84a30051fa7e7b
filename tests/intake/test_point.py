from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Probe
from margelle.domain.unit import Unit, unit_named
from margelle.errors import BadInput
from margelle.intake.point import Point, instant_of, measurement_of, number_of, probe_named

PARIS = ZoneInfo("Europe/Paris")
PROBE = Probe("own:garden/probe", "own:garden", "own", "garden")
NOON = "2026-07-14T12:30:00Z"


def test_a_value_is_kept_in_the_quantitys_unit_and_as_it_was_written() -> None:
    got = measurement_of(Point(PROBE.id, "temperature", NOON, "77.0", "°F"), PROBE, CATALOGUE, "own/http")
    assert (got.value, got.raw, got.raw_unit) == (25.0, "77.0", Unit.FAHRENHEIT)
    assert (got.at, got.origin, got.doubts) == (datetime(2026, 7, 14, 12, 30, tzinfo=UTC), "own/http", ())


@pytest.mark.parametrize(
    ("point", "said"),
    [
        (Point(PROBE.id, "orpp", NOON, "7"), "did you mean 'orp'?"),
        (Point(PROBE.id, "ph", NOON, "7,4"), "'7,4' is no number"),
        (Point(PROBE.id, "ph", NOON, "nan"), "'nan' is no number"),
        (Point(PROBE.id, "ph", NOON, "1e999"), "'1e999' is no number"),
        (Point(PROBE.id, "conductivity", NOON, "1e308", "S/m"), "too large"),
        (Point(PROBE.id, "ph", NOON, "true"), "'true' is no number"),
        (Point(PROBE.id, "ph", NOON, "7", "furlong"), "'furlong' is no unit"),
        (Point(PROBE.id, "ph", NOON, "7", "mV"), "mV (voltage) does not convert to [pH] (ph)"),
        (Point(PROBE.id, "ph", "2026-07-14T12:30", "7"), "has no time zone"),
        (Point(PROBE.id, "ph", "yesterday", "7"), "'yesterday' is no instant"),
        (Point(PROBE.id, "ph", "20260714", "7"), "'20260714' is no instant"),
        (Point(PROBE.id, "ph", "9999-12-31T23:59:59Z", "7"), "is no instant"),
        (Point(PROBE.id, "ph", "253402300799", "7"), "before July 1998 or after the year 5138"),
        (Point(PROBE.id, "ph", "253402300799000", "7"), "before July 1998 or after the year 5138"),
        (Point(PROBE.id, "ph", "899999999999", "7"), "'899999999999' is no instant"),
    ],
)
def test_what_is_wrong_with_a_point_is_said(point: Point, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        measurement_of(point, PROBE, CATALOGUE, "own/http")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-14T12:30:00+02:00", "2026-07-14T10:30:00+00:00"),
        ("1784032200", "2026-07-14T12:30:00+00:00"),
        ("1784032200123", "2026-07-14T12:30:00.123000+00:00"),
        ("1784032200.5", "2026-07-14T12:30:00.500000+00:00"),
        ("900000000000", "1998-07-09T16:00:00+00:00"),
    ],
)
def test_an_instant_is_iso_8601_or_seconds_or_milliseconds_since_1970(text: str, utc: str) -> None:
    assert instant_of(text).isoformat() == utc


def test_an_instant_on_a_clock_follows_its_summer_time() -> None:
    assert instant_of("2026-01-14T12:00", PARIS).hour == 11
    assert instant_of("2026-07-14T12:00", PARIS).hour == 10
    assert instant_of("2026-10-25T02:30", PARIS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "the first of the two"


def test_an_hour_that_the_clock_skipped_is_refused() -> None:
    with pytest.raises(BadInput, match="was skipped by the clock of Europe/Paris"):
        instant_of("2026-03-29T02:30", PARIS)


@pytest.mark.parametrize("text", ["٧", "0x10", "1_0", "", "7" * 200])
def test_what_only_python_would_take_for_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number_of(text)


def test_a_probe_is_named_by_its_id_or_by_its_sites() -> None:
    probes = {PROBE.id: PROBE}
    assert probe_named("own:garden", probes) is probe_named(PROBE.id, probes) is PROBE
    both = {**probes, "own:garden/deep": Probe("own:garden/deep", "own:garden", "own", "garden")}
    with pytest.raises(BadInput, match="several probes"):
        probe_named("own:garden", both)
    with pytest.raises(BadInput, match="no probe 'ondilo:234'"):
        probe_named("ondilo:234", probes)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Cel", Unit.CELSIUS),
        ("°C", Unit.CELSIUS),
        ("degF", Unit.FAHRENHEIT),
        ("µS/cm", Unit.MICROSIEMENS_PER_CM),
        ("μS/cm", Unit.MICROSIEMENS_PER_CM),
        ("mg/l", Unit.MG_PER_L),
        ("ppm", Unit.PPM),
        ("mv", Unit.MILLIVOLT),
    ],
)
def test_a_unit_is_known_by_its_code_its_symbol_and_usual_spellings(text: str, unit: Unit) -> None:
    assert unit_named(text) is unit
