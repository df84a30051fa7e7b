"""Measures through the face: types in every spelling, times in both, windows, and what is not valid."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, DoubtKind
from margelle.domain.site import Disinfection
from tests.evidence import answer, facts
from tests.vendors.ondilo.house import (
    HOUR,
    MEASURED_AT,
    NOW,
    PROBE,
    SITE,
    House,
    documented_house,
    empty_house,
    furnish,
    point,
)

REQUESTS = facts("ondilo", "requests")
LISTS = facts("ondilo", "lists")
SEVEN = LISTS["types"]
ALL_TYPES = "&".join(f"types[]={name}" for name in SEVEN)


def _types(answered: list[dict[str, Any]]) -> list[str]:
    return [entry["data_type"] for entry in answered]


async def _measured(house: House, query: str, path: str = "/pools/234/lastmeasures") -> list[dict[str, Any]]:
    given = await house.get(path, query)
    assert given.status == 200, given.text
    listed: list[dict[str, Any]] = given.json()
    return listed


@pytest.mark.parametrize(
    "said", [said for said in REQUESTS if said["what"] == "lastmeasures"], ids=lambda said: said["client"]
)
async def test_every_client_gets_each_type_that_it_asks_for_in_its_order(house: House, said: dict[str, Any]) -> None:
    asked = re.findall("temperature|ph|orp|salt|tds|battery|rssi", said["query"])

    answered = await _measured(house, said["query"])

    assert _types(answered)[: len(asked) or None] == asked or not asked
    assert set(_types(answered)) == set(SEVEN)
    assert all(
        list(entry) == ["data_type", "value", "value_time", "is_valid", "exclusion_reason"] for entry in answered
    )


async def test_a_recorded_answer_is_told_again_to_the_byte() -> None:
    said = answer("ondilo", "lastmeasures, naive times, salt without a measure")
    at = datetime(2024, 1, 1, 1, 0, tzinfo=UTC)
    house = await empty_house()
    house.at(at + HOUR)
    await furnish(house)
    await house.store.add(
        [
            point(quantity, value, at)
            for quantity, value in {
                "temperature": 19.0, "ph": 9.29, "orp": 647.0, "battery": 50.0, "tds": 845.0, "rssi": 60.0
            }.items()
        ],
        house.now[0],
    )  # fmt: skip
    await house.sign_in()
    asked = "&".join(f"types[]={name}" for name in ("temperature", "ph", "orp", "salt", "battery", "tds", "rssi"))

    assert (await house.get("/pools/234/lastmeasures", asked)).text == said.text


async def test_unasked_types_come_in_the_order_that_clients_index() -> None:
    house = await documented_house()

    once = LISTS["types_once_told_unasked"]
    assert _types(await _measured(house, ""))[: len(once)] == once


async def test_unasked_nothing_is_told_if_it_is_set_so() -> None:
    house = await documented_house(types_default="empty")

    for query in ("", "types[]=", "other=1"):
        given = await house.get("/pools/234/lastmeasures", query)
        assert given.text == answer("ondilo", "lastmeasures that names no types, or while the cloud is ill").text
    assert _types(await _measured(house, "types[]=orp")) == ["orp"]


@pytest.mark.parametrize(
    "query",
    [
        "types[]=orp&types[]=ph", "types%5B%5D=orp&types%5b%5d=ph", "types=orp&types=ph", "types=orp%2Cph", "types=orp,ph",
        "types[0]=orp&types[1]=ph", "types[]=orp&x=1&types[]=ph&types[]=orp", "types[]=&types[]=orp,&types=ph", "types=orp%2C+ph", "types[]=+&types=orp%2C%20,ph",
    ],
)  # fmt: skip
async def test_types_are_understood_in_every_spelling(house: House, query: str) -> None:
    assert _types(await _measured(house, query)) == ["orp", "ph"]


@pytest.mark.parametrize(
    "word", ["conductivity", "Temperature", "ph ph", "%00", "'", "%C3%A9" * 100, "ph%3Borp", "%FF"]
)
async def test_a_type_that_the_document_does_not_allow_is_refused(house: House, word: str) -> None:
    for target, query in (("lastmeasures", f"types[]={word}"), ("measures", f"type={word}&period=day")):
        refused = await house.get(f"/pools/234/{target}", query)

        assert refused.status == 400
        assert refused.json()["error"]["message"]


async def test_an_apostrophe_in_an_error_is_escaped_as_the_cloud_does(house: House) -> None:
    refused = await house.get("/pools/234/lastmeasures", "types[]=it's")

    assert b"'" not in refused.body
    assert rb"\u0027it\u0027s\u0027" in refused.body
    assert "'it's'" in refused.json()["error"]["message"]
    assert rb"user\u0027s" in answer("ondilo", "no pools for the user, 2024").text.encode()


async def test_a_type_without_a_measure_has_the_time_of_the_newest(house: House) -> None:
    (salt,) = await _measured(house, "types[]=salt")

    assert salt == {
        "data_type": "salt", "value": None, "value_time": "2020-03-23 16:08:51", "is_valid": True, "exclusion_reason": None
    }  # fmt: skip


async def test_a_pool_that_never_measured_has_a_time_all_the_same() -> None:
    house = await empty_house()
    await furnish(house)
    await house.sign_in()

    answered = await _measured(house, ALL_TYPES)

    assert _types(answered) == SEVEN
    assert {(entry["value"], entry["value_time"]) for entry in answered} == {(None, "2020-03-23 16:30:00")}
    assert await _measured(house, "type=ph&period=month", "/pools/234/measures") == []


@pytest.mark.parametrize(
    ("settings", "last", "past"),
    [
        ({}, "2020-03-23 16:08:51", "2020-03-23T16:08:51+0000"),
        ({"lastmeasures_time": "documented"}, "2020-03-23T16:08:51+0000", "2020-03-23T16:08:51+0000"),
        ({"measures_time": "current"}, "2020-03-23 16:08:51", "2020-03-23 16:08:51"),
    ],
)
async def test_times_are_written_as_set_and_by_default_as_most_clients_need(
    settings: dict[str, Any], last: str, past: str
) -> None:
    house = await documented_house(**settings)

    newest = await _measured(house, "types[]=orp")
    history = await _measured(house, "type=orp&period=day", "/pools/234/measures")

    assert [entry["value_time"] for entry in newest] == [last]
    assert [entry["value_time"] for entry in history] == [past]


async def test_openhab_reads_every_time_of_lastmeasures(house: House) -> None:
    for entry in await _measured(house, ALL_TYPES):
        datetime.strptime(entry["value_time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


async def test_the_loxberry_plugin_reads_documented_times_by_position() -> None:
    house = await documented_house(lastmeasures_time="documented")

    told = await _measured(house, "")

    assert [told[index]["data_type"] for index in range(6)] == ["temperature", "orp", "ph", "tds", "battery", "rssi"]
    for entry in told:
        datetime.strptime(entry["value_time"], "%Y-%m-%dT%H:%M:%S+0000").replace(tzinfo=UTC)


@pytest.mark.parametrize(("period", "hours"), LISTS["periods"].items())
async def test_a_period_ends_now_and_not_at_midnight(period: str, hours: int) -> None:
    house = await empty_house()
    await furnish(house)
    instants = [NOW - timedelta(minutes=17) - n * HOUR for n in range(800)]
    await house.store.add([point("ph", 7 + n % 10 / 10, at) for n, at in enumerate(instants)], NOW)
    await house.sign_in()

    answered = await _measured(house, f"type=ph&period={period}", "/pools/234/measures")

    times = [entry["value_time"] for entry in answered]
    assert len(times) == hours
    assert times == sorted(times)
    assert times[-1] == "2020-03-23T16:13:00+0000"
    house.at(NOW + timedelta(minutes=43, seconds=1))
    assert [
        entry["value_time"] for entry in await _measured(house, f"type=ph&period={period}", "/pools/234/measures")
    ] == times[1:]


async def test_ondilo_to_s3_splits_its_times(house: House) -> None:
    (said,) = [said for said in REQUESTS if said["what"] == "measures"]

    for entry in await _measured(house, said["query"], "/pools/234/measures"):
        day, clock = entry["value_time"].split("T")
        assert (len(day), len(clock)) == (10, 13)


@pytest.mark.parametrize(
    "query",
    ["", "type=ph", "period=day", "type=ph&period=", "type=&period=day", "type=ph&period=year", "type=ph&period=Day",
     "type=ph&type=orp&period=day", "type=ph&period=day&period=week", "type[]=ph&period=day", "type=ph,orp&period=day"],
)  # fmt: skip
async def test_measures_without_one_type_and_one_period_are_refused(house: House, query: str) -> None:
    refused = await house.get("/pools/234/measures", query)

    assert refused.status == 400
    assert refused.json()["error"]["message"]


async def test_an_excluded_measure_keeps_its_value_and_tells_why(house: House) -> None:
    at = MEASURED_AT + timedelta(minutes=5)
    await house.store.add([point("ph", 3.2, at, doubts=(Doubt("vendor", "OUT_OF_RANGE"),))], NOW)

    (last,) = await _measured(house, "types[]=ph")
    (past,) = await _measured(house, "type=ph&period=day", "/pools/234/measures")

    for entry in (last, past):
        assert (entry["value"], entry["is_valid"], entry["exclusion_reason"]) == (3.2, False, "OUT_OF_RANGE")


@pytest.mark.parametrize("kind", get_args(DoubtKind))
async def test_whatever_is_doubted_is_not_valid_here_and_tells_why(house: House, kind: DoubtKind) -> None:
    at = MEASURED_AT + timedelta(minutes=5)
    await house.store.add([point("ph", 9.2, at, doubts=(Doubt(kind, "so it seems"),))], NOW)

    (last,) = await _measured(house, "types[]=ph")
    (past,) = await _measured(house, "type=ph&period=day", "/pools/234/measures")

    for entry in (last, past):
        assert (entry["value"], entry["is_valid"], entry["exclusion_reason"]) == (9.2, False, "so it seems")


async def test_a_measure_that_came_as_no_number_is_null_and_not_valid(house: House) -> None:
    await house.store.add([point("ph", None, doubts=(Doubt("unreadable", "“x” is no number"),))], NOW)

    (entry,) = await _measured(house, "types[]=ph")

    assert (entry["value"], entry["is_valid"], entry["exclusion_reason"]) == (None, False, "“x” is no number")


async def test_a_measure_from_far_ahead_of_the_clock_is_not_told_yet(house: House) -> None:
    await house.store.add([point("ph", 7.4, NOW - HOUR), point("ph", 9.9, NOW + HOUR)], NOW)

    assert [entry["value"] for entry in await _measured(house, "types[]=ph")] == [7.4]
    assert [entry["value"] for entry in await _measured(house, "type=ph&period=day", "/pools/234/measures")] == [7.4]
    house.at(NOW + HOUR)
    token = (await house.sign_in())["access_token"]
    assert (await house.get("/pools/234/lastmeasures", "types[]=ph", token=token)).json()[0]["value"] == 9.9


async def test_a_probe_whose_clock_is_a_little_fast_is_told_in_both(house: House) -> None:
    await house.store.add([point("ph", 7.4, NOW + timedelta(minutes=9))], NOW)

    assert [entry["value"] for entry in await _measured(house, "types[]=ph")] == [7.4]
    assert [entry["value"] for entry in await _measured(house, "type=ph&period=day", "/pools/234/measures")] == [7.4]


@pytest.mark.parametrize("data_type", LISTS["whole_numbers"])
async def test_whole_numbers_are_written_without_a_fraction(house: House, data_type: str) -> None:
    await house.store.add([point(data_type, 62.0)], NOW)

    assert b'"value":62,' in (await house.get("/pools/234/lastmeasures", f"types[]={data_type}")).body


async def test_a_new_measure_is_told_at_once(house: House) -> None:
    before = await _measured(house, "types[]=orp")
    await house.store.add([point("orp", 700.0, NOW)], NOW)

    assert [entry["value"] for entry in before + await _measured(house, "types[]=orp")] == [523, 700]


async def test_a_corrected_measure_is_told_corrected(house: House) -> None:
    await _measured(house, "types[]=orp")
    await house.store.add([point("orp", 524.0)], NOW)

    assert (await _measured(house, "types[]=orp"))[0]["value"] == 524


async def test_measures_do_not_depend_on_the_device_in_the_water(house: House) -> None:
    await furnish(house, probes=[replace(PROBE, serial="SN00002", hardware="FEDC", firmware="2.0")])

    assert (await house.get("/pools/234/device")).json()["serial_number"] == "SN00002"
    assert [entry["value"] for entry in await _measured(house, "types[]=orp")] == [523]


# --- other vendors' probes


async def _of_conductivity(primary: Any, **values: float) -> House:
    """John's pool, measured by a probe that tells conductivity."""
    house = await empty_house()
    await furnish(house, sites=[replace(SITE, disinfection=Disinfection(primary))])
    await house.store.add([point(name, value, origin="flipr/survey/last") for name, value in values.items()], NOW)
    await house.sign_in()
    return house


