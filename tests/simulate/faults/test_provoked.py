"""Every fault that fits Ondilo's cloud, provoked over loopback HTTP, looks as the catalogue says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from margelle import testing
from margelle.simulate.faults import CATALOGUE
from margelle.simulate.faults.content import AHEAD
from margelle.simulate.faults.service import SLOW_S
from tests.simulate.faults.client import Client, Told, ask
from tests.simulate.faults.conftest import PAUSES

NAIVE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
ZONED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000"

Look = Callable[[Client, Callable[[], None]], None]
"""Looks before and after the fault has been switched on by calling its second argument."""
LOOKS: dict[str, Look] = {}


def look(name: str) -> Callable[[Look], Look]:
    def kept(one: Look) -> Look:
        LOOKS[name] = one
        return one

    return kept


def _said(told: Told, status: int, body: bytes) -> None:
    assert (told.status, told.body) == (status, body)
    assert told.headers["content-type"].startswith("application/json")


def _page(told: Told, status: int) -> None:
    assert told.status == status
    assert told.headers["content-type"] == "text/html"
    assert told.body.startswith(b"<html>")


@look("quota-400")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.last(), 400, b'{"message":"Limit Exceeded"}')
    assert client.renew().status == 200


@look("quota-429")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.last(), 429, b'{"message":"Limit Exceeded"}')
    assert client.get("/pools").headers["retry-after"] == "60"


@look("quota-429-bare")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    for told in (client.last(), client.renew()):
        _said(told, 429, b'{"message":"Limit Exceeded"}')
        assert "retry-after" not in told.headers


@look("lastmeasures-empty")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.last(), 200, b"[]")
    assert len(client.measures().json) > 10


def _times(client: Client, pattern: str) -> None:
    found = [row["value_time"] for row in [*client.last().json, *client.measures().json]]
    found += [pool["updated_at"] for pool in client.get("/pools").json]
    assert len(found) > 10
    assert all(re.fullmatch(pattern, time) for time in found)


@look("times-naive")
def _(client: Client, on: Callable[[], None]) -> None:
    before = client.measures().json
    on()
    _times(client, NAIVE)
    times = [datetime.fromisoformat(row["value_time"] + "+0000") for row in client.measures().json]
    assert times == [datetime.fromisoformat(row["value_time"]) for row in before]


@look("times-zoned")
def _(client: Client, on: Callable[[], None]) -> None:
    before = client.last().json
    on()
    _times(client, ZONED)
    assert [row["value_time"].replace("T", " ")[:19] for row in client.last().json] == [r["value_time"] for r in before]


@look("thresholds-null")
def _(client: Client, on: Callable[[], None]) -> None:
    path = f"/pools/{client.pool}/configuration"
    before = client.get(path).json
    on()
    told = client.get(path).json
    assert told.keys() == before.keys()
    assert all(told[name] is None for name in told if name.endswith(("_low", "_high")))


@look("device-null")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.get(f"/pools/{client.pool}/device"), 200, b"null")


@look("body-empty")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.last(), 200, b"")


@look("html-200")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _page(client.last(), 200)


@look("html-502")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _page(client.last(), 502)
    _page(client.renew(), 502)


@look("maintenance-503")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _page(client.get("/user/info"), 503)


@look("token-500")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    assert client.renew().status == 500
    assert client.renew().json["error"] == "server_error"
    assert client.last().status == 200


@look("pools-400")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.get("/pools"), 400, b'{"error":{"message":"Cannot get user\\u0027s pools 1"}}')
    assert client.last().status == 200


@look("token-expired")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    assert [client.last().status for _ in range(2)] == [401, 401]
    client.access = client.renew().json["access_token"]
    assert [client.last().status for _ in range(2)] == [200, 200]


@look("token-revoked")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    assert client.last().status == 401
    assert client.renew().status == 400
    assert client.renew().json["error"] == "invalid_grant"


@look("refresh-token-absent")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    told = client.renew().json
    assert "refresh_token" not in told
    client.access = told["access_token"]
    assert client.last().status == 200


@look("rows-doubled")
def _(client: Client, on: Callable[[], None]) -> None:
    before = client.measures().json
    on()
    assert client.measures().json == [*before, *before]


@look("rows-reordered")
def _(client: Client, on: Callable[[], None]) -> None:
    before, pools = client.measures().json, client.get("/pools").json
    on()
    told = client.measures().json
    assert told != before
    assert sorted(told, key=json.dumps) == sorted(before, key=json.dumps)
    assert client.get("/pools").json != pools


@look("clock-ahead")
def _(client: Client, on: Callable[[], None]) -> None:
    def times(told: Any) -> list[datetime]:
        return [datetime.fromisoformat(row["value_time"]) for row in told]

    last, measures = times(client.last().json), times(client.measures().json)
    on()
    assert times(client.last().json) == [at + AHEAD for at in last]
    assert times(client.measures().json) == [at + AHEAD for at in measures]


@look("pools-none")
def _(client: Client, on: Callable[[], None]) -> None:
    on()
    _said(client.get("/pools"), 200, b"[]")


@look("pool-vanished")
def _(client: Client, on: Callable[[], None]) -> None:
    before = [pool["id"] for pool in client.get("/pools").json]
    on()
    assert [pool["id"] for pool in client.get("/pools").json] == [one for one in before if one != max(before)]
    assert client.get(f"/pools/{max(before)}/device").status == 404
    assert client.get(f"/pools/{min(before)}/device").status == 200


@look("slow")
def _(client: Client, on: Callable[[], None]) -> None:
    before = client.last().body
    assert PAUSES == []
    on()
    assert client.last().body == before
    assert PAUSES == [SLOW_S]


@look("cut")
def _(client: Client, on: Callable[[], None]) -> None:
    before = client.last().body
    on()
    told = client.last()
    assert not told.whole
    assert told.body == before[: len(before) // 2]
    assert int(told.headers["content-length"]) == len(before)


FITTING = [fault.name for fault in CATALOGUE if any(one.startswith("ondilo/") for one in fault.operations)]


@pytest.mark.parametrize("name", FITTING)
def test_a_provoked_fault_looks_as_the_catalogue_says_and_ends(sky: testing.Sky, client: Client, name: str) -> None:
    before = client.last()
    LOOKS[name](client, lambda: sky.faults.choose(name))
    assert name in {entry.fault for entry in sky.log}
    sky.faults.end(name)
    assert (client.last().status, client.last().body) == (200, before.body)
    assert sky.log[-1].fault == ""


def test_a_face_at_the_root_of_its_vendors_host_has_the_same_faults(sky: testing.Sky) -> None:
    sky.faults.choose("html-502")
    told = ask(sky.url, "GET", "/api/customer/v1/pools", None, {"Host": "interop.ondilo.com"})
    assert told.status == 502
    assert sky.log[-1].operation == "ondilo/pools"


def test_what_is_no_vendors_is_left_alone(sky: testing.Sky) -> None:
    sky.faults.choose("html-502")
    assert ask(sky.url, "GET", "/healthz").status == 200
    assert sky.log == []


def test_the_clouds_clock_goes_forward_and_the_probes_measure(sky: testing.Sky) -> None:
    with testing.clouds(now=sky.now, past=timedelta(days=1), quotas=True) as other:
        client = Client(other.base_url("ondilo"), other.login, other.password)
        before = client.last().json[0]["value_time"]
        other.advance(timedelta(hours=3))
        client.access = client.renew().json["access_token"]
        assert client.last().json[0]["value_time"] > before
        assert [client.last().status for _ in range(6)][-1] == 429
