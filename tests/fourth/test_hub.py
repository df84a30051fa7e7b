"""Lily through the whole house: collected by the collector, shown through every face, with every vendor's probes on her own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Person, Probe, Site
from margelle.domain.unit import Unit
from margelle.ports import Discovery
from tests import hostile
from tests.conftest import NOW
from tests.evidence import exchange
from tests.fourth.house import LOGIN, PASSWORD, House, collect, lily_cloud, open_house
from tests.hostile import HostileCloud

PROBE = "lily:4031/buoy"


@pytest.fixture
async def cloud() -> AsyncIterator[HostileCloud]:
    async with HostileCloud() as one:
        lily_cloud(one)
        yield one


@pytest.fixture
async def house(cloud: HostileCloud) -> AsyncIterator[House]:
    """Ada's house, with all that Lily's document prints collected."""
    async with open_house() as house:
        await collect(house, cloud, rounds=3)
        yield house


async def test_the_collector_keeps_all_that_the_document_prints(house: House, cloud: HostileCloud) -> None:
    sites = await house.store.sites(seen_by=LOGIN)
    assert [(site.name, site.volume_m3) for site in sites] == [("Garden pool", 48.0), ("Hot tub", 1.2505)]
    told = [(one.value, one.valid) for one in await house.store.history(PROBE, "ph")]
    assert told == [(7.29, True), (3.02, False), (7.31, True)]
    latest = {quantity: one.value for quantity, one in (await house.store.latest(PROBE, NOW)).items()}
    assert latest == {"temperature": 26.5, "ph": 7.31, "orp": 702.0, "salt": 3100.0, "battery": 87.0}
    assert cloud.unscripted == []
    assert {seen.headers.get("authorization") for seen in cloud.seen[1:]} == {"Key 5d1f0c22e7"}


async def test_neither_key_nor_password_stands_in_a_receipt(house: House) -> None:
    receipts = await house.store.receipts("lily-1")
    assert {one.name for one in receipts} == {"keys", "buoys", "samples"}
    assert "5d1f0c22e7" not in repr(receipts)
    assert PASSWORD.replace(" ", "+") not in repr(receipts)


async def test_a_key_that_is_refused_asks_the_user_to_sign_in(cloud: HostileCloud) -> None:
    cloud.always(hostile.json({"code": "bad_key", "detail": "This key is not known."}, 401), "/v1/buoys")
    async with open_house() as house:
        await collect(house, cloud, rounds=3)
        (incident,) = await house.store.incidents(open_only=True)
    assert (incident.account, incident.kind) == ("lily-1", "sign-in")
    assert len(cloud.seen) == 2


async def test_a_buoy_is_a_pool_to_ondilos_clients(house: House) -> None:
    pools = (await house.get("ondilo", "/api/customer/v1/pools")).json()
    garden = next(pool for pool in pools if pool["name"] == "Garden pool")
    assert (garden["volume"], garden["disinfection"]["primary"]) == (48, "salt")
    query = {"types[]": "orp"}
    (orp,) = (
        await house.get("ondilo", f"/api/customer/v1/pools/{garden['id']}/lastmeasures", "Bearer", **query)
    ).json()
    assert (orp["data_type"], orp["value"], orp["is_valid"]) == ("orp", 702, True)


async def test_a_buoy_is_a_module_to_fliprs_clients(house: House) -> None:
    serials = [module["Serial"] for module in (await house.get("flipr", "/modules")).json()]
    told = [(await house.get("flipr", f"/modules/{serial}/survey/last")).json() for serial in serials]
    garden = next(one for one in told if one)
    assert (garden["Temperature"], garden["PH"]["Value"]) == (26.5, 7.31)
    assert garden["OxydoReductionPotentiel"]["Value"] == 702


async def test_a_buoy_is_a_device_to_baxos_clients(house: House) -> None:
    login = {"username": LOGIN, "password": PASSWORD}
    contracts = (await house.post("/baxo/k1", {"get": "contracts", **login})).json()["contracts"]
    found = {}
    for contract in contracts:
        asked = {"contractId": contract["id"], **login}
        for device in (await house.post("/baxo/k1", {"get": "devices", **asked})).json()["devices"]:
            said = {"get": "devices-realtimes", "deviceId": device["id"], **asked}
            logs = (await house.post("/baxo/k1", said)).json()["logs"]
            found[device["name"]] = {log["tagReference"]: log["value"] for log in logs}
    assert {tag: float(value) for tag, value in found["Garden pool"].items()} == {
        "TEMPERATURE": 26.5,
        "PH": 7.31,
        "ORP": 702,
        "SALT": 3100,
        "BATTERY": 87,
    }


@pytest.mark.parametrize("vendor", ["ondilo", "flipr", "baxo"])
async def test_every_vendors_probe_is_a_buoy(vendor: str) -> None:
    account = Account(f"{vendor}-1", vendor, LOGIN, LOGIN)
    site = Site(account.own_id("4031"), vendor, "4031", "Old well", "pool", 12.0)
    probe = Probe(f"{site.id}/probe", site.id, vendor, "4031")
    points = [
        Measurement(probe.id, "temperature", NOW, 20.0, "20", Unit.CELSIUS, f"{vendor}/x"),
        Measurement(probe.id, "orp", NOW - timedelta(hours=1), 650.0, "650", Unit.MILLIVOLT, f"{vendor}/x"),
        Measurement(probe.id, "salt", NOW - timedelta(days=2), 3000.0, "3000", Unit.MG_PER_L, f"{vendor}/x"),
    ]
    async with open_house() as house:
        await house.store.put_account(account)
        await house.store.put_discovery(account.id, Discovery(Person(), (site,), (probe,)), NOW)
        await house.store.add(points, NOW)
        (buoy,) = (await house.lily("/buoys")).json()
        (sample,) = (await house.lily(f"/buoys/{buoy['id']}/samples")).json()
    assert buoy.keys() == exchange("lily", "buoys").response.json[0].keys()
    assert (buoy["label"], buoy["litres"], buoy["id"] == 4031) == ("Old well", 12000, False)
    assert (sample["water_f"], sample["redox_v"], sample["salt_gl"], sample["flags"]) == (68.0, 0.65, None, [])


async def test_a_buoy_keeps_its_number_beside_others_that_have_the_same_elsewhere(house: House) -> None:
    account = Account("ondilo-1", "ondilo", LOGIN, LOGIN)
    site = Site(account.own_id("4031"), "ondilo", "4031", "Other pool")
    probe = Probe(f"{site.id}/ico", site.id, "ondilo", "4031")
    await house.store.put_account(account)
    await house.store.put_discovery(account.id, Discovery(Person(), (site,), (probe,)), NOW)
    told = (await house.lily("/buoys")).json()
    assert [(one["id"], one["label"]) for one in told][:2] == [(4031, "Garden pool"), (4077, "Hot tub")]
    assert told[2]["id"] >= 1_000_000
