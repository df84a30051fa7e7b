"""Every fault that fits Ondilo's cloud, provoked over loopback HTTP, looks as the catalogue says."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from margelle import testing
from margelle.simulate.faults.content import AHEAD
from margelle.simulate.faults.service import SLOW_S
from tests.conftest import NOW
from tests.simulate.faults.client import Client, Told, ask
from tests.simulate.faults.conftest import PAUSES
from tests.simulate.faults.looks import Looks, On, is_cut, is_page

NAIVE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
ZONED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000"

LOOKS = Looks[Client]("ondilo")


def _said(told: Told, status: int, body: bytes) -> None:
    assert (told.status, told.body) == (status, body)
    assert told.headers["content-type"].startswith("application/json")


@LOOKS.at("quota-400")
def _(client: Client, on: On) -> None:
    on()
    _said(client.last(), 400, b'{"message":"Limit Exceeded"}')
    assert client.renew().status == 200


@LOOKS.at("quota-429")
def _(client: Client, on: On) -> None:
    on()
    _said(client.last(), 429, b'{"message":"Limit Exceeded"}')
    assert client.get("/pools").headers["retry-after"] == "60"


@LOOKS.at("quota-429-bare")
def _(client: Client, on: On) -> None:
    on()
    for told in (client.last(), client.renew()):
        _said(told, 429, b'{"message":"Limit Exceeded"}')
        assert "retry-after" not in told.headers


@LOOKS.at("lastmeasures-empty")
def _(client: Client, on: On) -> None:
    on()
    _said(client.last(), 200, b"[]")
    assert len(client.measures().json) > 10


def _times(client: Client, pattern: str) -> None:
    found = [row["value_time"] for row in [*client.last().json, *client.measures().json]]
    found += [pool["updated_at"] for pool in client.get("/pools").json]
    assert len(found) > 10
    assert all(re.fullmatch(pattern, time) for time in found)


@LOOKS.at("times-naive")
def _(client: Client, on: On) -> None:
    before = client.measures().json
    on()
    _times(client, NAIVE)
    times = [datetime.fromisoformat(row["value_time"] + "+0000") for row in client.measures().json]
    assert times == [datetime.fromisoformat(row["value_time"]) for row in before]


@LOOKS.at("times-zoned")
def _(client: Client, on: On) -> None:
    before = client.last().json
    on()
    _times(client, ZONED)
    assert [row["value_time"].replace("T", " ")[:19] for row in client.last().json] == [r["value_time"] for r in before]


@LOOKS.at("thresholds-null")
def _(client: Client, on: On) -> None:
    path = f"/pools/{client.pool}/configuration"
    before = client.get(path).json
    on()
    told = client.get(path).json
    assert told.keys() == before.keys()
    assert all(told[name] is None for name in told if name.endswith(("_low", "_high")))


@LOOKS.at("device-null")
def _(client: Client, on: On) -> None:
    on()
    _said(client.get(f"/pools/{client.pool}/device"), 200, b"null")


@LOOKS.at("body-empty")
def _(client: Client, on: On) -> None:
    on()
    _said(client.last(), 200, b"")


@LOOKS.at("html-200")
def _(client: Client, on: On) -> None:
    on()
    is_page(client.last(), 200)


@LOOKS.at("html-502")
def _(client: Client, on: On) -> None:
    on()
    is_page(client.last(), 502)
    is_page(client.renew(), 502)


@LOOKS.at("maintenance-503")
def _(client: Client, on: On) -> None:
    on()
    is_page(client.get("/user/info"), 503)


@LOOKS.at("token-500")
def _(client: Client, on: On) -> None:
    on()
    assert client.renew().status == 500
    assert client.renew().json["error"] == "server_error"
    assert client.last().status == 200


@LOOKS.at("pools-400")
def _(client: Client, on: On) -> None:
    on()
    _said(client.get("/pools"), 400, b'{"error":{"message":"Cannot get user\\u0027s pools 1"}}')
    assert client.last().status == 200


@LOOKS.at("token-expired")
def _(client: Client, on: On) -> None:
    on()
    assert [client.last().status for _ in range(2)] == [401, 401]
    client.access = client.renew().json["access_token"]
    assert [client.last().status for _ in range(2)] == [200, 200]


@LOOKS.at("token-revoked")
def _(client: Client, on: On) -> None:
    on()
    assert client.last().status == 401
    assert client.renew().status == 400
    assert client.renew().json["error"] == "invalid_grant"


@LOOKS.at("refresh-token-absent")
def _(client: Client, on: On) -> None:
    on()
    told = client.renew().json
    assert "refresh_token" not in told
    client.access = told["access_token"]
    assert client.last().status == 200


@LOOKS.at("rows-doubled")
def _(client: Client, on: On) -> None:
    before = client.measures().json
    on()
    assert client.measures().json == [*before, *before]


@LOOKS.at("rows-reordered")
def _(client: Client, on: On) -> None:
    before, pools = client.measures().json, client.get("/pools").json
    on()
    told = client.measures().json
    assert told != before
    assert sorted(told, key=json.dumps) == sorted(before, key=json.dumps)
    assert client.get("/pools").json != pools


@LOOKS.at("clock-ahead")
def _(client: Client, on: On) -> None:
    def times(told: Any) -> list[datetime]:
        return [datetime.fromisoformat(row["value_time"]) for row in told]

    last, measures = times(client.last().json), times(client.measures().json)
    on()
    assert times(client.last().json) == [at + AHEAD for at in last]
    assert times(client.measures().json) == [at + AHEAD for at in measures]


@LOOKS.at("pools-none")
def _(client: Client, on: On) -> None:
    on()
    _said(client.get("/pools"), 200, b"[]")


@LOOKS.at("pool-vanished")
def _(client: Client, on: On) -> None:
    before = [pool["id"] for pool in client.get("/pools").json]
    on()
    assert [pool["id"] for pool in client.get("/pools").json] == [one for one in before if one != max(before)]
    assert client.get(f"/pools/{max(before)}/device").status == 404
    assert client.get(f"/pools/{min(before)}/device").status == 200


@LOOKS.at("slow")
def _(client: Client, on: On) -> None:
    before = client.last().body
    assert PAUSES == []
    on()
    assert client.last().body == before
    assert PAUSES == [SLOW_S]


@LOOKS.at("cut")
def _(client: Client, on: On) -> None:
    before = client.last().body
    on()
    is_cut(client.last(), before)


@LOOKS.at("error-500")
def _(client: Client, on: On) -> None:
    on()
    _said(client.last(), 500, b'{"error":{"message":"Internal server error"}}')
    assert client.renew().status == 200


@LOOKS.at("login-refused")
def _(client: Client, on: On) -> None:
    on()
    query = "response_type=code&client_id=x&redirect_uri=http%3A%2F%2Flocalhost%2Fback%3Fa%3Db&state=s%2Ft"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    told = ask(client.base_url, "POST", f"/oauth2/authorize?{query}", "login=a%40b.example&password=x", form)
    assert (told.status, told.headers["location"]) == (302, "http://localhost/back?a=b&error=access_denied&state=s%2Ft")
    assert ask(client.base_url, "GET", f"/oauth2/authorize?{query}").headers["content-type"].startswith("text/html")
    assert client.last().status == 200


@pytest.mark.parametrize("name", [name for name in LOOKS.names if name != "readings-10min"])
def test_a_provoked_fault_looks_as_the_catalogue_says_and_ends(sky: testing.Sky, client: Client, name: str) -> None:
    LOOKS.try_out(sky, client, name)


def test_a_face_at_the_root_of_its_vendors_host_has_the_same_faults(sky: testing.Sky) -> None:
    sky.faults.choose("html-502")
    told = ask(sky.url, "GET", "/api/customer/v1/pools", None, {"Host": "interop.ondilo.com"})
    assert told.status == 502
    assert sky.log[-1].operation == "ondilo/pools"


def test_what_is_no_vendors_is_left_alone(sky: testing.Sky) -> None:
    sky.faults.choose("html-502")
    assert ask(sky.url, "GET", "/healthz").status == 200
    assert sky.log == []


def test_a_restarted_device_measures_at_once_and_every_ten_minutes_for_an_hour(sky: testing.Sky) -> None:
    with testing.clouds(now=sky.now, past=timedelta(days=1)) as other:
        client = Client(other.base_url("ondilo"), other.login, other.password)
        before = client.measures().json
        other.faults.choose("readings-10min", operations=["ondilo/lastmeasures"], times=1)
        assert client.last().json[0]["value_time"] == f"{NOW:%Y-%m-%d %H:%M:%S}"
        assert other.log[-1].fault == "readings-10min"
        for _ in range(7):
            other.advance(timedelta(minutes=10, seconds=5))
        client.access = other.access_token("ondilo")
        told = client.measures().json
    new = [_at(row) for row in told if _at(row) > _at(before[-1])]
    apart = [later - earlier for earlier, later in pairwise(new)]
    assert before[-1] in told
    assert new[0] == NOW
    assert apart == [pytest.approx(timedelta(minutes=10), abs=timedelta(seconds=6))] * 6


def _at(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["value_time"])


def test_the_clouds_clock_goes_forward_and_the_probes_measure(sky: testing.Sky) -> None:
    with testing.clouds(now=sky.now, past=timedelta(days=1), quotas=True) as other:
        client = Client(other.base_url("ondilo"), other.login, other.password)
        before = client.last().json[0]["value_time"]
        other.advance(timedelta(hours=3))
        client.access = client.renew().json["access_token"]
        assert client.last().json[0]["value_time"] > before
        assert [client.last().status for _ in range(6)][-1] == 429
