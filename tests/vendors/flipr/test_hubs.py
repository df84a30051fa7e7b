"""Hubs at the face, over raw HTTP, held against what clients send and what the cloud has answered them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.json import encode
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Probe, Site
from margelle.domain.switch import Switch
from margelle.domain.unit import Unit
from margelle.errors import Conflict, Limited, Malformed, MargelleError, NotFound, Refused, Unavailable
from margelle.ports import Discovery
from margelle.vendors.flipr.translate import hub_to, standing_to
from tests.evidence import answer, facts
from tests.vendors.flipr.house import HUB, LOGIN, NOW, OTHER_LOGIN, SITE, House, listening, pumped_house, stands

LISTS = facts("flipr", "lists")
SENT = [one for one in facts("flipr", "requests") if "HB0001" in one["path"]]
STATE = answer("flipr", "a hub's state").json
WANTED = {"True": "on", "False": "off", "true": "on"}


@pytest.fixture
async def pumped() -> House:
    """John's house with a hub."""
    return await pumped_house()


async def state(house: House, serial: str = "HB0001") -> Any:
    told = await house.get(f"/hub/{serial}/state")
    assert told.status == 200, told.text
    return told.json()


@pytest.mark.parametrize("sent", SENT, ids=lambda one: f"{one['client']}: {one['method']} {one['path']}")
async def test_what_a_client_asks_of_a_hub_is_answered_in_the_clouds_shape(pumped: House, sent: dict[str, Any]) -> None:
    told = await pumped.get(sent["path"], method=sent["method"])
    assert told.status == 200, told.text
    assert list(told.json()) == list(STATE)
    last = sent["path"].rpartition("/")[2]
    acts = [] if last == "state" else [(HUB.id, WANTED.get(last, last), SITE.id, LOGIN)]
    assert pumped.actions.switched == acts


async def test_a_hub_stands_as_it_was_collected(pumped: House) -> None:
    assert await state(pumped) == STATE
    later = NOW + timedelta(minutes=1)
    await pumped.store.add(stands(on=False, mode="planning 12", at=later), later)
    assert await state(pumped) == STATE | {"stateEquipment": 0, "behavior": "planning", "planning": "12"}


async def test_a_hub_is_a_module_of_the_second_kind_and_stands_in_its_place(pumped: House) -> None:
    modules = (await pumped.get("/modules")).json()
    kinds = LISTS["module_types"]
    assert [(one["Serial"], one["ModuleType_Id"]) for one in modules] == [("21BXYZ", kinds["probe"]), ("HB0001", kinds["hub"])]  # fmt: skip
    hub = {name: value for name, value in modules[1].items() if value is not None}
    assert set(answer("flipr", "two modules").json[1]) <= set(hub)
    assert (await pumped.get("/place")).json() == [
        {"Id": 4711, "Modules": [{"Serial": "21BXYZ"}], "Hubs": [{"Serial": "HB0001"}]}
    ]
    assert (await pumped.get("/modules/HB0001/survey/last")).status == 404


def test_another_vendors_words_do_not_come_through_and_an_unknown_mode_is_no_state() -> None:
    state, mode = (replace(one, origin="blue/pump") for one in stands(on=True, mode="auto"))
    foreign = standing_to({"switch.state": state, "switch.mode": replace(mode, raw="AUTOMATIK 3")})
    assert foreign is not None
    assert json.loads(encode(foreign)) == STATE | {"behavior": "auto"}
    assert standing_to({"switch.state": state, "switch.mode": replace(mode, value=None, raw="BOOST")}) is None
    assert standing_to({"switch.state": state}) is None
    assert standing_to({"switch.mode": mode}) is None


@pytest.mark.parametrize(("firmware", "version"), [("4", 4), ("", 1), ("v2", 1), ("²", 1), ("9" * 10, 1)])
def test_a_hub_comes_back_with_what_clients_read(firmware: str, version: int) -> None:
    theirs = answer("flipr", "two modules").json[1]
    told = json.loads(encode(hub_to("HB0001", replace(HUB, firmware=firmware), SITE)))
    assert told["CommercialType"] == {"Id": 1, "Value": "Start"}
    assert (told["Version"], told["Status"]["Status"]) == (version, theirs["Status"]["Status"])
    for key in ("IsSuspended", "Serial", "IsForSpa", "ModuleType_Id"):
        assert told[key] == theirs[key]
    assert told["IsSubscriptionValid"] is True
    assert hub_to("X", HUB, replace(SITE, kind="spa")).is_for_spa is True
    assert hub_to("X", replace(HUB, vendor="ondilo", firmware="7"), SITE).version == 1


