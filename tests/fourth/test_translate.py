from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.json import decode, encode

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Disinfection, Probe, Site
from margelle.domain.unit import Unit
from tests.evidence import exchange
from tests.fourth.lily import wire
from tests.fourth.lily.translate import buoy_to, measurements_from, probe_from, sample_to, site_from

ACCOUNT = Account("lily-1", "lily", "ada@pool.example", "ada@pool.example")
NOON = datetime(2026, 7, 14, 12, tzinfo=UTC)
PROBE = Probe("lily:4031/buoy", "lily:4031", "lily", "4031", "4031", "", "2.4")
BUOYS = decode(exchange("lily", "buoys").response.text, type=list[wire.Buoy])


def read(**sensors: Any) -> list[Measurement]:
    return measurements_from(decode(encode({"t": 1784030400, **sensors}), type=wire.Sample), PROBE)


def test_a_sample_of_the_document_is_five_measurements_in_our_units() -> None:
    (sample,) = exchange("lily", "samples-newest").response.json
    told = {one.quantity: (one.value, one.raw, one.raw_unit) for one in read(**sample)}
    assert told == {
        "temperature": (26.5, "79.7", Unit.FAHRENHEIT),
        "ph": (7.31, "7.31", Unit.PH),
        "orp": (702.0, "0.702", Unit.VOLT),
        "salt": (3100.0, "3.1", Unit.G_PER_L),
        "battery": (87.0, "0.87", Unit.RATIO),
    }
    assert {(one.at, one.probe, one.origin, one.doubts) for one in read(**sample)} == {
        (NOON, PROBE.id, "lily/samples", ())
    }


def test_what_is_null_was_not_measured_and_what_is_no_number_is_kept_with_a_doubt() -> None:
    assert read(ph=None) == read() == []
    (ph,) = read(ph="dry")
    assert (ph.value, ph.raw, [doubt.kind for doubt in ph.doubts]) == (None, '"dry"', ["unreadable"])
    (huge,) = read(ph=10**400)
    assert (huge.value, len(huge.raw)) == (None, 401)


def test_a_sensor_that_the_buoy_does_not_trust_keeps_its_value() -> None:
    (ph,) = [one for one in read(ph=3.02, battery=0.5, flags=["ph", "new_sensor"]) if one.doubts]
    assert (ph.quantity, ph.value) == ("ph", 3.02)
    assert ph.doubts == (Doubt("vendor", "the buoy itself does not trust this sensor"),)


def test_an_instant_beyond_all_time_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="99999999999999 is no time"):
        read(t=99999999999999, ph=7)


def test_a_buoy_is_a_site_and_a_probe_and_a_buoy_again() -> None:
    for buoy in BUOYS:
        site = site_from(ACCOUNT, buoy)
        probe = probe_from(site, buoy)
        assert buoy_to(buoy.id, site, probe) == buoy
    site = site_from(ACCOUNT, BUOYS[0])
    assert site == Site(
        "lily:4031", "lily", "4031", "Garden pool", "pool", 48.0, Disinfection("salt"), attributes={"treatment": "salt"}
    )
    assert probe_from(site, BUOYS[0]) == PROBE


def test_a_buoy_of_which_nothing_is_told_has_its_number_for_a_name() -> None:
    site = site_from(ACCOUNT, wire.Buoy(7))
    assert (site.name, site.volume_m3, site.disinfection.primary, site.attributes) == ("Lily 7", None, "other", {})


def test_samples_of_its_own_are_printed_as_they_came() -> None:
    for name in ("samples", "samples-newest"):
        for said in exchange("lily", name).response.json:
            points = {one.quantity: one for one in read(**said)}
            at = next(iter(points.values())).at
            assert decode(encode(sample_to(at, points))) == said


def test_another_vendors_values_are_printed_in_lilys_units_and_flagged_where_doubted() -> None:
    def point(quantity: str, value: float | None, *doubts: Doubt) -> Measurement:
        return Measurement("x:1", quantity, NOON, value, str(value), Unit.RATIO, "x/y", doubts)

    points = [
        point("temperature", 24.6),
        point("orp", 681.0, Doubt("range", "odd")),
        point("salt", None, Doubt("unreadable", "x")),
        point("tds", 500.0),
    ]
    printed = decode(encode(sample_to(NOON, {one.quantity: one for one in points})))
    assert printed == {
        "t": 1784030400,
        "water_f": 76.3,
        "ph": None,
        "redox_v": 0.681,
        "salt_gl": None,
        "battery": None,
        "flags": ["redox_v", "salt_gl"],
    }