@pytest.mark.parametrize(("primary", "solids", "other"), [("chlorine", "tds", "salt"), ("salt", "salt", "tds")])
async def test_a_conductivity_is_shown_as_what_an_ico_would_tell_in_this_water(
    primary: str, solids: str, other: str
) -> None:
    house = await _of_conductivity(primary, conductivity=1413.0)

    latest = {one["data_type"]: one["value"] for one in await _measured(house, ALL_TYPES)}
    month = await _measured(house, f"type={solids}&period=month", "/pools/234/measures")

    assert (latest[solids], latest[other]) == (707, None)
    assert [one["value"] for one in month] == [707]
    assert await _measured(house, f"type={other}&period=month", "/pools/234/measures") == []


async def test_solids_that_a_probe_tells_itself_are_not_derived() -> None:
    house = await _of_conductivity("chlorine", conductivity=1413.0, tds=640.0)
    at = MEASURED_AT - timedelta(hours=2)
    await house.store.add([point("conductivity", 1500.0, at, origin="flipr/survey/last")], NOW)

    assert [one["value"] for one in await _measured(house, "types[]=tds")] == [640]
    assert [one["value"] for one in await _measured(house, "type=tds&period=day", "/pools/234/measures")] == [640]


async def test_a_doubtful_conductivity_makes_doubtful_solids() -> None:
    house = await _of_conductivity("chlorine", temperature=20.0)
    await house.store.add(
        [point("conductivity", None, doubts=(Doubt("vendor", "a level only"),), origin="flipr/survey/last")], NOW
    )

    (told,) = await _measured(house, "types[]=tds")

    assert (told["value"], told["is_valid"], told["exclusion_reason"]) == (None, False, "a level only")
