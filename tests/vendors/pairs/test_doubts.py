"""What is doubted, unknown or not there, through every face: each shows it in its own way, and none breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from margelle.domain.site import User
from margelle.store.memory import MemoryStore
from tests.evidence import answer, exchange
from tests.vendors.fakes import Script
from tests.vendors.fakes import answer as answered
from tests.vendors.pairs.house import HASH, LOGIN, House, collect, faces, house
from tests.vendors.pairs.shown import LISTED
from tests.vendors.parties import BAXO, FLIPR, ONDILO, PARTIES, Caller, Party

ANY_FACE = pytest.mark.parametrize("face", PARTIES, ids=lambda face: face.name)
ANY_PROBE = pytest.mark.parametrize("party", PARTIES, ids=lambda party: party.name)

NOTHING_MEASURED: dict[str, dict[str, Script | list[Script]]] = {
    "ondilo": {"lastmeasures": answered("[]"), "measures": answered("[]"), "recommendations": answered("[]")},
    "flipr": {"survey_last": answered("{}"), "NewResume": answered("{}"), "LastHours": answered("[]")},
    "baxo": {"realtimes": answered('{"logs":[]}'), "historics": answered('{"historics":[]}')},
}
"""What each cloud answers where a probe has not measured anything yet."""


def excluded() -> dict[str, Script | list[Script]]:
    """pH 7.8, which Ondilo excluded."""
    one = answer("ondilo", "an invalid measure")
    return {"lastmeasures": answered(one.text), "measures": answered("[]")}


async def sole(hub: House, face: Party) -> tuple[Caller, str]:
    """A caller of a face, and the first part of the id of the one thing that is listed."""
    one = await hub.at(face)
    ((_, key),) = await LISTED[face.name](one)
    return one, key


async def last(one: Caller, key: str) -> dict[str, Any]:
    """BAXO's values of now by tag."""
    device, _, contract = key.partition(" of ")
    logs = (await one.json(f"get=devices-realtimes&contractId={contract}&deviceId={device}"))["logs"]
    return {log["tagReference"]: log["value"] for log in logs}


# --- a doubted value


async def test_what_ondilo_excluded_is_excluded_by_ondilo_with_its_reason() -> None:
    one, pool = await sole(await house(ONDILO, moment=1, answers=excluded()), ONDILO)
    (told,) = await one.json(f"/pools/{pool}/lastmeasures?types[]=ph")
    assert (told["value"], told["is_valid"], told["exclusion_reason"]) == (7.8, False, "OUT_OF_RANGE")


async def test_what_ondilo_excluded_is_null_through_flipr() -> None:
    one, serial = await sole(await house(ONDILO, moment=1, answers=excluded()), FLIPR)
    module = f"/modules/{serial.partition(' ')[0]}"
    nothing = {"Label": "PH", "Message": None, "Deviation": None, "Value": None, "DeviationSector": None}
    assert (await one.json(f"{module}/survey/last"))["PH"] == nothing
    assert (await one.json(f"{module}/NewResume"))["Current"] == ""
    assert await one.json(f"{module}/survey/statsPerDays/30") == []


async def test_what_ondilo_excluded_is_left_out_by_baxo() -> None:
    one, key = await sole(await house(ONDILO, moment=1, answers=excluded()), BAXO)
    assert await last(one, key) == {}


ASLEEP = json.dumps(exchange("flipr", "survey-last").response.json | {"Temperature": 0, "PH": {"Value": 0}})


async def asleep() -> House:
    return await house(FLIPR, answers={"survey_last": answered(ASLEEP), "LastHours": answered(f"[{ASLEEP}]")})


async def test_a_flipr_that_sleeps_says_so_to_ondilos_clients_by_a_reason() -> None:
    one, pool = await sole(await asleep(), ONDILO)
    told = {said["data_type"]: said for said in await one.json(f"/pools/{pool}/lastmeasures")}
    for name, value in (("temperature", 0), ("ph", 0), ("orp", 181)):
        assert (told[name]["value"], told[name]["is_valid"]) == (value, False)
        assert told[name]["exclusion_reason"] == "the probe sleeps for the winter, or is not calibrated"
    assert (told["battery"]["value"], told["battery"]["is_valid"]) == (100, True)


async def test_a_flipr_that_sleeps_tells_fliprs_clients_what_it_told() -> None:
    one, _ = await sole(await asleep(), FLIPR)
    told = await one.json("/modules/AB256C/survey/last")
    assert (told["Temperature"], told["PH"]["Value"], told["OxydoReductionPotentiel"]["Value"]) == (0, 0, 181)
    assert (await one.json("/modules/AB256C/NewResume"))["Current"] == ""


async def test_of_a_flipr_that_sleeps_baxo_tells_the_sky_and_the_battery_only() -> None:
    one, key = await sole(await asleep(), BAXO)
    assert await last(one, key) == {"BATTERY": "100", "CLOUD_COVER": "76", "UV_INDEX": "0"}


NO_NUMBER = '{"logs":[{"tagReference":"TAG_1","value":"ERR 7","timestamp":578590638,"isEvent":false}]}'


