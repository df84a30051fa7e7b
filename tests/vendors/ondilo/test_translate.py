from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Address, Band, Disinfection, Person, Probe, Recommendation, Share, Site, User
from margelle.domain.unit import Unit
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.translate import (
    BY_TYPE,
    TERMS,
    TimeProfile,
    absence_to,
    configuration_to,
    device_to,
    legacy_order,
    measure_to,
    measurement_from,
    person_from,
    pool_to,
    probe_from,
    recommendation_from,
    recommendation_to,
    shares_to,
    site_from,
    time_from,
    time_to,
    units_to,
    user_to,
)
from tests.evidence import answer, exchange, facts

ACCOUNT = Account("ondilo-1", "ondilo", "john@doe.org", "john@doe.org")
AT = datetime(2020, 3, 23, 16, 8, 51, tzinfo=UTC)
PROBE = Probe("ondilo:234/ico", "ondilo:234", "ondilo", "234")
FLIPR = Site("flipr:9", "flipr", "9", "Bassin")


def documented(name: str) -> Any:
    return exchange("ondilo", name).response.json


def printed(thing: object) -> Any:
    return json.loads(msgspec.json.encode(thing))


def decoded(thing: Any, kind: Any) -> Any:
    return msgspec.json.decode(json.dumps(thing), type=kind)


def measure(value: str = "7.2", **given: Any) -> wire.Measure:
    fields: dict[str, Any] = {"data_type": "ph", "value_time": "2020-03-23T16:08:51+0000", "is_valid": True}
    return wire.Measure(value=Raw(value.encode()), **(fields | given))


def one(value: str = "7.2", **given: Any) -> Measurement:
    found = measurement_from(measure(value, **given), PROBE, "ondilo/measures")
    assert found is not None
    return found


def kept(value: float | None, quantity: str = "orp", origin: str = "flipr/last", **given: Any) -> Measurement:
    return Measurement("p", quantity, AT, value, raw=str(value), raw_unit=Unit.MILLIVOLT, origin=origin, **given)


def site() -> Site:
    (pool,) = decoded(documented("pools"), list[wire.Pool])
    shares = decoded(documented("shares"), list[wire.Share])
    return site_from(ACCOUNT, pool, decoded(documented("configuration"), wire.Configuration), shares)


# --- terms


def test_the_terms_are_the_documents_list_in_its_order() -> None:
    assert [term.data_type for term in TERMS] == facts("ondilo", "lists")["types"]


def test_each_term_means_our_quantity_of_that_name_in_the_documents_unit() -> None:
    words = {
        Unit.CELSIUS: "Celsius degrees (°C)",
        Unit.MILLIVOLT: "millivolts (mV)",
        Unit.MG_PER_L: "milligrams per liter (mg/L)",
        Unit.PPM: "parts per million (ppm)",
        Unit.PERCENT: "percent (%)",
    }
    units = {term.data_type: words[term.unit] for term in TERMS if term.data_type != "ph"}
    assert units == facts("ondilo", "lists")["units"]
    assert BY_TYPE["ph"].unit is Unit.PH
    assert all(term.quantity == term.data_type for term in TERMS)


def test_whole_numbers_are_those_that_clients_read_as_integers() -> None:
    assert [term.data_type for term in TERMS if term.whole] == facts("ondilo", "lists")["whole_numbers"]


def test_types_told_unasked_come_in_the_order_that_old_clients_index() -> None:
    order = facts("ondilo", "lists")["types_once_told_unasked"]
    assert list(legacy_order("chlorine")) == [*order, "salt"]
    assert list(legacy_order("salt")) == ["salt" if word == "tds" else word for word in order] + ["tds"]


# --- time


