"""Between BAXO's words and ours: pure, both ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.json import decode, encode
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, DoubtKind, Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue, Quantity
from margelle.domain.site import Account, Address, Probe, Scalar, Site, User
from margelle.domain.unit import Unit
from margelle.errors import ConfigError
from margelle.phrase import Phrase, Sentence
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.display import display
from margelle.vendors.baxo.translate import (
    EPOCH,
    Finding,
    Said,
    Tag,
    Tags,
    WallClock,
    contract_id,
    contract_to,
    device_to,
    ids_of,
    instant_from,
    is_event,
    key_of,
    lines,
    log_from,
    log_to,
    past_time,
    probe_from,
    remarks,
    row_from,
    row_to,
    said_from,
    seconds_to,
    site_from,
    with_finding,
    zone_from,
    zone_to,
)
from tests.evidence import exchange, facts

ACCOUNT = Account("baxo", "baxo", "me@here.org", "admin@contonso.com")
CONTRACT = decode(json.dumps(exchange("baxo", "contracts").response.json["contracts"][0]), type=wire.Contract)
DEVICES = [decode(json.dumps(one), type=wire.Device) for one in exchange("baxo", "devices").response.json["devices"]]
LOGS = [decode(json.dumps(one), type=wire.Log) for one in exchange("baxo", "realtimes").response.json["logs"]]
PROBE = Probe("baxo:1/device", "baxo:1", "baxo", "c/1", "1")
AT = datetime(2018, 5, 2, 15, 37, 18, tzinfo=UTC)
NO_TAGS = Tags()
TAGS = Tags({"TAG_1": "level cm", "PH": "ph", "14587/PH": "orp", "/A/B": "flow L/s"})


def log(value: str, timestamp: float = 578590638, reference: str = "TAG_1") -> wire.Log:
    return wire.Log(tag_reference=reference, value=Raw(value.encode()), timestamp=timestamp)


def read(value: str, tags: Tags = NO_TAGS, reference: str = "TAG_1") -> Measurement | None:
    return log_from(log(value, reference=reference), tags.of("1").named(reference), PROBE, tags)


# --- tags


def test_a_tag_that_nobody_has_mapped_is_a_free_quantity_under_its_own_name() -> None:
    assert NO_TAGS.of("1").named("DT_co2") == Tag("DT_co2", "baxo.DT_co2", Unit.RATIO)
    assert NO_TAGS.of("1").of("baxo.DT_co2", Unit.RATIO).reference == "DT_co2"


def test_a_tag_is_mapped_for_every_device_or_for_one_which_counts_first() -> None:
    assert TAGS.of("1").named("PH").quantity == "ph"
    assert TAGS.of("14587").named("PH").quantity == "orp"
    assert TAGS.of("1").named("A/B") == Tag("A/B", "flow", Unit.LITRE_PER_SECOND)
    assert TAGS.of("A").named("B").quantity == "baxo.B"
    assert {tag.quantity for tag in TAGS} == {"level", "ph", "orp", "flow"}


def test_a_device_has_one_tag_for_each_quantity() -> None:
    tags = Tags({"PH_1": "ph", "7/PH_2": "ph"})
    assert tags.of("7").named("PH_2").quantity == "ph"
    assert tags.of("7").named("PH_1").quantity == "baxo.PH_1"
    assert tags.of("8").named("PH_1").quantity == "ph"
    with pytest.raises(ConfigError, match="PH_1 already"):
        Tags({"PH_1": "ph", "PH_2": "ph"})


def test_what_another_vendor_measures_gets_a_tag_of_its_own_name() -> None:
    tags = TAGS.of("1000000")
    assert tags.of("temperature", Unit.CELSIUS) == Tag("TEMPERATURE", "temperature", Unit.CELSIUS)
    assert tags.of("ph", Unit.PH).reference == "PH"
    assert tags.of("level", Unit.METRE) == Tag("TAG_1", "level", Unit.CENTIMETRE)
    assert tags.of("ondilo.foo", Unit.RATIO).reference == "ONDILO.FOO"


@pytest.mark.parametrize(
    ("name", "meaning", "wrong"),
    [
        ("PH", "levle", "did you mean 'level'"),
        ("PH", "", "no quantity"),
        ("PH", "ph mV", "no unit of ph"),
        ("PH", "ph parsec", "no unit of ph"),
        ("", "ph", "is no tag"),
        ("a\nb", "ph", "is no tag"),
        ("x" * 101, "ph", "is no tag"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_the_reason(name: str, meaning: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=f"{wrong}.*14587/PH.*one device[.]$") as refused:
        Tags({name: meaning})
    assert refused.value.phrase == Phrase("tags.senseless", {"name": name, "meaning": meaning})


def test_a_quantity_of_the_installation_can_be_mapped() -> None:
    ozone = Quantity("plant.ozone", Unit.MG_PER_L, 0, 5, "Dissolved ozone.")
    tags = Tags({"O3": "plant.ozone g/L"}, Catalogue([ozone]))
    found = read('"0.002"', tags, "O3")
    assert found is not None
    assert (found.quantity, found.value, found.raw_unit) == ("plant.ozone", 2.0, Unit.G_PER_L)


@pytest.mark.parametrize("reference", ["", " ", "a\nb", "x" * 101, "\u202ex"])
def test_what_cannot_be_a_tag_is_not_kept(reference: str) -> None:
    with pytest.raises(ValueError, match="is no tag"):
        NO_TAGS.of("1").named(reference)


# --- values


def test_the_documents_value_becomes_a_measurement_with_its_raw_text() -> None:
    point = log_from(LOGS[0], NO_TAGS.of("1").named("TAG_1"), PROBE, NO_TAGS)
    assert point == Measurement(PROBE.id, "baxo.TAG_1", AT, 24.0, "24", Unit.RATIO, "baxo/realtimes")


def test_a_mapped_tag_is_converted_and_keeps_its_text_and_unit() -> None:
    assert read('"242"', TAGS) == Measurement(PROBE.id, "level", AT, 2.42, "242", Unit.CENTIMETRE, "baxo/realtimes")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ('"24.50"', 24.5),
        ('"-3"', -3.0),
        ('"+3"', 3.0),
        ('".5"', 0.5),
        ('" 7 "', 7.0),
        ('"1e3"', 1000.0),
        ("24", 24.0),
        ("true", 1.0),
        ('"False"', 0.0),
        ('"\\u0032"', 2.0),
    ],
)
def test_a_number_in_any_spelling_is_read(value: str, number: float) -> None:
    point = read(value)
    assert point is not None
    assert point.value == number
    assert point.doubts == ()


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ('"7,2"', "7,2"),
        ('"on"', "on"),
        ('""', ""),
        ('"NaN"', "NaN"),
        ('"1e999"', "1e999"),
        ("[1]", "[1]"),
        ('"٣"', "٣"),
    ],
)
def test_what_is_no_number_is_kept_with_a_doubt(value: str, raw: str) -> None:
    point = read(value)
    assert point is not None
    assert (point.value, point.raw) == (None, raw)
    assert point.doubts == (Doubt("unreadable", f"{raw!r} is no number"),)
    mapped = read(value, TAGS)
    assert mapped is not None
    assert (mapped.quantity, mapped.value, mapped.raw) == ("level", None, raw)


def test_no_value_and_no_time_are_no_measurement() -> None:
    assert read("null") is None
    assert log_from(log('"1"', 0), NO_TAGS.of("1").named("T"), PROBE, NO_TAGS) is None


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z"])
def test_the_first_day_of_the_calendar_is_never(at: str) -> None:
    assert row_from(wire.Row(Raw(b'"1"'), datetime=at), NO_TAGS.of("1").named("T"), PROBE, NO_TAGS) is None
    assert said_from(wire.Row(Raw(b'"1"'), datetime=at)) is None


def test_what_an_answer_says_is_a_text_with_its_own_time_and_nothing_where_nothing_was_recorded() -> None:
    assert said_from(LOGS[0]) == Said(578590638, "24")
    assert said_from(log('"7.2"', 1)) == Said(1, "7.2")
    assert said_from(log('"7.2"', 0)) is None
    assert said_from(log("null")) is None


@pytest.mark.parametrize(
    ("at", "hours"), [("2018-05-02T15:37:18", -2), ("2018-05-02T15:37:18Z", 0), ("2018-05-02T15:37:18+05:00", -5)]
)
def test_a_past_value_that_names_its_offset_is_not_on_the_devices_clock(at: str, hours: int) -> None:
    row, tag = wire.Row(Raw(b'"1"'), datetime=at), NO_TAGS.of("1").named("T")
    point = row_from(row, tag, PROBE, NO_TAGS, WallClock(ZoneInfo("Europe/Paris")))
    assert point is not None
    assert point.at == AT + timedelta(hours=hours)


@pytest.mark.parametrize("seconds", [1e30, -1e30, 10**18])
def test_an_instant_beyond_all_time_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="is no time"):
        log_from(log('"1"', seconds), NO_TAGS.of("1").named("T"), PROBE, NO_TAGS)


def test_a_past_value_may_be_on_the_devices_clock() -> None:
    row, tag = wire.Row(Raw(b'"1"'), 578590638, 1), NO_TAGS.of("1").named("T")
    paris = ZoneInfo("Europe/Paris")
    point = row_from(row, tag, PROBE, NO_TAGS, WallClock(paris))
    assert point is not None
    assert point.at == AT - timedelta(hours=2)
    assert seconds_to(point.at, paris) == 578590638


@pytest.mark.parametrize(("source", "origin"), [(1, "baxo/historics"), (2, "baxo/historics/distant")])
def test_where_a_past_value_was_made_is_told_again(source: int, origin: str) -> None:
    row, tag = wire.Row(Raw(b'"1224"'), 577929633, source), NO_TAGS.of("1").named("TAG_1")
    point = row_from(row, tag, PROBE, NO_TAGS)
    assert point is not None
    assert point.origin == origin
    assert row_to(point, tag, NO_TAGS) == row


def test_an_endless_text_is_cut() -> None:
    point = read(json.dumps("x" * 5000))
    assert point is not None
    assert point.raw == "x" * 2000
    assert point.doubts[0].reason == f"{'x' * 40!r} is no number"


def test_a_value_goes_out_as_it_came_in() -> None:
    for name in ("realtimes", "realtimes-many"):
        for said in exchange("baxo", name).response.json["logs"]:
            came, tags = decode(json.dumps(said), type=wire.Log), TAGS.of("1")
            point = log_from(came, tags.named(came.tag_reference), PROBE, TAGS)
            assert point is not None
            device = said.get("deviceIdentifiant", "")
            out = log_to(point, tags.of(point.quantity, Unit.METRE), TAGS, event=False, device=device)
            assert json.loads(encode(out)) == said


def test_a_devices_id_stands_under_both_keys_where_that_is_wanted() -> None:
    point = read('"1"')
    assert point is not None
    said = encode(log_to(point, Tag("T", "baxo.T", Unit.RATIO), NO_TAGS, event=True, device="9", both=True))
    assert list(json.loads(said).items()) == list(
        {
            "deviceIdentifiant": "9",
            "deviceIdentifier": "9",
            "tagReference": "T",
            "value": "1",
            "timestamp": 578590638,
            "isEvent": True,
        }.items()
    )


def other(quantity: str, value: float | None, raw: str, unit: Unit, *doubts: Doubt) -> Measurement:
    return Measurement("ondilo:1/ico", quantity, AT, value, raw, unit, "ondilo/lastmeasures", doubts)


@pytest.mark.parametrize(
    ("point", "tag", "text"),
    [
        (other("temperature", 12.5, "12.5", Unit.CELSIUS), Tag("T", "temperature", Unit.CELSIUS), "12.5"),
        (other("temperature", 12.5, "12.5", Unit.CELSIUS), Tag("T", "temperature", Unit.FAHRENHEIT), "54.5"),
        (other("tds", 1147.0, "1147", Unit.PPM), Tag("TDS", "tds", Unit.MG_PER_L), "1147"),
        (other("ondilo.foo", 1e-9, "1e-9", Unit.PPM), Tag("F", "ondilo.foo", Unit.RATIO), "1e-09"),
        (other("orp", 600.123, "x", Unit.MILLIVOLT), Tag("R", "orp", Unit.MILLIVOLT), "600.12"),
        (other("temperature", -0.001, "x", Unit.CELSIUS), Tag("T", "temperature", Unit.CELSIUS), "0"),
    ],
)
def test_another_vendors_value_is_told_in_the_tags_unit(point: Measurement, tag: Tag, text: str) -> None:
    row = row_to(point, tag, NO_TAGS)
    assert row is not None
    assert json.loads(encode(row)) == {"value": text, "timestamp": 578590638, "source": 1}


@pytest.mark.parametrize(
    "point",
    [
        other("ph", None, "null", Unit.PH, Doubt("vendor", "out of the water")),
        *(other("ph", 7.2, "7.2", Unit.PH, Doubt(kind, "so it seems")) for kind in get_args(DoubtKind)),
        other("ph", None, "null", Unit.PH),
    ],
)
def test_what_another_vendor_doubts_is_left_out(point: Measurement) -> None:
    tag = Tag("PH", "ph", Unit.PH)
    assert row_to(point, tag, NO_TAGS) is None
    assert log_to(point, tag, NO_TAGS, event=False) is None


@given(st.integers(-(10**9), 10**10))
def test_every_instant_is_the_same_after_both_ways(seconds: int) -> None:
    assert seconds_to(instant_from(seconds)) == seconds
    assert seconds_to(instant_from(seconds) + timedelta(microseconds=999_999)) == seconds


@given(st.text(max_size=30))
def test_every_text_is_read_or_kept(text: str) -> None:
    point = read(json.dumps(text))
    assert point is not None
    assert point.raw == text
    assert (point.value is None) == bool(point.doubts)


# --- places


def test_the_documents_device_becomes_a_site_with_what_only_baxo_knows() -> None:
    site = site_from(ACCOUNT, CONTRACT, DEVICES[1], LOGS)
    assert (site.id, site.key, site.name, site.kind) == ("baxo:14587", "14587", "MyDevice2", "plant")
    assert site.time_zone == "Europe/Brussels"
    assert site.attributes == {
        "contract": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        "contract_reference": "CT001",
        "contract_company": "Contonso",
        "contract_details": "Contonso .Inc Contract",
        "contract_email": "admin@contonso.com",
        "details": "My device 2 details",
        "status": 0,
        "timezone": "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris",
        "tags": "TAG_1\nTAG_2",
        "events": "",
    }


def test_contract_and_device_go_out_as_they_came_in() -> None:
    for device in DEVICES:
        site = site_from(ACCOUNT, CONTRACT, device, None)
        assert contract_to(site, "Baxo", User("x@y.z", "")) == CONTRACT
        assert device_to(site, probe_from(site), str(device.id), alone=True) == device
        assert "tags" not in site.attributes


def said(phrase: str, text: str, why: str | Phrase = "So it is.") -> tuple[Sentence, ...]:
    return (Sentence(text, Phrase(phrase, {"why": why})),)


def test_what_is_found_out_about_a_devices_past_is_kept_and_told_in_a_sentence() -> None:
    """The names of the attributes stand in every store, so they stay as they are."""
    site = site_from(ACCOUNT, CONTRACT, DEVICES[1], None)
    findings = (Finding("local", "So it is."), Finding("utc", "So it is."), Finding(None, "So it is."))
    local, universal, unknown = (with_finding(site, one) for one in findings)
    assert (past_time(site), remarks(site)) == ("utc", ())
    assert local.attributes == site.attributes | {"past_time": "local", "past_time_why": "So it is."}
    assert (past_time(local), past_time(universal), past_time(unknown)) == ("local", "utc", "utc")
    assert unknown.attributes == site.attributes | {"past_time_open": "So it is."}
    unsaid = "BAXO Connect does not say in which time zone its history is:"
    assert remarks(local) == said(
        "baxo.past_local", f"{unsaid} by comparing, it was found to be in the own time of the device. So it is."
    )
    assert remarks(universal) == said(
        "baxo.past_utc", f"{unsaid} by comparing, it was found to be in universal time (UTC). So it is."
    )
    taken = f"{unsaid} it is taken to be universal time (UTC), until comparing tells more. So it is."
    assert remarks(unknown) == said("baxo.past_open", taken)
    why = Phrase("so", {"it": "is"})
    named, open_still = (with_finding(site, Finding(time, "So it is.", why)) for time in ("local", None))
    assert named.attributes == local.attributes | {"past_time_why_phrase": '{"name":"so","values":{"it":"is"}}'}
    assert remarks(named) == said(
        "baxo.past_local", f"{unsaid} by comparing, it was found to be in the own time of the device. So it is.", why
    )
    assert remarks(open_still) == said("baxo.past_open", taken, why)


def test_a_probe_names_its_contract_and_its_device() -> None:
    site = site_from(ACCOUNT, wire.Contract(id="a/b c"), wire.Device(id=7), [])
    probe = probe_from(site)
    assert (probe.id, probe.key, probe.serial) == ("baxo:7/device", "a%2Fb%20c/7", "7")
    assert ids_of(probe) == ("a/b c", "7")
    assert key_of("a/b c", "7") == probe.key
    assert key_of("c", "a/b") == "c/a%2Fb"
    assert (site.name, site.time_zone) == ("Device 7", "UTC")
    assert site_from(ACCOUNT, CONTRACT, wire.Device(id=7, timezone="Nulle part"), []).time_zone == "UTC"


def test_a_tag_that_was_told_to_be_an_event_is_one() -> None:
    alarm = wire.Log(tag_reference="ALARM", timestamp=1, is_event=True)
    pump = wire.Log(tag_reference="PUMP", timestamp=1, is_event=True)
    site = site_from(ACCOUNT, CONTRACT, DEVICES[0], [*LOGS, alarm, alarm, pump])
    assert site.attributes["tags"] == "TAG_1\nTAG_2\nALARM\nPUMP"
    assert site.attributes["events"] == "ALARM\nPUMP"
    assert is_event(site, "ALARM")
    assert not is_event(site, "TAG_1")
    assert not is_event(Site("ondilo:1", "ondilo", "1", "Pool", attributes={"events": "ALARM"}), "ALARM")


def test_contracts_keep_their_id_and_those_of_other_clouds_never_meet_them() -> None:
    own = site_from(ACCOUNT, CONTRACT, DEVICES[0], None)
    elsewhere = site_from(Account("b", "baxo", "me", "me", realm="test"), CONTRACT, DEVICES[0], None)
    pool, other_pool = Site("ondilo:1", "ondilo", "1", "A"), Site("ondilo:2", "ondilo", "2", "B")
    far_pool = Site("ondilo@127.0.0.1:80:1", "ondilo", "1", "C")
    assert contract_id(own) == CONTRACT.id
    assert contract_id(pool) == contract_id(other_pool) == "3a82a7fa-3e48-5555-aa8c-f938fd8d3d33"
    unknown = replace(own, attributes={})
    assert len({contract_id(site) for site in (own, elsewhere, pool, far_pool, unknown)}) == 5
    assert UUID(contract_id(unknown))
    assert contract_id(replace(pool, attributes={"contract": "x"})) == contract_id(pool)


def test_another_vendors_probe_is_a_device_with_what_is_known() -> None:
    theirs: dict[str, Scalar] = {
        "details": "no",
        "status": 2,
        "timezone": "no",
        "contract_reference": "no",
        "contract": "no",
    }
    site = Site(
        "ondilo:1", "ondilo", "1", "Pool", address=Address(city="Lyon"), time_zone="Indian/Reunion", attributes=theirs
    )
    probe = Probe("ondilo:1/ico", site.id, "ondilo", "1", "SN1")
    assert device_to(site, probe, "1000000", alone=True) == wire.Device(
        "1000000", "Pool", "Lyon SN1", 0, "(UTC+04:00) Reunion"
    )
    assert device_to(site, probe, "1000000", alone=False).name == "Pool SN1"
    assert device_to(site, replace(probe, serial=""), "1000000", alone=False).name == "Pool 1"
    assert contract_to(site, "Ondilo", User("x@y.z", "")) == wire.Contract(
        contract_id(site), "ONDILO", "Ondilo", "Ondilo probes", "x@y.z"
    )


@pytest.mark.parametrize("said", [None, 7, "", True])
def test_an_attribute_that_is_no_text_is_none(said: Any) -> None:
    odd = Site("baxo:1", "baxo", "1", "A", attributes={"events": said, "tags": said, "contract": said, "details": said})
    assert not is_event(odd, "")
    assert lines(said) == ()
    assert contract_to(odd, "", User("", "")).reference == ""
    assert device_to(odd, PROBE, "1", alone=True) == wire.Device("1", "A", "", 0, "UTC")


@pytest.mark.parametrize(("said", "told"), [(0, 0), (1, 1), (2, 2), (None, 0), ("2", 0)])
def test_a_status_is_told_as_it_came(said: Scalar, told: int) -> None:
    odd = Site("baxo:1", "baxo", "1", "A", attributes={} if said is None else {"status": said})
    assert device_to(odd, PROBE, "1", alone=True).status == told


# --- time zones


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("UTC", "UTC"),
        ("(UTC) Temps universel coordonné", "UTC"),
        ("(UTC+00:00) Dublin, Édimbourg, Lisbonne, Londres", "Europe/Dublin"),
        ("(UTC+01:00) Amsterdam, Berlin, Berne, Rome, Stockholm, Vienne", "Europe/Amsterdam"),
        ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Brussels"),
        ("(UTC+02:00) Athènes, Bucarest", "Europe/Athens"),
        ("(UTC+02:00) Athens, Bucharest", "Europe/Athens"),
        ("(UTC+03:00) Moscou, Saint-Pétersbourg", "Europe/Moscow"),
        ("(UTC+03:00) Moscow, St. Petersburg", "Europe/Moscow"),
        ("", "UTC"),
        ("GMT", "UTC"),
        ("Z", "UTC"),
        ("Temps universel coordonné", "UTC"),
        ("Coordinated Universal Time", "UTC"),
        ("(UTC-05:00) Est (É.-U. et Canada)", "America/New_York"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("(UTC-06:00) Centre (É.-U. et Canada)", "America/Chicago"),
        ("(UTC-06:00) Central Time (US & Canada)", "America/Chicago"),
        ("(UTC-07:00) Rocheuses (É.-U. et Canada)", "America/Denver"),
        ("(UTC-07:00) Mountain Time (US & Canada)", "America/Denver"),
        ("(UTC-08:00) Pacifique (É.-U. et Canada)", "America/Los_Angeles"),
        ("(UTC-08:00) Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("(UTC-04:00) Heure de l’Atlantique (Canada)", "America/Halifax"),
        ("(UTC-04:00) Heure de l'Atlantique (Canada)", "America/Halifax"),
        ("(UTC-04:00) Atlantic Time (Canada)", "America/Halifax"),
        ("(UTC-03:30) Terre-Neuve", "America/St_Johns"),
        ("(UTC-03:30) Newfoundland", "America/St_Johns"),
        ("(UTC-05:00) Indiana (Est)", "America/Indiana/Indianapolis"),
        ("(UTC-05:00) Indiana (East)", "America/Indiana/Indianapolis"),
        ("(UTC-08:00) Basse-Californie", "America/Tijuana"),
        ("(UTC-08:00) Baja California", "America/Tijuana"),
        ("(UTC+01:00) Afrique centrale - Ouest", "Africa/Lagos"),
        ("(UTC+01:00) West Central Africa", "Africa/Lagos"),
        ("(UTC+10:00) Canberra, Melbourne, Sydney", "Australia/Canberra"),
        ("(UTC-03:00) Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("(UTC-01:00) Nulle part", "Etc/GMT+1"),
        ("(UTC+14:00) Nulle part", "Etc/GMT-14"),
        ("(UTC-12:00) Nulle part", "Etc/GMT+12"),
        ("(UTC-13:00) Nulle part", None),
        ("(UTC+15:00) Nulle part", None),
        ("(UTC+00:00) Nulle part", "UTC"),
        ("(UTC) UTC", "UTC"),
        ("(UTC+07:00) Ho Chi Minh City", "Asia/Saigon"),
        ("(UTC+07:00) Hô-Chi-Minh-Ville", "Asia/Saigon"),
        ("(UTC+09:00) Japan", "Japan"),
        ("(UTC+01:00)", "Etc/GMT-1"),
        ("(UTC+01:00) UTC", "Etc/GMT-1"),
        ("(UTC+1) Paris; Rome", "Europe/Paris"),
        ("(GMT+01:00) Paris", "Europe/Paris"),
        ("  (UTC+01:00)  Paris ", "Europe/Paris"),
        ("Europe/Lisbon", "Europe/Lisbon"),
        ("Japan", "Japan"),
        ("(UTC+03:00) Nulle part", "Etc/GMT-3"),
        ("(UTC-03:00) Paris", "Etc/GMT+3"),
        ("(UTC+03:30) Téhéran", "Asia/Tehran"),
        ("(UTC-03:30) Terre-Neuve, Newfoundland", "Canada/Newfoundland"),
        ("(UTC-03:30) Nulle part", None),
        ("(UTC\u221205:00) Bogota, Lima, Quito", "America/Bogota"),
        ("(UTC+10:00) Port-Moresby", "Pacific/Port_Moresby"),
        ("(UTC+12:45) Nulle part", None),
        ("Nulle part", None),
        ("../../etc/passwd", None),
        ("(UTC+99:99) x", None),
    ],
)
def test_a_time_zone_as_windows_shows_it_is_found(shown: str, name: str | None) -> None:
    assert zone_from(shown) == name


@pytest.mark.parametrize(
    ("region", "windows"),
    [
        ("(UTC-05:00) Eastern Time (US & Canada)", "Eastern Standard Time"),
        ("(UTC-06:00) Central Time (US & Canada)", "Central Standard Time"),
        ("(UTC-07:00) Mountain Time (US & Canada)", "Mountain Standard Time"),
        ("(UTC-08:00) Pacific Time (US & Canada)", "Pacific Standard Time"),
        ("(UTC-04:00) Atlantic Time (Canada)", "Atlantic Standard Time"),
        ("(UTC+01:00) West Central Africa", "W. Central Africa Standard Time"),
    ],
)
def test_a_region_is_the_zone_that_the_unicode_consortium_gives_it(region: str, windows: str) -> None:
    assert zone_from(region) == zone_from(windows) == get_global("windows_zone_mapping")[windows]


@given(st.text(max_size=60))
def test_any_name_of_a_time_zone_is_answered(text: str) -> None:
    found = zone_from(text)
    assert found is None or ZoneInfo(found)


def test_a_time_zone_goes_out_as_the_document_prints_it_or_by_its_city() -> None:
    documented = list(facts("baxo", "lists")["timezones"])
    assert zone_to("UTC") == documented[0]
    for name in facts("baxo", "lists")["timezones"][documented[1]]:
        assert zone_to(name) == documented[1]
    assert zone_to("America/St_Johns") == "(UTC-03:30) St Johns"
    assert zone_to("America/New_York") == "(UTC-05:00) New York"
    assert zone_to("Asia/Kolkata") == "(UTC+05:30) Kolkata"
    assert zone_to("Pacific/Auckland") == "(UTC+12:00) Auckland"
    assert zone_to("Nowhere/At_all") == zone_to("") == "UTC"


def test_the_epoch_is_the_year_2000() -> None:
    assert seconds_to(EPOCH) == 0


def test_a_mapped_tag_is_shown_once_an_event_as_a_state_and_what_nobody_has_mapped_is_told() -> None:
    site = Site("baxo:1", "baxo", "1", "A", attributes={"tags": "PH\nREDOX\nPOMPE_1", "events": "POMPE_1"})
    shown = display({"tags": {"PH": "ph", "2/REDOX": "orp"}}, CATALOGUE)(site)
    assert shown.hides("baxo.PH", {"baxo.PH", "ph"})
    assert not shown.hides("baxo.PH", {"baxo.PH"}), "until the mapped one is there"
    assert not shown.hides("baxo.REDOX", {"baxo.REDOX", "orp"}), "mapped for another device"
    assert shown.states == {"baxo.POMPE_1"}
    assert [remark for remark in shown.remarks if "the tag REDOX. Say what it measures" in remark.text]
    (both,) = display({}, CATALOGUE)(site).remarks
    assert "the tags PH, REDOX. Say what they measure" in both.text
    assert display({"tags": {"PH": "ph", "REDOX": "orp"}}, CATALOGUE)(site).remarks == ()


def test_of_very_many_tags_that_nobody_has_mapped_some_are_named() -> None:
    site = Site("baxo:1", "baxo", "1", "A", attributes={"tags": "\n".join(f"T{n}" for n in range(40))})
    (remark,) = display({}, CATALOGUE)(site).remarks
    assert "T11 and 28 more" in remark.text
