"""The eight services, held against what the document prints."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt
from margelle.domain.site import Probe
from margelle.domain.unit import Unit
from margelle.vendors.baxo.translate import seconds_to
from tests.asgi import call
from tests.evidence import exchange, facts
from tests.vendors.baxo.house import (
    CONTRACT,
    FIRST,
    ICO,
    NEWEST,
    NOW,
    OTHER_LOGIN,
    PASSWORD,
    PAST,
    POOL,
    SECOND,
    House,
    documented_house,
    empty_house,
    furnish,
    point,
    pool_house,
    probe,
)

REQUESTS = facts("baxo", "requests")
START = "577929600"


def told(name: str) -> Any:
    return exchange("baxo", name).response.json


# --- what the document prints


async def test_the_documents_contract(house: House) -> None:
    answer = await house.get(exchange("baxo", "contracts").request.query)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"contracts": told("contracts")["contracts"][:1]}
    assert list(answer.json()["contracts"][0]) == list(told("contracts")["contracts"][0])


async def test_the_documents_devices(house: House) -> None:
    answer = await house.get(exchange("baxo", "devices").request.query)
    assert sorted(answer.json()["devices"], key=lambda one: -len(one["id"])) == told("devices")["devices"]


@pytest.mark.parametrize("name", ["device", "realtimes"])
async def test_the_documents_device_and_its_values(house: House, name: str) -> None:
    answer = await house.get(exchange("baxo", name).request.query)
    assert answer.json() == told(name)
    assert json.dumps(answer.json()) == json.dumps(told(name))


async def test_the_documents_past(house: House) -> None:
    query = exchange("baxo", "historics").request.query.replace("578590638", "577929633")
    assert (await house.get(query)).json() == told("historics")


async def strict_house_of_two(profile: str) -> House:
    """Devices named as in 3.5 and 3.7."""
    house = await empty_house(profile=profile)
    sites = [replace(FIRST, id=f"baxo:device{n}", key=f"device{n}") for n in (1, 2)]
    probes = [Probe(f"{one.id}/device", one.id, "baxo", f"{CONTRACT}/{one.key}", one.key) for one in sites]
    await furnish(house, sites, probes, "baxo")
    await house.store.add(
        [
            point(probes[0].id, "baxo.TAG_1", "24"),
            point(probes[1].id, "baxo.TAG_2", "2587"),
            point(probes[0].id, "baxo.TAG_1", "1224", PAST, origin="baxo/historics"),
        ],
        NOW,
    )
    return house


async def test_the_documents_values_of_several_devices() -> None:
    house = await strict_house_of_two("strict")
    answer = await house.get(exchange("baxo", "realtimes-many").request.query)
    assert json.dumps(answer.json()) == json.dumps(told("realtimes-many"))


async def test_a_device_is_named_by_both_words_unless_the_profile_is_strict() -> None:
    house = await strict_house_of_two("lenient")
    for log in (await house.get(exchange("baxo", "realtimes-many").request.query)).json()["logs"]:
        assert log["deviceIdentifiant"] == log["deviceIdentifier"]


async def test_the_documents_past_of_several_devices() -> None:
    house = await strict_house_of_two("strict")
    query = exchange("baxo", "historics-many").request.query.replace("578590638", "577929633")
    assert (await house.get(query)).json() == told("historics-many")


async def test_a_write_by_the_documents_request_is_200() -> None:
    house = await documented_house(writers=["votreadresse"])
    answer = await house.get(exchange("baxo", "tags-write").request.query)
    assert (answer.status, answer.json()) == (facts("baxo", "lists")["write_status"], {})
    assert house.actions.written == [("TAG_1", "24", probe(FIRST).id, "VOTREADRESSE")]


# --- every way to ask


@pytest.mark.parametrize("said", REQUESTS, ids=lambda said: said["client"])
async def test_a_list_is_read_in_every_spelling(house: House, said: dict[str, str]) -> None:
    if said["method"] == "GET":
        answer = await house.get(said["query"])
    else:
        answer = await house.post(said["body"], said["query"], kind=said["content_type"])
    assert answer.status == 200, answer.text
    assert [table["tagReference"] for table in answer.json()["historics"]] == ["TAG_1", "TAG_2"]


@pytest.mark.parametrize("value", ["TAG_2;TAG_1", '["TAG_2","TAG_1"]', " TAG_2 , TAG_1,", "TAG_2,TAG_1,NOPE"])
async def test_tags_come_in_the_order_in_which_they_are_asked_for(house: House, value: str) -> None:
    answer = await house.ask("devices-realtimes", contractId=CONTRACT, deviceId="3219875446", tagReferences=value)
    assert [log["tagReference"] for log in answer.json()["logs"]] == ["TAG_2", "TAG_1"]


async def test_a_list_of_one_device_names_it(house: House) -> None:
    answer = await house.ask("devices-realtimes", contractId=CONTRACT, deviceIdentifiers="14587", deviceId="3219875446")
    assert [log["deviceIdentifiant"] for log in answer.json()["logs"]] == ["14587"]


async def test_the_body_wins_over_the_address(house: House) -> None:
    answer = await house.post(
        f"username=VOTREADRESSE&password={PASSWORD}&get=device&contractId={CONTRACT}&deviceId=14587",
        "username=eve&password=no&deviceId=1&get=devices",
    )
    assert answer.json()["device"]["name"] == "MyDevice2"


@pytest.mark.parametrize("path", ["/baxo/k1/", "/baxo/k1"])
async def test_the_address_may_end_with_a_slash(house: House, path: str) -> None:
    answer = await call(house.app, "GET", f"{path}?get=contracts&username=VOTREADRESSE&password={PASSWORD}")
    assert answer.status == 200


async def test_at_the_root_of_the_vendors_own_host_the_face_answers_too(house: House) -> None:
    query = f"get=contracts&username=VOTREADRESSE&password={PASSWORD}"
    assert (await call(house.app, "GET", f"/k1?{query}", {"host": "api.bamo.fr"})).status == 200


# --- what is wrong


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"get": ""}, 400),
        ({"get": "nope"}, 400),
        ({"get": "devices"}, 400),
        ({"get": "devices", "contractId": "nope"}, 404),
        ({"get": "device", "contractId": CONTRACT}, 400),
        ({"get": "device", "contractId": CONTRACT, "deviceId": "nope"}, 404),
        ({"get": "devices-realtimes", "contractId": CONTRACT}, 400),
        ({"get": "devices-realtimes", "contractId": CONTRACT, "deviceIdentifiers": "14587,nope"}, 404),
        ({"get": "devices-historics", "contractId": CONTRACT, "deviceId": "14587"}, 400),
        ({"get": "devices-historics", "contractId": CONTRACT, "deviceId": "14587", "startTime": "yesterday"}, 400),
        ({"get": "devices-historics", "contractId": CONTRACT, "deviceId": "14587", "startTime": "1.5"}, 400),
        ({"get": "devices-historics", "contractId": CONTRACT, "deviceId": "14587", "startTime": "-99999999999"}, 400),
        ({"get": "devices-historics", "contractId": CONTRACT, "deviceId": "1", "startTime": "1", "endTime": "x"}, 400),
        ({"get": "devices-tags-write", "contractId": CONTRACT, "deviceId": "14587", "tagRef": "T"}, 400),
        ({"get": "devices-tags-write", "contractId": CONTRACT, "deviceId": "14587", "value": "1"}, 400),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_in_the_apis_shape(
    house: House, given: dict[str, str], status: int
) -> None:
    answer = await house.ask(**given)
    assert answer.status == status, answer.text
    assert set(answer.json()) == {"error", "message"}
    assert answer.headers["content-type"] == "application/json"


async def test_a_service_that_is_none_is_told_which_there_are(house: House) -> None:
    told = (await house.ask(get="nope")).json()["message"]
    known = "contracts, devices, device, devices-realtimes, devices-historics, devices-tags-write"
    assert told == f"There is no service 'nope'. There are: {known}."


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", "application/json"),
        ('{"get":', "application/json"),
        ("&".join(f"a{n}=1" for n in range(3000)), ""),
        ("x" * 70_000, ""),
        ("nothing of the kind", "multipart/form-data; boundary=b"),
        ("--b\r\nbroken", "multipart/form-data; boundary=b"),
        ("--b", "multipart/form-data"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(house: House, body: str, kind: str) -> None:
    answer = await house.post(body, kind=kind)
    assert answer.status == 400
    assert answer.json()["error"] == "invalid_request"


async def test_a_parameter_that_is_there_twice_with_two_values_is_refused(house: House) -> None:
    answer = await house.ask("device", ("contractId", CONTRACT), ("deviceId", "14587"), ("deviceId", "3219875446"))
    assert answer.status == 400


@pytest.mark.parametrize("path", ["/baxo/", "/baxo/k2", "/baxo/k1/x"])
async def test_other_paths_are_not_found_in_json(house: House, path: str) -> None:
    answer = await call(house.app, "GET", path)
    assert (answer.status, answer.json()["error"]) == (404, "not_found")


async def test_nothing_is_told_of_what_another_user_has(house: House) -> None:
    hers = replace(SECOND, id="baxo:7", key="7", attributes=SECOND.attributes | {"contract": "hers"})
    await furnish(house, [hers], [replace(probe(hers), key="hers/7")], "baxo", OTHER_LOGIN)
    assert (await house.ask("devices", username=OTHER_LOGIN, contractId=CONTRACT)).status == 404
    assert (await house.ask("devices", username=OTHER_LOGIN, contractId="hers")).status == 200
    assert (await house.ask("devices", contractId="hers")).status == 404


# --- every probe


async def test_another_vendors_probe_is_a_device_under_a_contract_of_its_vendor() -> None:
    house = await pool_house(tags={"WATER": "temperature [degF]"})
    contracts = (await house.ask("contracts")).json()["contracts"]
    (own,) = [one for one in contracts if one["reference"] == "ONDILO"]
    assert own["company"] == "Ondilo"
    devices = (await house.ask("devices", contractId=own["id"])).json()["devices"]
    assert devices == [
        {
            "id": "1000000",
            "name": "John's Pool",
            "details": "Lyon SN00001",
            "status": 0,
            "timezone": "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris",
        }
    ]
    asked = {"contractId": own["id"], "deviceId": "1000000"}
    logs = (await house.ask("devices-realtimes", **asked)).json()["logs"]
    assert [(log["tagReference"], log["value"], log["isEvent"]) for log in logs] == [
        ("TDS", "1147", False),
        ("WATER", "55.4", False),
    ]
    past = (await house.ask("devices-historics", **asked, startTime=START, tagReferences="WATER")).json()
    assert [row["value"] for row in past["historics"][0]["logs"]] == ["54.5", "55.4"]


async def test_ids_stay_the_same_whoever_comes_and_goes() -> None:
    house = await pool_house()
    before = (await house.ask("contracts")).json()
    second = replace(POOL, id="ondilo:1", key="1")
    await furnish(house, [second], [replace(ICO, id="ondilo:1/ico", site=second.id, key="1")], "ondilo")
    after = (await house.ask("contracts")).json()
    assert before == after
    (own,) = [one["id"] for one in after["contracts"] if one["reference"] == "ONDILO"]
    await house.ask("devices", contractId=own)
    await furnish(house, [POOL, second], [ICO, replace(ICO, id="ondilo:1/ico", site=second.id, key="1")], "ondilo")
    devices = (await house.ask("devices", contractId=own)).json()["devices"]
    assert len({one["id"] for one in devices}) == 2
    assert [one["id"] for one in (await house.ask("devices", contractId=own)).json()["devices"]] == [
        one["id"] for one in devices
    ]


async def test_events_are_told_as_such() -> None:
    house = await documented_house()
    alarmed = replace(SECOND, attributes=SECOND.attributes | {"tags": "TAG_2\nALARM", "events": "ALARM"})
    await furnish(house, [FIRST, alarmed], [probe(FIRST), probe(SECOND)], "baxo")
    await house.store.add([point(probe(SECOND).id, "baxo.ALARM", "1"), point(probe(SECOND).id, "baxo.A", "1")], NOW)
    logs = (await house.ask("devices-realtimes", contractId=CONTRACT, deviceId="14587")).json()["logs"]
    assert [(log["tagReference"], log["isEvent"]) for log in logs] == [("TAG_2", False), ("ALARM", True), ("A", False)]


async def test_what_came_without_a_number_is_told_as_it_came() -> None:
    house = await documented_house()
    odd = replace(
        point(probe(SECOND).id, "baxo.TXT", "1"), value=None, raw="marche", doubts=(Doubt("unreadable", "x"),)
    )
    await house.store.add([odd], NOW)
    asked = {"contractId": CONTRACT, "deviceId": "14587", "tagReferences": "TXT"}
    assert [log["value"] for log in (await house.ask("devices-realtimes", **asked)).json()["logs"]] == ["marche"]


async def test_a_tag_that_was_mapped_later_has_one_past() -> None:
    house = await documented_house(tags={"TAG_1": "level cm"})
    first = probe(FIRST).id
    mapped = replace(point(first, "level", "24", unit=Unit.CENTIMETRE), value=0.24)
    await house.store.add([mapped], NOW)
    asked = {"contractId": CONTRACT, "deviceId": FIRST.key}
    past = (await house.ask("devices-historics", **asked, startTime=START)).json()["historics"]
    assert [(table["tagReference"], len(table["logs"])) for table in past] == [("TAG_1", 2), ("TAG_2", 1)]
    logs = (await house.ask("devices-realtimes", **asked)).json()["logs"]
    assert [log["value"] for log in logs] == ["24", "2587"]


async def test_both_ends_of_a_period_are_in_it(house: House) -> None:
    asked = {"contractId": CONTRACT, "deviceId": FIRST.key, "tagReferences": "TAG_1"}
    for end, count in (("578590637", 1), ("578590638", 2)):
        past = await house.ask("devices-historics", **asked, startTime="577929633", endTime=end)
        assert len(past.json()["historics"][0]["logs"]) == count
    assert (await house.ask("devices-historics", **asked, startTime="577929634", endTime="1")).json() == {
        "historics": []
    }


async def test_a_value_ahead_of_the_clock_is_not_told(house: House) -> None:
    await house.store.add([point(probe(FIRST).id, "baxo.TAG_1", "9", NEWEST.replace(year=2030))], NOW)
    asked = {"contractId": CONTRACT, "deviceId": FIRST.key, "tagReferences": "TAG_1"}
    assert [log["value"] for log in (await house.ask("devices-realtimes", **asked)).json()["logs"]] == ["24"]
    past = await house.ask("devices-historics", **asked, startTime=START, endTime="99999999999")
    assert [row["value"] for row in past.json()["historics"][0]["logs"]] == ["1224", "24"]


# --- answers that are kept for a moment


async def test_an_answer_is_told_again_until_something_is_stored(house: House) -> None:
    asked = {"contractId": CONTRACT, "deviceId": "3219875446", "tagReferences": "TAG_1"}
    first = await house.ask("devices-realtimes", **asked)
    assert (await house.ask("devices-realtimes", **asked)).body == first.body
    await house.store.add([point(probe(FIRST).id, "baxo.TAG_1", "25", NEWEST + timedelta(minutes=1))], NOW)
    again = await house.ask("devices-realtimes", **asked)
    assert [log["value"] for log in again.json()["logs"]] == ["25"]


async def test_a_kept_answer_is_only_for_its_own_question_and_user(house: House) -> None:
    asked = {"contractId": CONTRACT, "deviceId": "3219875446"}
    one = await house.ask("devices-realtimes", **asked)
    assert (await house.ask("devices-realtimes", **asked, tagReferences="TAG_2")).body != one.body
    assert (await house.ask("device", **asked)).body != one.body
    assert (await house.ask("devices-realtimes", **asked, username=OTHER_LOGIN)).status != 200
    assert (await house.ask("devices-realtimes", **asked, password="wrong")).status == 401


async def test_a_value_of_now_that_comes_again_from_the_platform_is_told_with_its_source(house: House) -> None:
    at = NEWEST + timedelta(minutes=5)
    past = {
        "contractId": CONTRACT,
        "deviceId": "3219875446",
        "tagReferences": "TAG_1",
        "startTime": str(seconds_to(at)),
    }
    for origin, source in (("baxo/realtimes", 1), ("baxo/historics/distant", 2), ("baxo/realtimes", 2)):
        await house.store.add([point(probe(FIRST).id, "baxo.TAG_1", "7", at, origin=origin)], NOW)
        (table,) = (await house.ask("devices-historics", **past)).json()["historics"]
        assert [row["source"] for row in table["logs"]] == [source]
