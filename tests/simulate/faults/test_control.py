"""The control API and the log, over loopback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from margelle import testing
from margelle.simulate.faults import CATALOGUE, Entry, Log
from tests.conftest import NOW
from tests.simulate.faults.client import Client, Told, ask


def _put(sky: testing.Sky, path: str, said: Any) -> Told:
    return ask(sky.url, "PUT", path, json.dumps(said))


def test_the_catalogue_is_told_whole(sky: testing.Sky) -> None:
    told = ask(sky.url, "GET", "/clouds/faults").json
    assert [fault["name"] for fault in told] == [fault.name for fault in CATALOGUE]
    for fault in told:
        assert fault["what"] and fault["seen"] and fault["operations"] and fault["chosen"] is None


def test_a_fault_is_chosen_and_ended_over_http(sky: testing.Sky, client: Client) -> None:
    told = ask(sky.url, "PUT", "/clouds/faults/html-502")
    assert told.json["chosen"] == {"probability": 1.0, "operations": [], "times": None}
    assert client.last().status == 502
    assert ask(sky.url, "GET", "/clouds/faults/html-502").json["chosen"] is not None
    assert ask(sky.url, "DELETE", "/clouds/faults/html-502").status == 204
    assert client.last().status == 200


def test_a_fault_is_bound_to_operations_and_times(sky: testing.Sky, client: Client) -> None:
    assert _put(sky, "/clouds/faults/html-502", {"operations": ["ondilo/lastmeasures"], "times": 2}).status == 200
    assert client.get("/pools").status == 200
    assert [client.last().status for _ in range(3)] == [502, 502, 200]
    assert ask(sky.url, "GET", "/clouds/faults/html-502").json["chosen"] is None


def test_a_script_befalls_an_operations_requests_one_by_one(sky: testing.Sky, client: Client) -> None:
    sky.faults.choose("maintenance-503")
    script = {"ondilo/lastmeasures": ["html-502", "well", "quota-429"]}
    assert _put(sky, "/clouds/script", script).json == script
    assert [client.last().status for _ in range(4)] == [502, 200, 429, 503]
    assert ask(sky.url, "DELETE", "/clouds/faults").status == 204
    assert client.last().status == 200


@pytest.mark.parametrize(
    ("method", "path", "said", "status"),
    [
        ("PUT", "/clouds/faults/html-520", "", 404),
        ("GET", "/clouds/faults/html-520", "", 404),
        ("DELETE", "/clouds/faults/html-520", "", 404),
        ("PUT", "/clouds/faults/html-502", '{"probability": 2}', 400),
        ("PUT", "/clouds/faults/html-502", '{"probability": "often"}', 400),
        ("PUT", "/clouds/faults/html-502", '{"chance": 1}', 400),
        ("PUT", "/clouds/faults/html-502", '{"times": 0}', 400),
        ("PUT", "/clouds/faults/html-502", '{"operations": ["ondilo/nothing"]}', 400),
        ("PUT", "/clouds/faults/html-502", "{", 400),
        ("PUT", "/clouds/script", '{"ondilo/lastmeasures": ["well"], "ondilo/pools": ["lastmeasures-empty"]}', 400),
        ("PUT", "/clouds/script", '{"ondilo/nothing": []}', 400),
        ("PUT", "/clouds/script", "", 400),
        ("GET", "/clouds/log?after=soon", "", 400),
        ("POST", "/clouds/log", "", 405),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    sky: testing.Sky, method: str, path: str, said: str, status: int
) -> None:
    told = ask(sky.url, method, path, said or None)
    assert told.status == status
    assert told.json["error_description"]
    assert not sky.faults.chosen
    assert not sky.faults.scripts


def test_the_log_says_who_asked_what_and_was_told_what(sky: testing.Sky, client: Client) -> None:
    client.last()
    sky.faults.choose("html-502")
    client.get("/pools")
    well, bad = ask(sky.url, "GET", "/clouds/log").json
    assert (well["operation"], well["fault"], well["status"]) == ("ondilo/lastmeasures", "", 200)
    assert well["target"] == f"/api/customer/v1/pools/{client.pool}/lastmeasures?types[]=ph&types[]=temperature"
    assert json.loads(well["told"])[0]["data_type"] in {"ph", "temperature"}
    assert (bad["operation"], bad["fault"], bad["status"]) == ("ondilo/pools", "html-502", 502)
    assert bad["client"] == "127.0.0.1"
    after = ask(sky.url, "GET", f"/clouds/log?after={well['n']}").json
    assert [entry["n"] for entry in after] == [bad["n"]]
    assert ask(sky.url, "DELETE", "/clouds/log").status == 204
    assert sky.log == []


def test_the_log_has_no_secret(sky: testing.Sky) -> None:
    client = Client(sky.base_url("ondilo"), sky.login, sky.password)
    client.renew()
    client.get(f"/pools?access_token={client.access}")
    ask(sky.base_url("ondilo"), "GET", f"/x?password={sky.password}", None, {"User-Agent": f"x {sky.password}"})
    told = ask(sky.url, "GET", "/clouds/log").body.decode()
    assert len(json.loads(told)) >= 5
    for secret in (client.access, client.refresh, sky.password):
        assert secret not in told


def test_the_log_is_bounded() -> None:
    log = Log(3)
    for _ in range(5):
        log.add(Entry(log.number(), NOW, "", "", "x", "", "GET", "/", (), "", 200, 0, ""))
    assert [entry.n for entry in log.entries()] == [3, 4, 5]
    log.clear()
    assert log.number() == 6


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_a_body_too_large_to_look_into_comes_through(sky: testing.Sky, size: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        told = ask(sky.base_url("ondilo"), "POST", "/oauth2/token", "grant_type=" + "x" * size, form)
    except (BrokenPipeError, ConnectionResetError):
        assert size > 1 << 20  # refused before it was all sent
    else:
        assert 400 <= told.status < 500
