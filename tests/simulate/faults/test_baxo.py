"""Every fault that fits BAXO Connect, provoked over loopback HTTP, looks as the catalogue says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from margelle import testing
from margelle.simulate.faults.content import AHEAD
from margelle.simulate.faults.service import SLOW_S
from tests.simulate.faults.client import BaxoClient, Told
from tests.simulate.faults.conftest import PAUSES
from tests.simulate.faults.looks import Looks, On, is_page, said

LOOKS = Looks[BaxoClient]("baxo")
LIMITED = {"error": "too_many_requests", "message": "Too many requests."}


def rows(told: Told) -> list[dict[str, Any]]:
    """Of all tags."""
    return [row for table in told.json["historics"] for row in table["logs"]]


@LOOKS.at("quota-429")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    said(baxo.usual(), 429, LIMITED)
    assert baxo.post("contracts").headers["retry-after"] == "60"


@LOOKS.at("quota-429-bare")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    said(baxo.say("contracts"), 429, LIMITED)
    assert "retry-after" not in baxo.usual().headers


@LOOKS.at("body-empty")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    assert (baxo.usual().status, baxo.usual().body) == (200, b"")


@LOOKS.at("html-200")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    is_page(baxo.past(), 200)


@LOOKS.at("html-502")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    is_page(baxo.post("contracts"), 502)


@LOOKS.at("maintenance-503")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    is_page(baxo.usual(), 503)


@LOOKS.at("error-500")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    said(baxo.usual(), 500, {"message": "An error has occurred."})


@LOOKS.at("login-refused")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    assert (baxo.usual().status, baxo.usual().json["error"]) == (401, "unauthorized")


@LOOKS.at("not-activated")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    assert (baxo.usual().status, baxo.ask("contracts").json["error"]) == (403, "forbidden")


@LOOKS.at("keys-renamed")
def _(baxo: BaxoClient, on: On) -> None:
    def many() -> Any:
        return baxo.ask("devices-realtimes", contractId=baxo.contract, deviceIdentifiers=",".join(baxo.devices)).json[
            "logs"
        ]

    before = many()
    assert {row["deviceIdentifiant"] for row in before} == set(baxo.devices)
    on()
    told = many()
    assert not any("deviceIdentifiant" in row for row in told)
    assert [row["deviceIdentifier"] for row in told] == [row["deviceIdentifiant"] for row in before]


@LOOKS.at("rows-doubled")
def _(baxo: BaxoClient, on: On) -> None:
    logs, first = baxo.usual().json["logs"], baxo.past().json
    on()
    assert baxo.usual().json["logs"] == [*logs, *logs]
    told = baxo.past().json
    once = [table | {"logs": table["logs"] * 2} for table in first["historics"]]
    assert told["historics"] == [*once, *once]


@LOOKS.at("rows-reordered")
def _(baxo: BaxoClient, on: On) -> None:
    before = rows(baxo.past())
    on()
    told = rows(baxo.past())
    assert told != before
    assert sorted(told, key=json.dumps) == sorted(before, key=json.dumps)


@LOOKS.at("next-expired")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    following = baxo.past().json["next"]
    for form in (False, True):
        told = baxo.turn(following, form=form)
        assert told.status == 400
        assert "expired" in told.json["message"]
    assert baxo.past().status == 200


@LOOKS.at("next-circles")
def _(baxo: BaxoClient, on: On) -> None:
    second = baxo.past().json["next"]
    third = baxo.turn(second).json.get("next")
    assert third != second
    on()
    following = baxo.past().json["next"]
    for form in (False, True, False):
        told = baxo.turn(following, form=form).json
        assert told["next"] == following
        assert told["historics"]


@LOOKS.at("clock-ahead")
def _(baxo: BaxoClient, on: On) -> None:
    logs, past = baxo.usual().json["logs"], rows(baxo.past())
    on()
    seconds = AHEAD.seconds
    assert baxo.usual().json["logs"] == [row | {"timestamp": row["timestamp"] + seconds} for row in logs]
    assert rows(baxo.past()) == [row | {"timestamp": row["timestamp"] + seconds} for row in past]


@LOOKS.at("pools-none")
def _(baxo: BaxoClient, on: On) -> None:
    on()
    said(baxo.ask("contracts"), 200, {"contracts": []})


@LOOKS.at("pool-vanished")
def _(baxo: BaxoClient, on: On) -> None:
    gone = max(baxo.devices, key=lambda one: (len(one), one))
    others = [one for one in baxo.devices if one != gone]
    on()
    assert [one["id"] for one in baxo.ask("devices", contractId=baxo.contract).json["devices"]] == others
    for ask in (baxo.ask, baxo.post, baxo.say):
        assert ask("devices-realtimes", contractId=baxo.contract, deviceId=gone).status == 404
        assert ask("devices-realtimes", contractId=baxo.contract, deviceId=others[0]).status == 200


@LOOKS.at("slow")
def _(baxo: BaxoClient, on: On) -> None:
    before = baxo.usual().body
    on()
    assert baxo.usual().body == before
    assert PAUSES == [SLOW_S]


@LOOKS.at("cut")
def _(baxo: BaxoClient, on: On) -> None:
    before = baxo.past().body.partition(b"pageToken")[0]
    on()
    told = baxo.past()
    assert not told.whole
    assert told.body[:200] == before[:200]


@pytest.mark.parametrize("name", LOOKS.names)
def test_a_provoked_fault_looks_as_the_catalogue_says_and_ends(sky: testing.Sky, baxo: BaxoClient, name: str) -> None:
    LOOKS.try_out(sky, baxo, name)


def test_a_request_in_any_encoding_meets_the_same_fault(sky: testing.Sky, baxo: BaxoClient) -> None:
    sky.faults.choose("html-502")
    for told in (baxo.ask("contracts"), baxo.post("contracts"), baxo.say("contracts"), _parts(baxo)):
        is_page(told, 502)
    assert {entry.operation for entry in sky.log} == {"baxo/contracts"}
    assert baxo.login["password"] not in repr(sky.log)


def _parts(baxo: BaxoClient) -> Told:
    from tests.simulate.faults.client import ask

    given = {"get": "contracts", **baxo.login}
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{given[name]}\r\n' for name in given]
    return ask(
        baxo.base_url, "POST", "/k1", "".join(parts) + "--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}
    )