@pytest.mark.parametrize(
    ("face", "path", "shown"),
    [
        (ONDILO, "/pools/1000001/lastmeasures?types[]=temperature", '"value":null,"value_time":"2018-05-02 15:37:18","is_valid":false,"exclusion_reason":"\'ERR 7\' is no number"'),
        (FLIPR, "/modules/00LFLT/survey/last", '{"MeasureId":1525275438,"DateTime":"2018-05-02T15:37:18Z","PH":{'),
        (BAXO, "get=devices-realtimes&contractId=xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx&deviceId=3219875446", '"value":"ERR 7"'),
    ],
    ids=["ondilo", "flipr", "baxo"],
)  # fmt: skip
async def test_what_baxo_told_without_a_number(face: Party, path: str, shown: str) -> None:
    hub = await house(BAXO, answers={"realtimes": answered(NO_NUMBER), "historics": answered('{"historics":[]}')})
    said = await (await hub.at(face)).ask(path)
    assert said.status == 200
    assert shown in said.text


# --- a quantity that nobody knows


async def test_a_type_that_ondilo_invents_is_kept_and_shown_by_baxo_only() -> None:
    measures = [
        {"data_type": "cyanuric_acid", "value": 3.5, "value_time": "2024-01-01 01:00:00", "is_valid": True},
        {"data_type": "ph", "value": 7.1, "value_time": "2024-01-01 01:00:00", "is_valid": True},
    ]
    hub = await house(
        ONDILO, moment=1, answers={"lastmeasures": answered(json.dumps(measures)), "measures": answered("[]")}
    )
    assert (await hub.store.latest("ondilo:234/ico", hub.now[0]))["ondilo.cyanuric_acid"].value == 3.5
    one, key = await sole(hub, BAXO)
    assert await last(one, key) == {"ONDILO.CYANURIC_ACID": "3.5", "PH": "7.1"}
    for face in (ONDILO, FLIPR):
        assert "CYANURIC" not in " ".join([said.upper() for said in await everything(await hub.at(face))])


async def test_a_tag_that_nobody_mapped_is_kept_and_shown_by_baxo_only() -> None:
    hub = await house(BAXO)
    assert (await hub.store.latest("baxo:14587/device", hub.now[0]))["baxo.TAG_2"].raw == "2587"
    for face in (ONDILO, FLIPR):
        answers = " ".join(await everything(await hub.at(face)))
        assert "TAG_2" not in answers
        assert '"value":2587' not in answers


async def test_what_only_flipr_has_is_a_tag_of_its_own_through_baxo() -> None:
    one, key = await sole(await house(FLIPR), BAXO)
    assert (await last(one, key))["FLIPR.DISINFECTANT_DEVIATION"] == "-1.28"


async def everything(one: Caller) -> list[str]:
    """All that a face tells, every answer being good."""
    answers = [(path, await one.ask(path)) for path in await one.party.tour(one)]
    assert [(path, said.status) for path, said in answers if said.status != 200] == []
    for _, said in answers:
        said.json()
    return [said.text for _, said in answers]


@ANY_FACE
@ANY_PROBE
async def test_every_path_answers_at_every_moment(party: Party, face: Party) -> None:
    for moment in range(len(party.moments)):
        assert await everything(await (await house(party, moment=moment)).at(face))


# --- nothing at all


@ANY_FACE
@ANY_PROBE
async def test_a_site_without_any_measurement_is_listed_and_every_path_answers(party: Party, face: Party) -> None:
    one = await (await house(party, answers=NOTHING_MEASURED[party.name])).at(face)
    assert await LISTED[face.name](one)
    assert await everything(one)


@ANY_PROBE
async def test_nothing_measured_is_told_in_each_faces_words(party: Party) -> None:
    hub = await house(party, answers=NOTHING_MEASURED[party.name])
    one = await hub.at(ONDILO)
    (_, pool), *_ = await LISTED["ondilo"](one)
    told = await one.json(f"/pools/{pool}/lastmeasures")
    assert [(said["value"], said["is_valid"]) for said in told] == [(None, True)] * 7
    one = await hub.at(FLIPR)
    serial = (await LISTED["flipr"](one))[0][1].partition(" ")[0]
    assert await one.json(f"/modules/{serial}/survey/last") == {}
    assert await one.json(f"/modules/{serial}/NewResume") == {}
    assert await one.json(f"/modules/{serial}/survey/LastHours/720") == []
    one = await hub.at(BAXO)
    assert await last(one, (await LISTED["baxo"](one))[0][1]) == {}


async def test_somebody_who_collects_nothing_yet_is_told_to_come_back() -> None:
    store = MemoryStore()
    await store.put_user(User(LOGIN, HASH))
    await collect(store, ONDILO)
    await store.put_user(User("eve@doe.org", HASH))
    hub = faces(store, [ONDILO.moments[-1].now])
    for face, path in ((ONDILO, "/pools"), (FLIPR, "/modules"), (BAXO, "get=contracts")):
        said = await (await hub.at(face, "eve@doe.org")).ask(path)
        assert (said.status, int(said.headers["retry-after"]) > 0) == (503, True)
        face.refused(said)
