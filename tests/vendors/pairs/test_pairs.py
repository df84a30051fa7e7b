"""Every vendor's probe through every vendor's face: nine pairs.

What stands on the right was told by a vendor's document or recorded by others' programs, and was collected by the vendor's own client. What
is expected was worked out by hand from the printed numbers, in the answering vendor's units and words.
"""

from __future__ import annotations

from typing import Any

import pytest

from margelle.domain.chemistry import NACL_FACTOR
from tests.evidence import answer, exchange
from tests.vendors.pairs.house import LOGIN, house
from tests.vendors.pairs.shown import probes_on_flipr
from tests.vendors.parties import BAXO, FLIPR, ONDILO

ICO_ON_FLIPR, ICO_ON_BAXO = "00LFLS", "3a82a7fa-3e48-5555-aa8c-f938fd8d3d33"
FLIPR_ON_BAXO = "68fec753-bc44-58a3-9522-71e65c9ae85c"
FIRST_NUMBER = 1_000_000
"""The first id that a face gives to what is not its own vendor's; 00LFLS is that number in letters and digits."""

CONTRACT = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
THERMOMETER, SALT_METER = "3219875446", "14587"

BY_NACL = pytest.approx
"""A number that follows from `NACL_FACTOR`."""


def measure(data_type: str, value: object, at: str, reason: str | None = None) -> dict[str, Any]:
    """An entry of Ondilo's measures, in its order."""
    return {
        "data_type": data_type,
        "value": value,
        "value_time": at,
        "is_valid": reason is None,
        "exclusion_reason": reason,
    }