@pytest.mark.parametrize(
    "text",
    [
        "2020-03-23T16:08:51+0000",
        "2020-03-23 16:08:51",
        "2020-03-23T16:08:51Z",
        "2020-03-23T16:08:51.000+00:00",
        "2020-03-23 18:08:51 +0200",
        "2020-03-23T10:38:51-0530",
        " 2020-03-23T16:08:51 ",
    ],
)
def test_every_spelling_of_an_instant_is_the_same_instant_in_utc(text: str) -> None:
    assert time_from(text) == AT
    assert time_from(text).tzinfo is UTC


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Paris", "Asia/Kolkata"])
def test_a_time_without_an_offset_is_utc_wherever_the_machine_stands(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert time_from("2024-01-01 01:00:00") == datetime(2024, 1, 1, 1, tzinfo=UTC)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_fractions_of_a_second_are_kept_inside_and_cut_on_the_wire() -> None:
    at = time_from("2020-03-23T16:08:51.999Z")
    assert at.microsecond == 999_000
    assert time_to(at) == "2020-03-23T16:08:51+0000"
    assert time_to(at, "current") == "2020-03-23 16:08:51"


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2020-03-23", "2020-W13-1", "2020-13-01T00:00:00", "0001-01-01T00:00:00+0100", "1585000000"],
)
def test_what_is_no_time_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is no time") as caught:
        time_from(text)
    assert repr(text) in str(caught.value)


@given(st.text())
def test_no_text_crashes_the_clock(text: str) -> None:
    try:
        assert time_from(text).tzinfo is UTC
    except ValueError as error:
        assert "is no time" in str(error)


EPOCH = datetime(1900, 1, 1)  # noqa: DTZ001 (hypothesis adds the zone)


@given(st.datetimes(min_value=EPOCH, timezones=st.just(UTC)), st.sampled_from(["current", "documented"]))
def test_a_printed_instant_reads_back_to_the_second(at: datetime, profile: TimeProfile) -> None:
    assert time_from(time_to(at, profile)) == at.replace(microsecond=0)


# --- measures, inwards


def test_the_documents_measures_keep_value_unit_instant_and_raw_text() -> None:
    temperature, orp = decoded(documented("lastmeasures"), list[wire.Measure])
    found = measurement_from(temperature, PROBE, "ondilo/lastmeasures")
    assert found == Measurement(PROBE.id, "temperature", AT, 12.5, "12.5", Unit.CELSIUS, "ondilo/lastmeasures")
    found = measurement_from(orp, PROBE, "ondilo/lastmeasures")
    assert found == Measurement(PROBE.id, "orp", AT, 523.0, "523", Unit.MILLIVOLT, "ondilo/lastmeasures")


def test_raw_text_keeps_digits_that_a_float_forgets() -> None:
    assert one("7.20").raw == "7.20"
    assert one("7.200000000000000000001").raw == "7.200000000000000000001"


def test_null_without_an_objection_is_no_measurement() -> None:
    salt = answer("ondilo", "lastmeasures, naive times, salt without a measure").json[3]
    assert measurement_from(decoded(salt, wire.Measure), PROBE, "ondilo/lastmeasures") is None
    assert measurement_from(measure("null", is_valid=None), PROBE, "ondilo/lastmeasures") is None


def test_null_with_an_objection_is_kept_as_a_doubt_without_a_value() -> None:
    found = one("null", is_valid=False, exclusion_reason="sensor dry")
    assert (found.value, found.raw, found.doubts) == (None, "null", (Doubt("vendor", "sensor dry"),))


def test_an_invalid_measure_keeps_its_value_and_its_reason() -> None:
    found = one("7.2", is_valid=False, exclusion_reason="sensor dry")
    assert (found.value, found.doubts) == (7.2, (Doubt("vendor", "sensor dry"),))


@pytest.mark.parametrize("reason", [None, ""])
def test_an_invalid_measure_without_a_reason_says_so(reason: str | None) -> None:
    assert one(is_valid=False, exclusion_reason=reason).reason == "the vendor gave no reason"


def test_a_measure_of_unknown_validity_is_doubted() -> None:
    assert one(is_valid=None).doubts == (Doubt("vendor", "the vendor did not say whether it is valid"),)


@pytest.mark.parametrize(
    "raw", ["true", "false", '"7.2"', '"NaN"', "{}", "[7.2]", "1e999", "-1e999", "1" * 400, '{"a": {"b": []}}']
)
def test_what_is_no_number_is_kept_as_unreadable(raw: str) -> None:
    found = one(raw)
    assert (found.value, found.raw, [doubt.kind for doubt in found.doubts]) == (None, raw, ["unreadable"])


