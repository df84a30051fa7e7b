"""The face over raw HTTP, held against the document and against what other people's programs send and need."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Band, Disinfection, Probe, Site, User
from margelle.domain.unit import Unit
from margelle.errors import ConfigError
from margelle.ports import Discovery
from margelle.store.memory import MemoryStore
from margelle.vendors.flipr.profile import Profile
from tests.asgi import Response, call
from tests.evidence import answer, exchange, facts
from tests.vendors.flipr.house import (
    FORM,
    LOGIN,
    MEASURED_AT,
    NOW,
    OTHER_LOGIN,
    PASSWORD_HASH,
    PROBE,
    SITE,
    House,
    documented,
    documented_house,
    empty_house,
    point,
)
from tests.vendors.ondilo.house import PROBE as ICO
from tests.vendors.ondilo.house import RECOMMENDATION
from tests.vendors.ondilo.house import SITE as ICO_SITE

LISTS = facts("flipr", "lists")
REQUESTS = facts("flipr", "requests")
LAST = exchange("flipr", "survey-last").response.json
INVENTED = {"MeasureId": 1515490205, "DateTime": "2018-01-09T09:30:05.558277Z"}
GETS = [one for one in REQUESTS if one["what"] not in {"token", "refresh"} and "HB0001" not in one["path"]]
SHAPES = {"modules": list, "hours": list, "days": list, "places": list}


def message(answer: Response) -> str:
    """What an error says; it is always in this shape."""
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    told = answer.json()
    assert list(told) == ["Message"]
    return str(told["Message"])


def ondilo(quantity: str, value: float, at: datetime = MEASURED_AT) -> Measurement:
    return Measurement(ICO.id, quantity, at, value, f"{value:g}", Unit.RATIO, "ondilo/lastmeasures")


# --- the document


async def test_the_newest_measure_is_the_documents(house: House) -> None:
    document = exchange("flipr", "survey-last").request
    told = await house.get(document.path)
    assert (told.status, told.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert told.json() == LAST | INVENTED


async def test_the_last_hours_are_measures_newest_first(house: House) -> None:
    await house.store.add(
        documented(MEASURED_AT - timedelta(hours=1)) + documented(MEASURED_AT - timedelta(hours=30)), NOW
    )
    told = (await house.get("/modules/21BXYZ/survey/LastHours/24")).json()
    assert [one["DateTime"][:13] for one in told] == ["2018-01-09T09", "2018-01-09T08"]
    assert told[0] == LAST | INVENTED
    assert len((await house.get("/modules/21BXYZ/survey/LastHours/31")).json()) == 3
    assert (await house.get("/modules/21BXYZ/survey/LastHours/0")).json() == []
    assert len((await house.get("/modules/21BXYZ/survey/LastHours/99999999999")).json()) == 3


async def test_the_statistics_are_of_so_many_days_up_to_today_in_the_documents_shape(house: House) -> None:
    for hours in (24, 72, 96):
        await house.store.add(documented(MEASURED_AT - timedelta(hours=hours)), NOW)
    told = (await house.get("/modules/21BXYZ/survey/statsPerDays/4")).json()
    assert [day["Date"] for day in told] == ["2018-01-09T00:00:00Z", "2018-01-08T00:00:00Z", "2018-01-06T00:00:00Z"]
    (document,) = exchange("flipr", "stats-per-days").response.json
    for day in told:
        assert {name: list(day[name]) for name in ("Temperature", "PH")} == {
            name: list(document[name]) for name in ("Temperature", "PH")
        }
    assert [day["Date"] for day in (await house.get("/modules/21BXYZ/survey/statsPerDays/1")).json()] == [
        "2018-01-09T00:00:00Z"
    ]
    assert (await house.get("/modules/21BXYZ/survey/statsPerDays/0")).json() == []


async def test_a_probe_whose_clock_is_fast_makes_no_day_that_has_not_begun(house: House) -> None:
    house.now[0] = datetime(2018, 1, 9, 23, 58, tzinfo=UTC)
    await house.store.add(documented(datetime(2018, 1, 10, 0, 2, tzinfo=UTC)), house.now[0])
    told = (await house.get("/modules/21BXYZ/survey/statsPerDays/2")).json()
    assert [day["Date"] for day in told] == ["2018-01-09T00:00:00Z"]
    house.now[0] = datetime(2018, 1, 10, 0, 0, tzinfo=UTC)
    told = (await house.get("/modules/21BXYZ/survey/statsPerDays/1")).json()
    assert [day["Date"] for day in told] == ["2018-01-10T00:00:00Z"]


# --- other people's requests


@pytest.mark.parametrize("sent", GETS, ids=lambda one: f"{one['client']}: {one['what']}")
async def test_what_a_client_asks_for_is_answered(house: House, sent: dict[str, Any]) -> None:
    scheme = sent["headers"].get("Authorization", "Bearer")
    told = await house.get(sent["path"], sent["query"], scheme=scheme)
    assert told.status == 200, told.text
    assert isinstance(told.json(), SHAPES.get(sent["what"], dict))


@pytest.mark.parametrize("sent", [one for one in REQUESTS if one["what"] == "token"], ids=lambda one: one["client"])
async def test_a_client_signs_in(house: House, sent: dict[str, Any]) -> None:
    target = f"/flipr{sent['path']}" + (f"?{sent['query']}" if sent["query"] else "")
    told = await call(house.app, sent["method"], target, FORM, sent["body"].encode())
    assert told.status == 200, told.text
    document = answer("flipr", "a token for a login").json
    assert list(told.json()) == list(document)
    assert told.json()["token_type"] == LISTS["token_type"]
    assert told.json()["expires_in"] == LISTS["token_life_s"]
    assert (told.headers["cache-control"], told.headers["content-type"]) == (
        "no-store",
        "application/json; charset=utf-8",
    )
    house.access = told.json()["access_token"]
    assert (await house.get("/modules")).status == 200


async def test_homey_renews_its_token_and_keeps_its_refresh_token(house: House) -> None:
    (sent,) = [one for one in REQUESTS if one["what"] == "refresh"]
    told = await house.token(sent["body"].replace("9f2c", house.refresh), sent["path"])
    assert told.status == 200
    assert told.json()["refresh_token"] == house.refresh
    assert told.json()["access_token"] != house.access
    refused = await house.token(sent["body"], sent["path"])
    assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "path", ["/MODULES//21bxyz/survey/LAST/", "/modules/21BXYZ/SURVEY/last", "//modules/21bXYZ/survey//last"]
)
async def test_paths_and_serials_are_blind_for_case_and_slashes(house: House, path: str) -> None:
    assert (await house.get(path)).json() == LAST | INVENTED


async def test_the_face_answers_at_the_root_of_its_vendors_host_too(house: House) -> None:
    headers = {"host": "apis.goflipr.com", "authorization": f"Bearer {house.access}"}
    assert (await call(house.app, "GET", "//modules/21BXYZ/survey/last", headers)).json() == LAST | INVENTED


# --- tokens


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("grant_type=password&username=john%40doe.org&password=wrong", "invalid_grant"),
        ("grant_type=password&username=nobody%40doe.org&password=wrong", "invalid_grant"),
        ("grant_type=password&username=john%40doe.org", "invalid_grant"),
        ("grant_type=refresh_token", "invalid_grant"),
        ("grant_type=magic", "unsupported_grant_type"),
        ("", "invalid_request"),
        ("{", "invalid_request"),
        ("&".join("a=b" for _ in range(200)), "invalid_request"),
    ],
)
async def test_a_refused_token_is_told_as_oauth2_does(house: House, body: str, error: str) -> None:
    told = await house.token(body)
    assert (told.status, told.json()["error"]) == (400, error)
    assert told.json()["error_description"]
    assert list(told.json()) == list(answer("flipr", "a login refused").json)


async def test_a_plus_that_was_not_encoded_is_still_a_plus(house: House) -> None:
    told = await house.token("grant_type=password&username=eve+pool@doe.org&password=p%26ss+w%2Brd+%C3%A9")
    assert told.status == 200


async def test_a_login_with_a_space_is_that_login(house: House) -> None:
    await house.store.put_user(User("zoë + poisson@doe.org", PASSWORD_HASH))
    await house.sign_in("zoë + poisson@doe.org")


async def test_a_token_may_be_asked_for_in_json(house: House) -> None:
    body = {"grant_type": "password", "username": LOGIN, "password": "p&ss w+rd é"}
    assert (await house.token(json.dumps(body))).status == 200


async def test_no_password_is_taken_from_the_address_of_a_get(house: House) -> None:
    query = "grant_type=password&username=john%40doe.org&password=p%26ss+w%2Brd+%C3%A9"
    told = await call(house.app, "GET", f"/flipr/OAuth2/token?{query}")
    assert (told.status, told.json()["error"]) == (400, "invalid_request")


async def test_the_token_endpoint_knows_no_other_method(house: House) -> None:
    told = await house.token("", method="DELETE")
    assert (told.status, told.headers["allow"]) == (405, "POST")


async def test_guessing_passwords_ends_in_429(house: House) -> None:
    told = [await house.token("grant_type=password&username=john%40doe.org&password=wrong") for _ in range(30)]
    assert told[-1].status == 429
    assert int(told[-1].headers["retry-after"]) > 0
    assert told[-1].json()["error"] == "temporarily_unavailable"


@pytest.mark.parametrize(
    "header", [{}, {"authorization": "Bearer"}, {"authorization": "Bearer 0000"}, {"authorization": "Basic x"}]
)
async def test_without_a_good_token_the_answer_is_the_clouds(house: House, header: dict[str, str]) -> None:
    told = await call(house.app, "GET", "/flipr/modules", header)
    assert told.status == 401
    assert told.json() == answer("flipr", "a token refused").json


async def test_a_token_lasts_270_days_and_no_longer(house: House) -> None:
    house.now[0] = NOW + timedelta(seconds=LISTS["token_life_s"])
    assert (await house.get("/place")).status == 200
    house.now[0] = NOW + timedelta(days=270)
    assert (await house.get("/place")).status == 401


@pytest.mark.parametrize("life_s", [0.0, float("nan"), 1e12])
def test_a_life_that_no_token_has_is_an_error(life_s: float) -> None:
    with pytest.raises(ConfigError, match="access_token_life_s"):
        Profile.of({"access_token_life_s": life_s})


# --- modules, places, pools


async def test_a_module_has_what_clients_need(house: House) -> None:
    (told,) = (await house.get("/modules", "l=en")).json()
    theirs = answer("flipr", "two modules").json[0]
    assert set(told) <= set(theirs)
    assert (told["Serial"], told["ModuleType_Id"], told["Version"]) == ("21BXYZ", LISTS["module_types"]["probe"], 4)
    assert told["LastMeasureDateTime"] == "2018-01-09T09:30:05.558277"


async def test_pool_place_short_term_and_thresholds_have_the_keys_of_the_evidence(house: House) -> None:
    assert (await house.get("/modules/21BXYZ/pool")).json() == answer("flipr", "a pool").json
    assert (await house.get("/place")).json() == [{"Id": 4711, "Modules": [{"Serial": "21BXYZ"}], "Hubs": []}]
    assert list((await house.get("/modules/21BXYZ/shortterm")).json()) == LISTS["short_term_keys"]
    told = (await house.get("/modules/21BXYZ/Thresholds")).json()
    usual = answer("flipr", "the thresholds").json["PhMax"]
    assert told == {"PhMin": {"Value": 6.8, "IsDefaultValue": True}, "PhMax": usual}
    assert (await house.get("/place/4711/allAlerts")).json() == []
    hub = (await house.get("/hub/21BXYZ/state")).json()
    assert list(hub) == list(answer("flipr", "a hub's state").json)
    assert (hub["ErrorCode"], "is not a HUB" in hub["ErrorMessage"]) == ("Forbidden", True)


async def test_a_probe_that_measured_nothing_tells_an_empty_object() -> None:
    house = await empty_house()
    await house.furnish((SITE, PROBE))
    await house.sign_in()
    assert (await house.get("/modules/21BXYZ/NewResume")).json() == answer("flipr", "a resume of nothing").json
    assert (await house.get("/modules/21BXYZ/survey/last")).json() == {}
    assert (await house.get("/modules/21BXYZ/survey/LastHours/24")).json() == []
    assert (await house.get("/modules")).json()[0]["LastMeasureDateTime"] is None


@pytest.mark.parametrize(
    "path",
    ["/modules/ZZZZZZ/survey/last", "/place/1/allAlerts", "/hub/ZZZZZZ/state", "/nothing", "/", "/modules/21BXYZ"],
)
async def test_what_there_is_not_is_404_in_the_clouds_shape(house: House, path: str) -> None:
    told = await house.get(path)
    assert told.status == 404
    assert message(told)


async def test_nobody_sees_what_is_somebody_elses(house: House) -> None:
    await house.store.put_account(Account("flipr-2", "flipr", OTHER_LOGIN, OTHER_LOGIN))
    other = (
        replace(SITE, id="flipr:AB256C", key="AB256C"),
        replace(PROBE, id="flipr:AB256C/probe", site="flipr:AB256C", serial="AB256C"),
    )
    await house.store.put_discovery(
        "flipr-2",
        Discovery(sites=(other[0],), probes=(other[1],), person=(await house.store.accounts())[0].person),
        NOW,
    )
    assert (await house.get("/modules/AB256C/survey/last")).status == 404
    assert [one["Serial"] for one in (await house.get("/modules")).json()] == ["21BXYZ"]


@pytest.mark.parametrize(
    "path", ["LastHours/x", "LastHours/-1", "LastHours/1.5", "LastHours/999999999999", "statsPerDays/%C2%B2"]
)
async def test_a_span_that_is_no_number_is_400(house: House, path: str) -> None:
    told = await house.get(f"/modules/21BXYZ/survey/{path}")
    assert told.status == 400
    assert message(told) == "The request is invalid."


# --- language


async def test_the_language_is_the_one_asked_for_else_the_users(house: House) -> None:
    async def spoken(query: str = "", **headers: str) -> str:
        return str((await house.get("/modules/21BXYZ/survey/last", query, **headers)).json()["PH"]["Message"])

    assert await spoken() == "Trop faible"
    assert await spoken("l=en") == "Too low"
    assert await spoken(accept_language="en-GB,fr;q=0.5") == "Too low"
    assert await spoken("l=fr", accept_language="en") == "Trop faible"
    assert await spoken("l=de", accept_language="*") == "Trop faible"
    await house.store.put_user(User(LOGIN, PASSWORD_HASH, language="de"))
    assert await spoken() == "Too low"


async def test_a_face_may_always_speak_french() -> None:
    house = await documented_house(language="fr")
    assert (await house.get("/modules/21BXYZ/survey/last", "l=en")).json()["PH"]["Message"] == "Trop faible"


# --- NewResume


@pytest.mark.parametrize(
    ("value", "level"), [(999.0, "Low"), (1000.0, "Medium"), (9999.0, "Medium"), (10_000.0, "High")]
)
async def test_a_face_may_tell_conductivity_in_words(value: float, level: str) -> None:
    house = await documented_house(conductivity="level")
    words = [replace(one, value=value, raw=f"{value:g}") if one.quantity == "conductivity" else one for one in documented()]  # fmt: skip
    await house.store.add(words, NOW)
    told = [(await house.get(f"/modules/21BXYZ/{path}")).json() for path in ("survey/last", "survey/LastHours/24")]
    label = answer("flipr", "a resume").json["Current"]["Conductivity"]["Label"]
    assert told[0]["Conductivity"] == told[1][0]["Conductivity"] == {"Label": label, "Level": level}


async def test_a_face_that_tells_levels_has_none_of_what_it_does_not_know() -> None:
    house = await documented_house(points=[point("temperature", 20.0)], conductivity="level")
    assert (await house.get("/modules/21BXYZ/survey/last")).json()["Conductivity"]["Value"] is None


async def test_a_resume_has_the_newest_measure_and_the_week(house: House) -> None:
    for days in (1, 6, 8):
        await house.store.add(documented(MEASURED_AT - timedelta(days=days)), NOW)
    told = (await house.get("/modules/21BXYZ/NewResume")).json()
    assert told["Current"] == LAST | INVENTED | {"Desinfectant": LAST["Desinfectant"] | {"Value": 0}}
    assert [one["DateTime"][:10] for one in told["LastWeek"]] == ["2018-01-09", "2018-01-08", "2018-01-03"]


async def test_of_a_flipr_only_what_was_measured_together_is_one_measure(house: House) -> None:
    await house.store.add([point("temperature", 22.0, MEASURED_AT + timedelta(minutes=10))], NOW)
    told = (await house.get("/modules/21BXYZ/survey/last")).json()
    assert (told["Temperature"], told["PH"]["Value"]) == (22, None)


# --- every probe


async def _with_ico(**settings: Any) -> House:
    house = await documented_house(**settings)
    await house.furnish((replace(ICO_SITE, bands=ICO_SITE.bands), ICO), vendor="ondilo", name="ondilo-1")
    values = {"temperature": 25.5, "ph": 7.3, "orp": 650.0, "tds": 702.0, "battery": 87.0, "rssi": 60.0}
    await house.store.add([ondilo(name, value) for name, value in values.items()], NOW)
    return house


async def test_an_ico_is_a_module_like_any_other() -> None:
    house = await _with_ico()
    modules = (await house.get("/modules")).json()
    serial = next(one["Serial"] for one in modules if one["Serial"] != "21BXYZ")
    assert (len(modules), len(serial), serial.isalnum()) == (2, 6, True)
    current = (await house.get(f"/modules/{serial}/NewResume")).json()["Current"]
    assert (current["Temperature"], current["PH"]["Value"], current["PH"]["Deviation"]) == (25.5, 7.3, 0.25)
    assert current["Conductivity"]["Value"] == 1404
    assert current["Battery"]["Deviation"] == 0.87
    assert current["Desinfectant"] == {"Label": "Chlore", "Message": "Parfait", "Deviation": 0, "Value": 0, "DeviationSector": "Medium"}  # fmt: skip
    assert (await house.get(f"/modules/{serial}/pool")).json()["PrivateName"] == "John's Pool"
    assert (await house.get(f"/modules/{serial}/Thresholds")).json() == {
        name: {"Value": value, "IsDefaultValue": False}
        for name, value in zip(answer("flipr", "the thresholds").json, (7.6, 8.5, 400, 10, 30), strict=True)
    }
    again = (await house.get("/modules")).json()
    assert [one["Serial"] for one in again] == [one["Serial"] for one in modules]


async def test_what_ondilo_recommends_is_an_alert() -> None:
    house = await _with_ico()
    await house.store.put_recommendations(ICO_SITE.id, [RECOMMENDATION])
    places = (await house.get("/place")).json()
    place = next(one["Id"] for one in places if one["Id"] != 4711)
    (alert,) = (await house.get(f"/place/{place}/allAlerts")).json()
    assert {key: alert[key] for key in LISTS["alert_keys"]} == {
        "Title": RECOMMENDATION.title,
        "Message": RECOMMENDATION.message,
    }
    (theirs,) = answer("flipr", "the alerts").json
    assert {key: type(alert[key]) for key in theirs} == {key: type(value) for key, value in theirs.items()}
    assert alert["Subtitle"] == RECOMMENDATION.message


async def test_of_another_vendor_values_of_one_day_are_one_measure() -> None:
    house = await _with_ico()
    (serial,) = [one["Serial"] for one in (await house.get("/modules")).json() if one["Serial"] != "21BXYZ"]
    await house.store.add([ondilo("temperature", 26.0, MEASURED_AT + timedelta(minutes=10))], NOW)
    told = (await house.get(f"/modules/{serial}/survey/last")).json()
    assert (told["Temperature"], told["PH"]["Value"]) == (26, 7.3)
    assert told["DateTime"] == "2018-01-09T09:40:05.558277Z"


@pytest.mark.parametrize("solids", ["tds", "salt"])
async def test_solids_are_shown_as_conductivity(solids: str) -> None:
    house = await documented_house()
    await house.furnish((replace(ICO_SITE, bands=ICO_SITE.bands), ICO), vendor="ondilo", name="ondilo-1")
    await house.store.add([ondilo("temperature", 25.5), ondilo(solids, 702.0)], NOW)
    (serial,) = [one["Serial"] for one in (await house.get("/modules")).json() if one["Serial"] != "21BXYZ"]
    assert (await house.get(f"/modules/{serial}/survey/last")).json()["Conductivity"]["Value"] == 1404


async def test_the_weather_of_a_probe_that_tells_it_is_the_short_term() -> None:
    house = await _with_ico()
    await house.store.add([ondilo("air_temperature", 24.5)], NOW)
    (serial,) = [one["Serial"] for one in (await house.get("/modules")).json() if one["Serial"] != "21BXYZ"]
    assert (await house.get(f"/modules/{serial}/shortterm")).json()["AirTemperature"] == answer(
        "flipr", "the short term"
    ).json["AirTemperature"]


async def test_two_probes_with_the_same_serial_show_themselves_under_two() -> None:
    house = await documented_house()
    twin = replace(SITE, id="flipr@demo:21BXYZ"), replace(PROBE, id="flipr@demo:21BXYZ/probe", site="flipr@demo:21BXYZ")
    assert [one["Serial"] for one in (await house.get("/modules")).json()] == ["21BXYZ"]
    await house.furnish(twin, name="flipr-2")
    serials = [one["Serial"] for one in (await house.get("/modules")).json()]
    assert sorted(serials) == ["00LFLS", "21BXYZ"]


async def test_a_serial_of_another_form_is_shown_as_it_is() -> None:
    house = await empty_house()
    await house.furnish(
        (
            replace(SITE, id="flipr:START-MAX-1", key="START-MAX-1"),
            replace(PROBE, site="flipr:START-MAX-1", serial="START-MAX-1"),
        )
    )
    await house.sign_in()
    assert [one["Serial"] for one in (await house.get("/modules")).json()] == ["START-MAX-1"]
    assert (await house.get("/modules/start-max-1/pool")).status == 200


async def test_a_plant_with_nothing_that_a_flipr_measures_can_be_shown() -> None:
    house = await empty_house()
    site = Site("baxo:1", "baxo", "1", "Tank", "tank", disinfection=Disinfection("other"), bands={"level": Band(0, 3)})
    probe = Probe("baxo:1/d", site.id, "baxo", "1")
    await house.furnish((site, probe), vendor="baxo", name="baxo-1")
    await house.store.add([Measurement(probe.id, "level", MEASURED_AT, 1.2, "1.2", Unit.METRE, "baxo/realtimes")], NOW)
    await house.sign_in()
    (module,) = (await house.get("/modules")).json()
    assert module["ModuleType_Id"] is None
    assert (await house.get(f"/modules/{module['Serial']}/NewResume")).json() == {}
    assert (await house.get(f"/modules/{module['Serial']}/survey/statsPerDays/3")).json() == []


async def test_a_plant_that_measures_what_a_flipr_does_is_a_module_of_its_type() -> None:
    house = await empty_house()
    site, probe = Site("baxo:1", "baxo", "1", "Bath", "plant"), Probe("baxo:1/d", "baxo:1", "baxo", "1")
    await house.furnish((site, probe), vendor="baxo", name="baxo-1")
    await house.store.add([point(name, 7.0, probe=probe.id, origin="baxo/realtimes") for name in ("ph", "orp")], NOW)
    await house.sign_in()
    assert (await house.get("/modules")).json()[0]["ModuleType_Id"] is None
    await house.store.add([point("temperature", 7.0, probe=probe.id, origin="baxo/realtimes")], NOW)
    assert (await house.get("/modules")).json()[0]["ModuleType_Id"] == LISTS["module_types"]["probe"]


async def test_an_answer_is_kept_until_the_store_changes(house: House) -> None:
    assert isinstance(house.store, MemoryStore)
    first = (await house.get("/modules/21BXYZ/survey/last")).json()
    assert (await house.get("/modules/21bxyz/survey/last")).json() == first
    await house.store.add(documented(MEASURED_AT + timedelta(minutes=5)), NOW)
    assert (await house.get("/modules/21BXYZ/survey/last")).json() != first