async def test_a_probe_is_no_hub_whatever_is_wanted_of_it(pumped: House) -> None:
    nothing = answer("flipr", "the state of what is no hub").json
    for method, path in (("GET", "state"), ("PUT", "mode/auto"), ("POST", "Manual/True")):
        told = (await pumped.get(f"/hub/21bxyz/{path}", method=method)).json()
        assert (told["ErrorCode"], "is not a HUB" in told["ErrorMessage"]) == (nothing["ErrorCode"], True)
    assert pumped.actions.switched == []


async def test_where_it_is_not_known_how_a_hub_stands_it_is_not_said_to_rest() -> None:
    house = await pumped_house()
    other = replace(HUB, id="flipr:HB0002/hub", key="HB0002")
    await house.furnish(
        (replace(SITE, switches=(HUB, other)), Probe("flipr:21BXYZ/probe", SITE.id, "flipr", "21BXYZ", "21BXYZ"))
    )
    told = await house.get("/hub/HB0002/state")
    assert (told.status, list(told.json()), int(told.headers["retry-after"]) > 0) == (503, ["Message"], True)
    odd = Measurement(other.id, "switch.state", NOW, 7.0, "7", Unit.STATE, "flipr/hub", (Doubt("unreadable", "7"),))
    await house.store.add([odd, stands(on=True, mode="auto", switch=other)[1]], NOW)
    assert (await house.get("/hub/HB0002/state")).status == 503


async def test_a_mode_that_we_do_not_know_comes_back_in_the_clouds_word(pumped: House) -> None:
    later, doubt = NOW + timedelta(minutes=1), Doubt("unreadable", "boost is no mode that is known")
    boost = Measurement(HUB.id, "switch.mode", later, None, "boost", Unit.STATE, "flipr/hub", (doubt,))
    await pumped.store.add([boost], later)
    assert (await state(pumped))["behavior"] == "boost"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/hub/HB0001/mode/boost", 400),
        ("PUT", "/hub/HB0001/mode/on", 400),
        ("POST", "/hub/HB0001/Manual/1", 400),
        ("POST", "/hub/HB0001/Manual/auto", 400),
        ("GET", "/hub/HB0001/mode/auto", 405),
        ("POST", "/hub/HB0001/mode/auto", 405),
        ("GET", "/hub/HB0001/Manual/True", 405),
        ("PUT", "/hub/HB0001/Manual/True", 405),
        ("POST", "/hub/HB0001/state", 405),
        ("PUT", "/hub/ZZZZZZ/mode/auto", 404),
        ("POST", "/hub/HB0001/Manual", 404),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused_and_done_to_nobody(
    pumped: House, method: str, path: str, status: int
) -> None:
    told = await pumped.get(path, method=method)
    assert (told.status, list(told.json())) == (status, ["Message"])
    assert (told.headers.get("allow") is not None) == (status == 405)
    assert pumped.actions.switched == []


async def test_without_a_good_token_nothing_is_switched(pumped: House) -> None:
    pumped.access = "x"
    assert (await pumped.get("/hub/HB0001/Manual/True", method="POST")).status == 401
    assert pumped.actions.switched == []


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Conflict("No."), 400), (NotFound("Gone."), 404), (Limited("Enough."), 503), (Unavailable("Later."), 503),
        (Refused("The hub's own login."), 503), (Malformed("<html>"), 503),
    ],
)  # fmt: skip
async def test_what_the_cloud_refuses_is_not_said_to_be_done(
    pumped: House, failure: MargelleError, status: int
) -> None:
    pumped.actions.failure = failure
    told = await pumped.get("/hub/HB0001/mode/auto", method="PUT")
    assert (told.status, list(told.json())) == (status, ["Message"])
    assert await state(pumped) == STATE


async def test_an_installation_may_let_nobody_switch_and_all_see() -> None:
    house = await pumped_house(switch_pumps=False)
    told = await house.get("/hub/HB0001/Manual/False", method="POST")
    assert (told.status, list(told.json())) == (403, ["Message"])
    assert house.actions.switched == []
    (entry,) = await house.store.audit()
    assert (entry.user, entry.act, entry.subject, entry.outcome) == (LOGIN, "switch", HUB.id, "'off': not allowed")
    assert await state(house) == STATE