def test_what_is_unreadable_is_quoted_in_its_reason() -> None:
    assert one('"7.2"').reason == '"7.2" is no number'
    assert one('"' + "x" * 50 + '"').reason == '"' + "x" * 39 + " is no number"


def test_letters_that_are_no_utf_8_are_unreadable() -> None:
    found = measurement_from(replace(measure(), value=Raw(b'"\xff"')), PROBE, "ondilo/measures")
    assert found is not None
    assert (found.value, found.raw) == (None, '"\ufffd"')


def test_an_endless_value_is_cut() -> None:
    assert len(one('"' + "x" * 10**6 + '"').raw) == 2000


def test_an_unknown_type_is_kept_under_the_vendors_name_without_a_unit() -> None:
    found = one("3", data_type="conductivity")
    assert (found.quantity, found.raw_unit, found.value) == ("ondilo.conductivity", Unit.RATIO, 3.0)


@pytest.mark.parametrize("data_type", ["", "pH value", "a" * 60, "x/y"])
def test_a_type_that_is_no_word_is_refused(data_type: str) -> None:
    with pytest.raises(ValueError, match="is no type of measure"):
        one(data_type=data_type)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(JSON_VALUES, st.sampled_from([True, False, None]))
def test_any_json_value_is_a_number_nothing_or_a_doubt(value: Any, is_valid: bool | None) -> None:
    found = measurement_from(measure(json.dumps(value), is_valid=is_valid), PROBE, "ondilo/measures")
    if found is None:
        assert value is None
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        assert found.value == value
        assert found.valid is (is_valid is True)
    else:
        assert found.value is None or abs(found.value) >= 1e300
        assert found.value is not None or found.doubts


# --- measures, outwards


def test_the_documents_measures_come_back_as_they_were_printed() -> None:
    for name in ("lastmeasures", "measures"):
        for given_ in documented(name):
            found = measurement_from(decoded(given_, wire.Measure), PROBE, f"ondilo/{name}")
            assert found is not None
            assert printed(measure_to(found, given_["data_type"], "documented")) == given_


LIVE = ("lastmeasures, naive times, salt without a measure", "an invalid measure")


@pytest.mark.parametrize(
    "said", [one for what in LIVE for one in answer("ondilo", what).json], ids=lambda one: one["data_type"]
)
def test_live_measures_come_back_as_the_cloud_wrote_them(said: dict[str, Any]) -> None:
    found = measurement_from(decoded(said, wire.Measure), PROBE, "ondilo/lastmeasures")
    told = measure_to(found, said["data_type"], "current") if found else absence_to(said["data_type"], AT, "current")
    assert printed(told) == said | ({} if found else {"value_time": "2020-03-23 16:08:51"})


def test_fields_are_printed_in_the_documents_order() -> None:
    assert list(printed(measure_to(one(), "ph", "documented"))) == list(documented("measures")[0])


@pytest.mark.parametrize(
    ("raw", "text"),
    [("523", "523"), ("523.0", "523"), ("7.20", "7.2"), ("-0.0", "0"), ("1e2", "100"), ("523.4", "523.4")],
)
def test_the_vendors_own_number_is_printed_as_it_came(raw: str, text: str) -> None:
    assert bytes(measure_to(one(raw, data_type="orp"), "orp", "documented").value).decode() == text


@pytest.mark.parametrize(
    ("data_type", "value", "text"),
    [
        ("orp", 523.4, "523"),
        ("orp", 523.5, "524"),
        ("orp", -0.5, "-1"),
        ("tds", 845.5, "846"),
        ("temperature", 26.666666, "26.67"),
        ("temperature", 26.0, "26"),
        ("ph", 7.199999, "7.2"),
    ],
)
def test_another_vendors_number_is_printed_with_ondilos_digits(data_type: Any, value: float, text: str) -> None:
    told = measure_to(kept(value, data_type), data_type, "documented")
    assert bytes(told.value).decode() == text


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_doubt_without_a_number_prints_null_and_the_first_reason(value: float | None) -> None:
    doubts = (Doubt("vendor", "sensor dry"), Doubt("range", "too much"))
    told = printed(measure_to(kept(value, doubts=doubts), "orp", "documented"))
    assert told == {
        "data_type": "orp",
        "value": None,
        "value_time": "2020-03-23T16:08:51+0000",
        "is_valid": False,
        "exclusion_reason": "sensor dry",
    }


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(["ondilo/measures", "flipr/last"]),
    st.sampled_from(TERMS),
)
def test_every_value_prints_as_json(value: float, origin: str, term: Any) -> None:
    told = msgspec.json.encode(measure_to(kept(value, term.quantity, origin), term.data_type, "current"))
    number = json.loads(told)["value"]
    assert number is None or isinstance(number, (int, float))
    assert b".0," not in told


