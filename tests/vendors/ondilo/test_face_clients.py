"""The lives of clients that others wrote, as they were described: each step is what that client reads, and as strictly as it does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.asgi import call
from tests.evidence import facts
from tests.vendors.ondilo.house import API, AUTHORIZE, LOGIN, MEASURED_AT, PASSWORD, House, bearer, documented_house

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "*/*", "accept-encoding": "gzip-deflate"}


async def test_the_loxberry_plugin_signs_in_by_text_and_reads_by_position() -> None:
    house = await documented_house(lastmeasures_time="documented")
    bogus = await house.token("grant_type=refresh_token&refresh_token=1234&client_id=customer_api&client_secret=")
    assert bogus.json()["error_description"]

    query = "client_id=customer_api&response_type=code&redirect_uri=https%3A%2F%2Fexample.com%2Fapi&scope=api&state=Jx8"
    body = "login=john%40doe.org&password=p%26ss+w%2Brd+%C3%A9&locale=de&proceed=Authorize"
    sent = await call(house.app, "POST", f"{AUTHORIZE}?{query}", FORM, body.encode())
    assert sent.status == 302
    code = sent.headers["location"].split("code=")[1].split("&state=")[0]
    token = (
        await house.token(
            f"grant_type=authorization_code&code={code}&client_id=customer_api&client_secret=&redirect_uri=https%3A%2F%2Fexample.com%2Fapi"
        )
    ).json()
    (pool, *_) = (await house.get("/pools", token=token["access_token"])).json()
    units = (await house.get("/user/units", token=token["access_token"])).json()
    last = (await house.get(f"/pools/{pool['id']}/lastmeasures", token=token["access_token"])).json()

    assert {units[name] for name in ("temperature", "orp", "salt", "tds")}
    assert [(last[place]["data_type"], last[place]["value"]) for place in (0, 1)] == [
        ("temperature", 12.5),
        ("orp", 523),
    ]
    assert datetime.strptime(last[0]["value_time"], "%Y-%m-%dT%H:%M:%S+0000").replace(tzinfo=UTC) == MEASURED_AT


async def test_iobroker_sends_its_redirect_unencoded_and_renews_once_at_401(house: House) -> None:
    (asked,) = [
        said
        for said in facts("ondilo", "requests")
        if said["client"] == "ioBroker.ico-cloud" and said["what"] == "authorize"
    ]
    arrived = urlsplit((await house.authorize(asked["query"])).headers["location"])
    code = parse_qs(arrived.query)["code"][0]
    kept = (
        await house.token(
            f"grant_type=authorization_code&code={code}&client_id=customer_api"
            "&redirect_uri=http://iobroker.local:8081/oauth2_callbacks/ico-cloud.0/"
        )
    ).json()
    assert arrived.path == "/oauth2_callbacks/ico-cloud.0/"
    assert parse_qs(arrived.query)["state"] == ["ico-cloud.0"]
    for _ in range(3):  # a day later, three times: it keeps whatever refresh token came last
        house.at(house.now[0] + timedelta(days=1))
        assert (await house.get("/pools", token=kept["access_token"])).status == 401
        kept = (
            await house.token(f"refresh_token={kept['refresh_token']}&grant_type=refresh_token&client_id=customer_api")
        ).json()
        assert (await house.get("/pools", token=kept["access_token"])).status == 200


async def test_home_assistant_plans_by_the_pools_own_time(house: House) -> None:
    for pool in (await house.get("/pools")).json():
        updated_at = datetime.fromisoformat(pool["updated_at"])
        ico = (await house.get(f"/pools/{pool['id']}/device")).json()

        assert updated_at + timedelta(minutes=65) - house.now[0] == timedelta(minutes=43, seconds=51)
        assert (ico["serial_number"], ico["sw_version"]) == ("SN00001", "1.5.1-stable")


async def test_home_assistant_of_2024_asks_for_no_types_and_gets_all(house: House) -> None:
    sensors = {entry["data_type"]: entry["value"] for entry in (await house.get("/pools/234/lastmeasures")).json()}

    assert sensors.keys() >= {"temperature", "orp", "ph", "tds", "battery", "rssi", "salt"}
    assert (sensors["temperature"], sensors["orp"]) == (12.5, 523)


async def test_openhab_reads_integers_and_naive_times(house: House) -> None:
    headers = bearer(house.tokens["access_token"]) | {"accept-encoding": "gzip, deflate", "user-agent": "Java/17"}
    limits = (await call(house.app, "GET", f"{API}/pools/234/configuration", headers)).json()
    types = "&".join(f"types[]={name}" for name in facts("ondilo", "lists")["types"])
    last = await call(house.app, "GET", f"{API}/pools/234/lastmeasures?{types}", headers)

    for name in (
        "temperature_low",
        "temperature_high",
        "orp_low",
        "orp_high",
        "salt_low",
        "salt_high",
        "tds_low",
        "tds_high",
    ):
        assert type(limits[name]) is int
    for entry in last.json():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", entry["value_time"])
    assert "content-encoding" not in last.headers


async def test_jeedom_appends_gmt_to_a_time(house: House) -> None:
    for entry in (await house.get("/pools/234/lastmeasures", "types[]=temperature&types[]=orp")).json():
        day, clock = (entry["value_time"] + " GMT").removesuffix(" GMT").split(" ")
        english = f"{datetime.fromisoformat(day):%d %b %Y} {clock} GMT"
        assert parsedate_to_datetime(english) == MEASURED_AT


async def test_the_mqtt_bridge_finds_the_four_types_without_which_it_dies(house: House) -> None:
    entries = (
        await house.get(
            "/pools/234/lastmeasures",
            "types[]=temperature&types[]=ph&types[]=orp&types[]=salt&types[]=battery&types[]=tds&types[]=rssi",
        )
    ).json()

    by_type = {entry["data_type"]: entry for entry in entries}
    for needed in ("temperature", "orp", "ph", "salt"):
        assert by_type[needed].keys() == {"data_type", "value", "value_time", "is_valid", "exclusion_reason"}


async def test_homebridge_of_before_asks_with_commas_and_then_for_each_types_day(house: House) -> None:
    joined = await house.get("/pools/234/lastmeasures", "types=temperature%2Cph%2Corp%2Csalt%2Ctds%2Cbattery%2Crssi")
    day = (await house.get("/pools/234/measures", "type=temperature&period=day")).json()

    assert joined.status == 200
    assert max(day, key=lambda entry: str(entry["value_time"]))["value"] == 12.5


@pytest.mark.parametrize("locale", facts("ondilo", "lists")["locales"])
async def test_a_script_may_name_any_of_the_clouds_languages(house: House, locale: str) -> None:
    form = urlencode({"login": LOGIN, "password": PASSWORD, "locale": locale, "proceed": "Authorize"})
    query = (
        "client_id=customer_api&response_type=code&scope=api&state=12345&redirect_uri=https%3A%2F%2F1.2.3.4%2Fauthorize"
    )

    sent = await call(house.app, "POST", f"{AUTHORIZE}?{query}", FORM, form.encode())

    assert re.fullmatch(r"https://1\.2\.3\.4/authorize\?code=[0-9a-f]{40}&state=12345", sent.headers["location"])