async def test_nobody_sees_or_switches_somebody_elses_pump(pumped: House) -> None:
    await pumped.store.put_account(Account("flipr-2", "flipr", OTHER_LOGIN, OTHER_LOGIN))
    site = Site("flipr:AB256C", "flipr", "AB256C", "Eve's")
    person = (await pumped.store.accounts())[0].person
    await pumped.store.put_discovery("flipr-2", Discovery(person, (site,), ()), NOW)
    await pumped.sign_in(OTHER_LOGIN)
    assert (await pumped.get("/hub/HB0001/state")).status == 404
    assert (await pumped.get("/hub/HB0001/Manual/False", method="POST")).status == 404
    assert (await pumped.get("/modules")).json() == []
    assert pumped.actions.switched == []


async def test_another_vendors_switch_is_a_hub_under_a_serial_that_no_probe_has(pumped: House) -> None:
    light = Switch("ondilo:234/light", "ondilo", "9", "light", "v2")
    ico = Probe("ondilo:234/ico", "ondilo:234", "ondilo", "234", "SN00001")
    site = Site("ondilo:234", "ondilo", "234", "Spa", "spa", switches=(light,))
    await pumped.furnish((site, ico), vendor="ondilo", name="ondilo-1")
    told = {one["Serial"]: one for one in (await pumped.get("/modules")).json()}
    assert list(told) == ["21BXYZ", "00LFLS", "HB0001", "00LFLT"]
    assert (told["00LFLT"]["ModuleType_Id"], told["00LFLT"]["Version"]) == (2, 1)
    await pumped.store.add(
        [replace(one, origin="ondilo/light") for one in stands(on=True, mode="auto", switch=light)], NOW
    )
    assert await state(pumped, "00lflt") == STATE | {"behavior": "auto"}
    await pumped.get("/hub/00LFLT/Manual/True", method="POST")
    assert pumped.actions.switched == [("ondilo:234/light", "on", "ondilo:234", LOGIN)]


async def test_the_hub_of_two_probes_is_one(pumped: House) -> None:
    second = replace(SITE, id="flipr:AB256C", key="AB256C", switches=(HUB,), attributes={})
    await pumped.furnish((second, Probe("flipr:AB256C/probe", second.id, "flipr", "AB256C", "AB256C")), name="flipr-3")
    serials = [one["Serial"] for one in (await pumped.get("/modules")).json()]
    assert serials == ["21BXYZ", "AB256C", "HB0001"]


async def test_a_hub_without_a_probe_is_there_in_a_place_of_its_own(pumped: House) -> None:
    alone = replace(HUB, id="flipr:HB0009/hub", key="HB0009")
    site = Site("flipr:HB0009", "flipr", "HB0009", "Flipr HB0009", "pool", switches=(alone,))
    await pumped.store.put_account(Account("flipr-4", "flipr", LOGIN, LOGIN))
    person = (await pumped.store.accounts())[0].person
    await pumped.store.put_discovery("flipr-4", Discovery(person, (site,), ()), NOW)
    assert {"Serial": "HB0009"} in [hub for place in (await pumped.get("/place")).json() for hub in place["Hubs"]]


async def test_a_test_clouds_hub_keeps_its_serial_where_it_is_free(pumped: House) -> None:
    twin = replace(HUB, id="flipr@demo:HB0001/hub")
    other = replace(HUB, id="flipr@demo:2H8KTM/hub", key="2H8KTM")
    site = Site("flipr@demo:21BXYA", "flipr", "21BXYA", "Demo", switches=(twin, other))
    await pumped.store.put_account(Account("demo", "flipr", LOGIN, LOGIN, realm="demo"))
    person = (await pumped.store.accounts())[0].person
    await pumped.store.put_discovery("demo", Discovery(person, (site,), ()), NOW)
    serials = [one["Serial"] for one in (await pumped.get("/modules")).json()]
    assert len(serials) == len(set(serials)) == 4
    assert "HB0001" in serials
    assert "00LFLS" in serials


@pytest.mark.parametrize("path", ["//hub/HB0001/state", "//modules", "/modules//"])
async def test_two_slashes_at_the_root_of_the_vendors_host_are_no_other_host(pumped: House, path: str) -> None:
    """As a server reads the request line, which is where such a path could be taken for the name of a host."""
    async with listening(pumped) as base_url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base_url.rpartition(":")[2]))
        head = f"GET {path} HTTP/1.1\r\nHost: apis.goflipr.com\r\nAuthorization: bearer {pumped.access}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        told = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    assert told.startswith(b"HTTP/1.1 200 ")
    assert b'"Serial"' in told or b'"stateEquipment"' in told