# --- pools


def test_the_documents_pool_becomes_a_site() -> None:
    assert site() == Site(
        id="ondilo:234",
        vendor="ondilo",
        key="234",
        name="John's Pool",
        kind="pool",
        volume_m3=15.0,
        disinfection=Disinfection("chlorine", uv=True, ozone=False),
        address=Address("162 Avenue Robert Schuman", "13760", "Saint-Cannat", "France", 43.612282, 5.3179397),
        bands={
            "temperature": Band(10, 30),
            "ph": Band(7.6, 8.5),
            "orp": Band(400, 900),
            "salt": Band(3000, 5000),
            "tds": Band(250, 2000),
        },
        shares=(Share("Jane", "Doe", "jane@doe.org", datetime(2019, 12, 6, 11, 29, 36, tzinfo=UTC)),),
        attributes={"type": "outdoor_inground_pool", "pool_guy_number": "0123456789", "maintenance_day": 2},
        updated_at=datetime(2019, 11, 27, 23, 0, 21, tzinfo=UTC),
    )


def test_limits_stand_in_the_documents_order() -> None:
    limits = [name.removesuffix("_low") for name in documented("configuration") if name.endswith("_low")]
    assert list(site().bands) == limits


def test_the_site_comes_back_as_the_documents_pool() -> None:
    pool = documented("pools")[0]
    assert printed(pool_to(site(), 234, time_from(pool["updated_at"]))) == pool
    assert printed(configuration_to(site())) == documented("configuration")
    assert printed(shares_to(site().shares)) == documented("shares")


def test_the_documents_fields_come_back_in_its_order() -> None:
    pool = pool_to(site(), 234, AT)
    assert list(printed(pool)) == list(documented("pools")[0])
    assert list(printed(configuration_to(site()))) == list(documented("configuration"))
    assert list(printed(shares_to(site().shares)[0])) == list(documented("shares")[0])


def test_the_documents_device_goes_in_and_out() -> None:
    device = decoded(documented("device"), wire.Device)
    probe = probe_from(site(), device)
    assert probe == Probe(
        "ondilo:234/ico", "ondilo:234", "ondilo", "234", "SN00001", "1234567890ABCDEF", "1.5.1-stable"
    )
    assert printed(device_to(probe)) == documented("device")


def test_a_pool_without_an_ico_has_a_probe_without_a_device() -> None:
    empty = Probe("ondilo:234/ico", "ondilo:234", "ondilo", "234", "", "", "")
    assert probe_from(site(), None) == probe_from(site(), wire.Device()) == empty
    assert device_to(empty) is None


def test_a_device_with_one_number_shows_it_as_both() -> None:
    assert device_to(replace(PROBE, serial="S1")) == wire.Device(uuid="S1", serial_number="S1", sw_version="")
    assert device_to(replace(PROBE, hardware="U1")) == wire.Device(uuid="U1", serial_number="U1", sw_version="")


def test_a_bare_pool_is_a_site_and_comes_back() -> None:
    bare = site_from(ACCOUNT, wire.Pool(id=7), None, ())
    assert bare == Site("ondilo:7", "ondilo", "7", "Pool 7")
    assert printed(pool_to(bare, 7, AT)) == {
        "id": 7,
        "name": "Pool 7",
        "type": "outdoor_inground_pool",
        "volume": None,
        "disinfection": {"primary": None, "secondary": {"uv_sanitizer": False, "ozonator": False}},
        "address": {"street": "", "zipcode": "", "city": "", "country": "", "latitude": None, "longitude": None},
        "updated_at": "2020-03-23T16:08:51+0000",
    }


