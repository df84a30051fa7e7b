"""Verdicts stand beside the value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.plausible import judge
from margelle.domain.unit import Unit


def measured(
    value: float | None, quantity: str = "ph", at: datetime = datetime(2026, 7, 14, 12, tzinfo=UTC)
) -> Measurement:
    return Measurement("ondilo:234/ico", quantity, at, value, str(value), Unit.PH, "test")


def test_a_plausible_value_is_returned_as_it_came(now: datetime) -> None:
    measurement = measured(7.2)
    assert judge(measurement, now) is measurement
    assert measurement.valid
    assert measurement.reason is None


@pytest.mark.parametrize("value", [-1.0, 15.0, 1e300])
def test_an_absurd_value_is_kept_with_a_doubt(value: float, now: datetime) -> None:
    judged = judge(measured(value), now)
    assert judged.value == value
    assert judged.raw == str(value)
    assert [doubt.kind for doubt in judged.doubts] == ["range"]
    assert judged.reason == "not between 2 and 12 [pH]"


@pytest.mark.parametrize("value", [2.0, 12.0])
def test_the_bounds_themselves_are_plausible(value: float, now: datetime) -> None:
    assert judge(measured(value), now).valid


def test_a_time_ahead_of_the_clock_is_doubted_beyond_a_tolerance(now: datetime) -> None:
    assert judge(measured(7.0, at=now + timedelta(minutes=10)), now).valid
    ahead = judge(measured(7.0, at=now + timedelta(minutes=10, seconds=1)), now)
    assert [doubt.kind for doubt in ahead.doubts] == ["future"]


def test_a_time_before_2000_is_doubted(now: datetime) -> None:
    assert [d.kind for d in judge(measured(7.0, at=datetime(1999, 12, 31, 23, 59, tzinfo=UTC)), now).doubts] == ["past"]
    assert judge(measured(7.0, at=datetime(2000, 1, 1, tzinfo=UTC)), now).valid


def test_the_vendors_own_doubt_comes_first(now: datetime) -> None:
    doubted = replace(measured(15.0), doubts=(Doubt("vendor", "CALIBRATION"),))
    judged = judge(doubted, now)
    assert judged.reason == "CALIBRATION"
    assert [doubt.kind for doubt in judged.doubts] == ["vendor", "range"]


def test_a_quantity_of_its_own_has_no_range(now: datetime) -> None:
    assert judge(measured(1e9, "something_else"), now).valid