def rows(historics: dict[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """BAXO's past, by tag."""
    return {
        one["tagReference"]: [(row["value"], row["timestamp"]) for row in one["logs"]] for one in historics["historics"]
    }


def test_the_factor_between_conductivity_and_solids_is_the_one_that_these_numbers_were_worked_out_with() -> None:
    assert NACL_FACTOR == 0.5


# --- an ICO


async def test_an_ico_through_ondilos_face_is_what_the_document_prints() -> None:
    one = await (await house(ONDILO)).at(ONDILO)
    (printed,) = exchange("ondilo", "pools").response.json
    newest = "2020-03-23T16:08:51+0000"
    assert await one.json("/pools") == [printed | {"updated_at": newest}]
    for name in ("device", "configuration", "shares"):
        assert await one.json(f"/pools/234/{name}") == exchange("ondilo", name).response.json
    assert await one.json("/user/info") == exchange("ondilo", "user-info").response.json
    assert await one.json("/pools/234/recommendations") == exchange("ondilo", "recommendations").response.json
    assert await one.json("/pools/234/lastmeasures?types[]=temperature&types[]=orp") == [
        measure("temperature", 12.5, "2020-03-23 16:08:51"),
        measure("orp", 523, "2020-03-23 16:08:51"),
    ]
    assert await one.json("/pools/234/measures?type=temperature&period=week") == [
        *exchange("ondilo", "measures").response.json,
        measure("temperature", 12.5, newest),
    ]


async def test_an_ico_through_flipr_is_a_module_with_its_pool_and_limits() -> None:
    one = await (await house(ONDILO)).at(FLIPR)
    (module,) = await one.json("/modules")
    assert (module["Serial"], module["ModuleType_Id"], module["IsForSpa"]) == (ICO_ON_FLIPR, 1, False)
    assert module["LastMeasureDateTime"] == "2020-03-23T16:08:51"
    assert await one.json("/place") == [{"Id": FIRST_NUMBER, "Modules": [{"Serial": ICO_ON_FLIPR}], "Hubs": []}]
    pool = await one.json(f"/modules/{ICO_ON_FLIPR}/pool")
    assert pool == {"BuiltYear": None, "PrivateName": "John's Pool", "Volume": 15, "Version": 1}
    assert await one.json(f"/modules/{ICO_ON_FLIPR}/Thresholds") == {
        name: {"Value": value, "IsDefaultValue": False}
        for name, value in {"PhMin": 7.6, "PhMax": 8.5, "Redox": 400, "Temperature": 10, "TemperatureMax": 30}.items()
    }
    (alert,) = await one.json(f"/place/{FIRST_NUMBER}/allAlerts")
    (printed,) = exchange("ondilo", "recommendations").response.json
    assert alert == {
        "Id": str(FIRST_NUMBER),
        "Title": "Clean your filter",
        "Subtitle": printed["message"],
        "Steps": [],
        "Status": 0,
        "Message": printed["message"],
        "DateTime": "2020-03-25T04:09:59Z",
    }


async def test_an_ico_through_flipr_tells_its_values_in_fliprs_units() -> None:
    """Recorded in 2024: 19 degC, pH 9.29, 647 mV, 50 %, 845 ppm. Limits of the ORP: 400 and 900 mV."""
    one = await (await house(ONDILO, moment=1)).at(FLIPR)
    last = await one.json(f"/modules/{ICO_ON_FLIPR}/survey/last")
    assert last == {
        "MeasureId": 1704070800,  # 2024-01-01 01:00 UTC in seconds of 1970
        "DateTime": "2024-01-01T01:00:00Z",
        "Temperature": 19,
        # (9.29 - 7.2) / 0.4 = 5.225, of two decimals the even one
        "PH": {"Label": "PH", "Message": "Too high", "Deviation": 5.22, "Value": 9.29, "DeviationSector": "TooHigh"},
        "OxydoReductionPotentiel": {"Label": "Redox potential", "Value": 647},
        "Conductivity": {"Label": "Conductivity", "Value": BY_NACL(1690)},  # 845 / 0.5
        "UvIndex": None,
        "CloudCoverage": None,
        "Battery": {"Label": "Battery", "Deviation": 0.5},
        # (647 - 650) / 250 = -0.012
        "Desinfectant": {
            "Label": "Chlorine",
            "Message": "Perfect",
            "Deviation": -0.01,
            "DeviationSector": "Medium",
        },
    }
    resume = await one.json(f"/modules/{ICO_ON_FLIPR}/NewResume")
    assert resume["Current"] == last | {"Desinfectant": last["Desinfectant"] | {"Value": 0}}
    assert resume["LastWeek"] == [last]


async def test_an_ico_through_flipr_tells_its_past_newest_first() -> None:
    one = await (await house(ONDILO)).at(FLIPR)
    hours = await one.json(f"/modules/{ICO_ON_FLIPR}/survey/LastHours/48")
    assert [(said["DateTime"], said["Temperature"], said["OxydoReductionPotentiel"]["Value"]) for said in hours] == [
        ("2020-03-23T16:08:51Z", 12.5, 523),
        ("2020-03-22T17:09:13Z", 12.6, None),
        ("2020-03-22T16:08:51Z", 12.5, None),
    ]
    days = await one.json(f"/modules/{ICO_ON_FLIPR}/survey/statsPerDays/2")
    assert [(day["Date"], day["Temperature"]) for day in days] == [
        (f"{date}T00:00:00Z", {"Label": "Temperature", **dict(zip(("MaxValue", "MinValue", "AvgValue", "MedValue"), said, strict=True))})
        for date, said in (("2020-03-23", (12.5, 12.5, 12.5, 12.5)), ("2020-03-22", (12.6, 12.5, 12.55, 12.55)))
    ]  # fmt: skip


async def test_an_ico_through_baxo_is_a_device_under_a_contract_of_ondilo() -> None:
    one = await (await house(ONDILO)).at(BAXO)
    of = f"contractId={ICO_ON_BAXO}"
    assert await one.json("get=contracts") == {
        "contracts": [
            {"id": ICO_ON_BAXO, "reference": "ONDILO", "company": "Ondilo", "details": "Ondilo probes", "contactEmail": LOGIN}
        ]
    }  # fmt: skip
    device = {"id": "1000000", "name": "John's Pool", "details": "Saint-Cannat SN00001", "status": 0, "timezone": "UTC"}
    assert await one.json(f"get=devices&{of}") == {"devices": [device]}
    assert await one.json(f"get=device&{of}&deviceId=1000000") == {"device": device}


async def test_an_ico_through_baxo_tells_texts_in_seconds_since_2000() -> None:
    one = await (await house(ONDILO)).at(BAXO)
    of = f"contractId={ICO_ON_BAXO}&deviceId=1000000"
    # 2020-03-23 16:08:51 is 7 387 days and 58 131 s after 2000
    newest = 7387 * 86400 + 58131
    assert await one.json(f"get=devices-realtimes&{of}") == {
        "logs": [
            {"tagReference": "ORP", "value": "523", "timestamp": newest, "isEvent": False},
            {"tagReference": "TEMPERATURE", "value": "12.5", "timestamp": newest, "isEvent": False},
        ]
    }
    past = await one.json(f"get=devices-historics&{of}&startTime=0&tagReferences=TEMPERATURE")
    assert rows(past) == {"TEMPERATURE": [("12.5", newest - 86400), ("12.6", newest - 86400 + 3622), ("12.5", newest)]}


async def test_an_icos_solids_are_a_tag_of_their_own_through_baxo() -> None:
    one = await (await house(ONDILO, moment=1)).at(BAXO)
    logs = (await one.json(f"get=devices-realtimes&contractId={ICO_ON_BAXO}&deviceId=1000000"))["logs"]
    assert {log["tagReference"]: log["value"] for log in logs} == {
        "BATTERY": "50", "ORP": "647", "PH": "9.29", "RSSI": "60", "TDS": "845", "TEMPERATURE": "19"
    }  # fmt: skip


# --- a Flipr


async def test_a_flipr_through_fliprs_face_is_what_the_document_prints() -> None:
    one = await (await house(FLIPR)).at(FLIPR)
    printed = exchange("flipr", "survey-last").response.json
    last = await one.json("/modules/AB256C/survey/last?l=fr")
    assert last.pop("MeasureId") == 1515490205  # the face's own number
    assert last.pop("DateTime") == "2018-01-09T09:30:05.558277Z"  # six digits of seven
    del printed["MeasureId"], printed["DateTime"]
    assert last == printed
    module, hub = await one.json("/modules")
    told, told_hub = answer("flipr", "two modules").json
    for key in ("Serial", "IsForSpa", "Version", "ModuleType_Id", "IsSubscriptionValid", "SigfoxStatus"):
        assert module[key] == told[key]
    for key in ("Serial", "IsForSpa", "Version", "ModuleType_Id", "IsSuspended"):
        assert hub[key] == told_hub[key]
    assert await one.json("/place") == answer("flipr", "the places").json
    assert await one.json("/hub/HB0001/state") == answer("flipr", "a hub's state").json
    assert await one.json("/modules/AB256C/pool") == answer("flipr", "a pool").json
    (hour,) = await one.json("/modules/AB256C/survey/LastHours/24?l=fr")
    assert {key: hour[key] for key in printed} == printed


async def test_a_fliprs_measure_of_2021_comes_back_as_its_client_recorded_it() -> None:
    one = await (await house(FLIPR, moment=1)).at(FLIPR)
    told = answer("flipr", "a resume").json["Current"]
    shown = (await one.json("/modules/AB256C/NewResume?l=fr"))["Current"]
    assert shown["DateTime"] == told["DateTime"]
    unkept = {"MeasureId", "ModeId", "Source", "SourceId"}
    for key in told.keys() - unkept:
        assert shown[key] == told[key]
    assert shown.keys() - told.keys() == set()


async def test_a_flipr_through_ondilo_is_a_pool_with_a_device() -> None:
    one = await (await house(FLIPR)).at(ONDILO)
    assert await one.json("/pools") == [
        {
            "id": FIRST_NUMBER,
            "name": "Piscine",
            "type": "outdoor_inground_pool",
            "volume": 45,
            "disinfection": {"primary": "chlorine", "secondary": {"uv_sanitizer": False, "ozonator": False}},
            "address": {"street": "", "zipcode": "", "city": "", "country": "", "latitude": None, "longitude": None},
            "updated_at": "2018-01-09T09:30:05+0000",
        }
    ]
    device = {"uuid": "AB256C", "serial_number": "AB256C", "sw_version": "4"}
    assert await one.json(f"/pools/{FIRST_NUMBER}/device") == device
    assert set((await one.json(f"/pools/{FIRST_NUMBER}/configuration")).values()) == {None}
    assert await one.json(f"/pools/{FIRST_NUMBER}/shares") == []


async def test_a_flipr_through_ondilo_tells_its_values_in_ondilos_units() -> None:
    """Printed: 21.06 degC, pH 3.14, 181 mV, 31 920 uS/cm, a battery of 1."""
    one = await (await house(FLIPR)).at(ONDILO)
    at = "2018-01-09 09:30:05"
    assert await one.json(f"/pools/{FIRST_NUMBER}/lastmeasures") == [
        measure("temperature", 21.06, at),
        measure("orp", 181, at),
        measure("ph", 3.14, at),
        measure("tds", BY_NACL(15960), at),  # 31 920 * 0.5
        measure("battery", 100, at),
        measure("rssi", None, at),
        measure("salt", None, at),
    ]
    past = "2018-01-09T09:30:05+0000"
    for data_type, value in (("temperature", 21.06), ("ph", 3.14), ("orp", 181), ("tds", 15960), ("battery", 100)):
        told = await one.json(f"/pools/{FIRST_NUMBER}/measures?type={data_type}&period=day")
        assert told == [measure(data_type, value, past)]
    assert await one.json(f"/pools/{FIRST_NUMBER}/measures?type=salt&period=day") == []


async def test_a_flipr_of_2021_through_ondilo_is_rounded_and_its_level_is_no_number() -> None:
    """Recorded: 10.5 degC, pH 7.0119, 474.2 mV, conductivity "Low", a battery of 0.75."""
    one = await (await house(FLIPR, moment=1)).at(ONDILO)
    told = {said["data_type"]: said for said in await one.json(f"/pools/{FIRST_NUMBER}/lastmeasures")}
    assert {name: said["value"] for name, said in told.items()} == {
        "temperature": 10.5, "orp": 474, "ph": 7.01, "tds": None, "battery": 75, "rssi": None, "salt": None
    }  # fmt: skip
    assert (told["tds"]["is_valid"], told["tds"]["exclusion_reason"]) == (False, "the cloud tells a level only: Low")


async def test_a_flipr_through_baxo_is_a_device_whose_fractions_are_percent() -> None:
    one = await (await house(FLIPR)).at(BAXO)
    of = f"contractId={FLIPR_ON_BAXO}"
    (contract,) = (await one.json("get=contracts"))["contracts"]
    assert (contract["id"], contract["reference"]) == (FLIPR_ON_BAXO, "FLIPR")
    assert await one.json(f"get=devices&{of}") == {
        "devices": [{"id": "1000000", "name": "Piscine", "details": "AB256C", "status": 0, "timezone": "UTC"}]
    }
    told = {
        "BATTERY": "100", "CLOUD_COVER": "76", "CONDUCTIVITY": "31920", "FLIPR.DISINFECTANT_DEVIATION": "-1.28",
        "FLIPR.PH_DEVIATION": "-10.15", "ORP": "181", "PH": "3.14", "TEMPERATURE": "21.06", "UV_INDEX": "0",
    }  # fmt: skip
    at = 6583 * 86400 + 34205  # 2018-01-09 09:30:05 is 6 583 days and 34 205 s after 2000
    logs = (await one.json(f"get=devices-realtimes&{of}&deviceId=1000000"))["logs"]
    assert logs == [
        {"tagReference": tag, "value": value, "timestamp": at, "isEvent": False} for tag, value in told.items()
    ]
    past = await one.json(f"get=devices-historics&{of}&deviceId=1000000&startTime=0")
    assert rows(past) == {tag: [(value, at)] for tag, value in told.items()}


async def test_what_a_flipr_tells_without_a_number_is_left_out_by_baxo() -> None:
    one = await (await house(FLIPR, moment=1)).at(BAXO)
    of = f"contractId={FLIPR_ON_BAXO}&deviceId=1000000"
    tags = {log["tagReference"] for log in (await one.json(f"get=devices-realtimes&{of}"))["logs"]}
    assert "CONDUCTIVITY" not in tags
    assert set(rows(await one.json(f"get=devices-historics&{of}&startTime=0"))) == tags


# --- BAXO's devices: one tells degrees Fahrenheit and a conductivity, the other one salt


async def test_a_baxo_device_through_baxos_face_is_what_the_document_prints() -> None:
    one = await (await house(BAXO)).at(BAXO)
    of = f"contractId={CONTRACT}"
    assert (await one.json("get=contracts"))["contracts"] == exchange("baxo", "contracts").response.json["contracts"][
        :1
    ]
    told, printed = await one.json(f"get=devices&{of}"), exchange("baxo", "devices").response.json
    assert sorted(told["devices"], key=str) == sorted(printed["devices"], key=str)
    now = await one.json(f"get=devices-realtimes&{of}&deviceId={THERMOMETER}")
    assert now == exchange("baxo", "realtimes").response.json
    past = await one.json(f"get=devices-historics&{of}&deviceId={THERMOMETER}&startTime=0&endTime=577929633")
    assert past == exchange("baxo", "historics").response.json


async def test_a_baxo_device_through_ondilo_tells_celsius_and_solids() -> None:
    """Printed: 24 and 2 587, by the installation's words degF and uS/cm."""
    one = await (await house(BAXO)).at(ONDILO)
    pools = {pool["name"]: pool["id"] for pool in await one.json("/pools")}
    assert pools == {"MyDevice2": FIRST_NUMBER, "MyDevice1": FIRST_NUMBER + 1}
    at, of = "2018-05-02 15:37:18", f"/pools/{pools['MyDevice1']}"
    told = await one.json(f"{of}/lastmeasures?types[]=temperature&types[]=tds&types[]=ph")
    assert told == [
        measure("temperature", -4.44, at),  # (24 - 32) * 5 / 9
        measure("tds", BY_NACL(1294), at),  # 2587 * 0.5 = 1 293.5
        measure("ph", None, at),
    ]
    assert await one.json(f"{of}/measures?type=temperature&period=month") == [
        # (1224 - 32) * 5 / 9 degC is no water
        measure("temperature", 662.22, "2018-04-25T00:00:33+0000", "not between -5 and 60 Cel"),
        measure("temperature", -4.44, "2018-05-02T15:37:18+0000"),
    ]
    assert (await one.json(f"{of}/device"))["serial_number"] == THERMOMETER
    salt = await one.json(f"/pools/{pools['MyDevice2']}/measures?type=salt&period=month")
    assert [said["value"] for said in salt] == [1224, 24]


async def test_a_baxo_device_through_flipr_tells_a_conductivity() -> None:
    one = await (await house(BAXO)).at(FLIPR)
    modules = await one.json("/modules")
    assert [module["ModuleType_Id"] for module in modules] == [None, None]  # in a plant, and no pH
    names = {
        (await one.json(f"/modules/{module['Serial']}/pool"))["PrivateName"]: module["Serial"] for module in modules
    }
    assert names == {"MyDevice2": "00LFLS", "MyDevice1": "00LFLT"}
    warm, salty = f"/modules/{names['MyDevice1']}", f"/modules/{names['MyDevice2']}"
    last = await one.json(f"{warm}/survey/last")
    assert (last["DateTime"], last["Temperature"], last["Conductivity"]["Value"]) == (
        "2018-05-02T15:37:18Z",
        -4.44,
        2587,
    )
    past = await one.json(f"{warm}/survey/LastHours/720")
    told = [said.get("Temperature", "nothing") for said in past]
    assert told == [-4.44, "nothing"]  # 662 degC is doubted, and Flipr has no word for that
    (day,) = await one.json(f"{warm}/survey/statsPerDays/30")
    assert (day["Date"], day["Temperature"]["MaxValue"]) == ("2018-05-02T00:00:00Z", -4.44)
    salt = await one.json(f"{salty}/survey/LastHours/720")
    assert [said["Conductivity"]["Value"] for said in salt] == BY_NACL([48, 2448])  # 24 and 1 224 mg/L / 0.5
    days = await one.json(f"{salty}/survey/statsPerDays/30")
    assert [day["Conductivity"]["AvgValue"] for day in days] == BY_NACL([48, 2448])


# --- all of them at once


@pytest.mark.parametrize("face", [ONDILO, FLIPR, BAXO], ids=lambda face: face.name)
async def test_a_user_of_three_vendors_sees_four_probes_in_every_face_its_own_vendors_first(face: Any) -> None:
    three = await house(FLIPR, BAXO, ONDILO)
    one = await three.at(face)
    if face is ONDILO:
        names = [pool["name"] for pool in await one.json("/pools")]
    elif face is FLIPR:
        serials = [module["Serial"] for module in await probes_on_flipr(one)]
        names = [(await one.json(f"/modules/{serial}/pool"))["PrivateName"] for serial in serials]
    else:
        contracts = [contract["id"] for contract in (await one.json("get=contracts"))["contracts"]]
        listed = [(await one.json(f"get=devices&contractId={contract}"))["devices"] for contract in contracts]
        names = [device["name"] for devices in listed for device in devices]
    assert sorted(names) == ["John's Pool", "MyDevice1", "MyDevice2", "Piscine"]
    first = {"ondilo": "John's Pool", "flipr": "Piscine", "baxo": "MyDevice2"}
    assert names[0] == first[face.name]