@pytest.mark.parametrize("word", facts("ondilo", "lists")["pool_types"])
def test_every_type_of_pool_is_a_pool_or_a_spa_and_comes_back(word: str) -> None:
    found = site_from(ACCOUNT, wire.Pool(id=1, type=word), None, ())
    assert found.kind == ("spa" if "spa" in word else "pool")
    assert pool_to(found, 1, AT).type == word


@pytest.mark.parametrize("word", facts("ondilo", "lists")["disinfection"])
def test_every_disinfection_comes_back(word: str) -> None:
    found = site_from(ACCOUNT, wire.Pool(id=1, disinfection=wire.Disinfection(primary=word)), None, ())
    assert found.disinfection.primary == word
    told = pool_to(found, 1, AT).disinfection
    assert told is not None
    assert told.primary == word


@pytest.mark.parametrize(("uv", "ozone"), [(True, False), (False, True), (None, None)])
def test_lamp_and_ozone_come_back(uv: bool | None, ozone: bool | None) -> None:
    secondary = wire.SecondaryDisinfection(uv_sanitizer=uv, ozonator=ozone)
    found = site_from(ACCOUNT, wire.Pool(id=1, disinfection=wire.Disinfection(secondary=secondary)), None, ())
    told = pool_to(found, 1, AT).disinfection
    assert told is not None
    assert told.secondary == wire.SecondaryDisinfection(uv_sanitizer=bool(uv), ozonator=bool(ozone))


def test_a_bare_share_is_a_person_without_a_name_and_comes_back() -> None:
    found = site_from(ACCOUNT, wire.Pool(id=1), None, [wire.Share()])
    assert found.shares == (Share("", "", "", None),)
    assert printed(shares_to(found.shares)) == [{"lastname": "", "firstname": "", "email": "", "shared_since": None}]


def test_attributes_of_a_wrong_type_are_not_told() -> None:
    wrong = replace(
        site(), attributes={"type": 5, "disinfection": 5, "pool_guy_number": 5, "maintenance_day": "Monday"}
    )
    assert pool_to(wrong, 1, AT).type == "outdoor_inground_pool"
    told = configuration_to(wrong)
    assert (told.pool_guy_number, told.maintenance_day) == (None, None)


def test_words_of_a_new_kind_are_kept_and_come_back() -> None:
    pool = wire.Pool(id=1, type="natural_pond", disinfection=wire.Disinfection(primary="ozone"), updated_at="soon")
    found = site_from(ACCOUNT, pool, None, ())
    assert (found.kind, found.disinfection.primary, found.updated_at) == ("other", "other", None)
    assert found.attributes == {"type": "natural_pond", "disinfection": "ozone", "updated_at": "soon"}
    told = pool_to(found, 1, AT)
    assert told.disinfection is not None
    assert (told.type, told.disinfection.primary) == ("natural_pond", "ozone")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("pool", "outdoor_inground_pool"),
        ("spa", "outdoor_spa"),
        ("tank", "outdoor_aboveground_pool"),
        ("plant", "outdoor_inground_pool"),
        ("other", "outdoor_inground_pool"),
    ],
)
def test_a_site_of_another_vendor_has_a_type_of_ondilos(kind: Any, word: str) -> None:
    foreign = replace(FLIPR, kind=kind, attributes={"type": "AnalysR", "disinfection": "x", "pool_guy_number": "1"})
    told = pool_to(foreign, 1_000_000, AT)
    assert told.type == word
    assert told.disinfection is not None
    assert told.disinfection.primary is None
    assert configuration_to(foreign).pool_guy_number is None


def test_limits_that_nobody_set_are_null_and_set_ones_whole() -> None:
    bands = {"temperature": Band(10.5, 29.4), "ph": Band(7.0, 7.45), "orp": Band(None, float("nan"))}
    told = printed(configuration_to(replace(FLIPR, bands=bands)))
    assert told == {
        "temperature_low": 11, "temperature_high": 29, "ph_low": 7, "ph_high": 7.45, "orp_low": None, "orp_high": None,
        "salt_low": None, "salt_high": None, "tds_low": None, "tds_high": None, "pool_guy_number": None, "maintenance_day": None,
    }  # fmt: skip
    assert all(isinstance(told[f"{name}_low"], (int, type(None))) for name in facts("ondilo", "lists")["whole_limits"])


def test_the_same_key_in_another_realm_is_another_site() -> None:
    elsewhere = replace(ACCOUNT, realm="lab")
    assert site_from(elsewhere, wire.Pool(id=234), None, ()).id == "ondilo@lab:234"


# --- people and recommendations


def test_the_documents_user_goes_in_and_out() -> None:
    person = person_from(decoded(documented("user-info"), wire.UserInfo), documented("user-units"))
    assert person == Person("John", "Doe", "john@doe.org", documented("user-units"))
    assert printed(user_to(person)) == documented("user-info")
    beyond = facts("ondilo", "lists")["user_units_beyond_the_document"]
    assert {name: word for name, word in printed(units_to(person.units)).items() if name not in beyond} == documented(
        "user-units"
    )


def test_user_units_have_what_clients_read_beyond_the_document() -> None:
    assert all(printed(units_to({}))[name] for name in facts("ondilo", "lists")["user_units_beyond_the_document"])


def test_a_user_who_chose_no_units_has_the_documents() -> None:
    assert printed(units_to({})) == documented("user-units") | {"tds": "PARTS_PER_MILLION"}


def test_a_user_without_a_name_is_empty() -> None:
    assert person_from(wire.UserInfo(), {}) == Person("", "", "", {})


def test_units_that_somebody_chose_are_told_as_chosen() -> None:
    assert units_to({"temperature": "FAHRENHEIT"}) == replace(units_to({}), temperature="FAHRENHEIT")


def test_a_user_of_this_hub_is_told_as_the_document_tells_one() -> None:
    told = user_to(User("john@doe.org", "", "John", "Doe"))
    assert printed(told) == documented("user-info")
    assert list(printed(told)) == list(documented("user-info"))


def test_the_documents_recommendation_goes_in_and_out() -> None:
    (said,) = decoded(documented("recommendations"), list[wire.Recommendation])
    found = recommendation_from(said, site(), AT)
    assert (found.id, found.site, found.key) == ("ondilo:234/recommendation/10251", "ondilo:234", "10251")
    assert found.deadline == datetime(2020, 3, 26, tzinfo=UTC)
    assert printed([recommendation_to(found, 10251)]) == documented("recommendations")
    assert list(printed(recommendation_to(found, 1))) == list(documented("recommendations")[0])


@pytest.mark.parametrize("status", facts("ondilo", "lists")["recommendation_statuses"])
def test_a_recommendation_keeps_its_status_and_its_three_dates(status: str) -> None:
    (said,) = documented("recommendations")
    said |= {"status": status, "updated_at": "2020-03-25T05:00:00+0000", "deadline": "2020-04-01T12:00:00+0000"}
    found = recommendation_from(decoded(said, wire.Recommendation), site(), AT)
    assert (found.status, found.created_at.hour, found.updated_at.hour) == (status, 4, 5)
    assert printed(recommendation_to(found, 10251)) == said


def test_a_bare_recommendation_is_of_now_and_waits() -> None:
    found = recommendation_from(wire.Recommendation(id=5, created_at="?", deadline="?"), site(), AT)
    assert found == Recommendation("ondilo:234/recommendation/5", "ondilo:234", "5", "", "", AT, AT, "waiting")
    dated = recommendation_from(wire.Recommendation(id=5, updated_at="2020-01-01 00:00:00"), site(), AT)
    assert dated.created_at == dated.updated_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_recommendation_without_a_deadline_is_due_when_its_day_ends() -> None:
    created = datetime(2020, 3, 25, 4, 9, 59, tzinfo=UTC)
    told = recommendation_to(Recommendation("r", "s", "k", "t", "m", created, created + timedelta(hours=1)), 1)
    assert (told.deadline, told.updated_at) == ("2020-03-26T00:00:00+0000", "2020-03-25T05:09:59+0000")


def test_an_offset_is_never_lost_on_the_way_in() -> None:
    assert time_from("2020-03-23T18:08:51+0200").astimezone(timezone(timedelta(hours=2))).hour == 18
