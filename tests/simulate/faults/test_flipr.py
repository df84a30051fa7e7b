"""Every fault that fits Flipr's cloud, provoked over loopback HTTP, looks as the catalogue says."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from margelle import testing
from margelle.simulate.faults.content import AHEAD
from margelle.simulate.faults.service import SLOW_S
from tests.simulate.faults.client import FliprClient
from tests.simulate.faults.conftest import PAUSES
from tests.simulate.faults.looks import Looks, On, is_cut, is_page, said

LOOKS = Looks[FliprClient]("flipr")
DENIED = {"Message": "Authorization has been denied for this request."}
LIMITED = {"Message": "Too many requests."}
MEASURES = ("survey/last", "survey/LastHours/24", "NewResume")


def measures(flipr: FliprClient) -> list[dict[str, Any]]:
    """Of every answer that has some."""
    resume = flipr.module("NewResume").json
    return [
        flipr.module("survey/last").json,
        *flipr.module("survey/LastHours/24").json,
        resume["Current"],
        *resume["LastWeek"],
    ]


@LOOKS.at("quota-429")
def _(flipr: FliprClient, on: On) -> None:
    on()
    for told in (flipr.usual(), flipr.get("/modules"), flipr.sign_in()):
        said(told, 429, LIMITED)
        assert told.headers["retry-after"] == "60"


@LOOKS.at("quota-429-bare")
def _(flipr: FliprClient, on: On) -> None:
    on()
    for told in (flipr.usual(), flipr.get("/modules"), flipr.sign_in()):
        said(told, 429, LIMITED)
        assert "retry-after" not in told.headers


@LOOKS.at("body-empty")
def _(flipr: FliprClient, on: On) -> None:
    on()
    assert (flipr.usual().status, flipr.usual().body) == (200, b"")


@LOOKS.at("html-200")
def _(flipr: FliprClient, on: On) -> None:
    on()
    is_page(flipr.get("/modules"), 200)


@LOOKS.at("html-502")
def _(flipr: FliprClient, on: On) -> None:
    on()
    is_page(flipr.module("survey/last"), 502)


@LOOKS.at("maintenance-503")
def _(flipr: FliprClient, on: On) -> None:
    on()
    is_page(flipr.sign_in(), 503)


@LOOKS.at("error-500")
def _(flipr: FliprClient, on: On) -> None:
    on()
    said(flipr.usual(), 500, {"Message": "An error has occurred."})
    assert flipr.sign_in().status == 200


@LOOKS.at("token-500")
def _(flipr: FliprClient, on: On) -> None:
    on()
    assert (flipr.sign_in().status, flipr.renew().status, flipr.usual().status) == (500, 500, 200)


@LOOKS.at("token-expired")
def _(flipr: FliprClient, on: On) -> None:
    on()
    said(flipr.usual(), 401, DENIED)
    assert flipr.get("/place").status == 401
    flipr.access = flipr.renew().json["access_token"]
    assert flipr.usual().status == 200


@LOOKS.at("token-revoked")
def _(flipr: FliprClient, on: On) -> None:
    on()
    said(flipr.usual(), 401, DENIED)
    assert (flipr.renew().status, flipr.renew().json["error"]) == (400, "invalid_grant")
    assert flipr.sign_in().status == 200


@LOOKS.at("login-refused")
def _(flipr: FliprClient, on: On) -> None:
    on()
    assert (flipr.sign_in().status, flipr.sign_in().json["error"]) == (400, "invalid_grant")
    assert flipr.usual().status == 200
    assert flipr.renew().status == 200


@LOOKS.at("forbidden-403")
def _(flipr: FliprClient, on: On) -> None:
    on()
    said(flipr.usual(), 403, {"Message": "Forbidden"})


@LOOKS.at("keys-renamed")
def _(flipr: FliprClient, on: On) -> None:
    before = measures(flipr)
    assert all(one["Conductivity"]["Value"] > 0 for one in before)
    on()
    for old, new in zip(before, measures(flipr), strict=True):
        assert new["Conductivity"].pop("Level") in {"Low", "Medium", "High"}
        assert "Value" not in new["Conductivity"]
        old["Conductivity"].pop("Value")
        assert {name: value for name, value in new.items() if value is not None} == {
            name: value for name, value in old.items() if value is not None
        }


@LOOKS.at("object-empty")
def _(flipr: FliprClient, on: On) -> None:
    on()
    said(flipr.usual(), 200, {})
    said(flipr.module("survey/last"), 200, {})
    assert len(flipr.module("survey/LastHours/24").json) > 5


@LOOKS.at("current-empty")
def _(flipr: FliprClient, on: On) -> None:
    before = flipr.usual().json
    on()
    said(flipr.usual(), 200, before | {"Current": ""})


@LOOKS.at("temperature-null")
def _(flipr: FliprClient, on: On) -> None:
    before = measures(flipr)
    assert all(one["Temperature"] > 0 for one in before)
    on()
    assert measures(flipr) == [one | {"Temperature": None} for one in before]


@LOOKS.at("disinfectant-bare")
def _(flipr: FliprClient, on: On) -> None:
    assert all("Value" in one["Desinfectant"] for one in measures(flipr))
    on()
    assert not any("Value" in one["Desinfectant"] for one in measures(flipr))


@LOOKS.at("last-gone")
def _(flipr: FliprClient, on: On) -> None:
    on()
    told = flipr.module("survey/last")
    assert (told.status, list(told.json)) == (404, ["Message"])
    assert flipr.usual().json["Current"]["Temperature"] > 0


@LOOKS.at("rows-doubled")
def _(flipr: FliprClient, on: On) -> None:
    hours, days = flipr.module("survey/LastHours/24").json, flipr.module("survey/statsPerDays/3").json
    on()
    assert flipr.module("survey/LastHours/24").json == [*hours, *hours]
    assert flipr.module("survey/statsPerDays/3").json == [*days, *days]


@LOOKS.at("rows-reordered")
def _(flipr: FliprClient, on: On) -> None:
    hours = flipr.module("survey/LastHours/24").json
    on()
    told = flipr.module("survey/LastHours/24").json
    assert told != hours
    assert sorted(told, key=json.dumps) == sorted(hours, key=json.dumps)


@LOOKS.at("clock-ahead")
def _(flipr: FliprClient, on: On) -> None:
    before = [datetime.fromisoformat(one["DateTime"]) for one in measures(flipr)]
    on()
    told = measures(flipr)
    assert [datetime.fromisoformat(one["DateTime"]) for one in told] == [at + AHEAD for at in before]
    assert all(one["DateTime"].endswith("Z") for one in told)


@LOOKS.at("pools-none")
def _(flipr: FliprClient, on: On) -> None:
    on()
    said(flipr.get("/modules"), 200, [])


@LOOKS.at("pool-vanished")
def _(flipr: FliprClient, on: On) -> None:
    before = flipr.get("/modules").json
    gone = max(one["Serial"] for one in before)
    on()
    said(flipr.get("/modules"), 200, [one for one in before if one["Serial"] != gone])
    for path in (f"/modules/{gone}/NewResume", f"/modules/{gone.lower()}/shortterm", f"/hub/{gone}/state"):
        told = flipr.get(path)
        assert (told.status, list(told.json)) == (404, ["Message"])


@LOOKS.at("slow")
def _(flipr: FliprClient, on: On) -> None:
    before = flipr.usual().body
    on()
    assert flipr.usual().body == before
    assert PAUSES == [SLOW_S]


@LOOKS.at("cut")
def _(flipr: FliprClient, on: On) -> None:
    before = flipr.usual().body
    on()
    is_cut(flipr.usual(), before)


@pytest.mark.parametrize("name", LOOKS.names)
def test_a_provoked_fault_looks_as_the_catalogue_says_and_ends(sky: testing.Sky, flipr: FliprClient, name: str) -> None:
    LOOKS.try_out(sky, flipr, name)


def test_a_renewal_is_refused_whether_its_form_is_in_the_body_or_in_the_address(
    sky: testing.Sky, flipr: FliprClient
) -> None:
    from tests.simulate.faults.client import ask

    sky.faults.choose("token-revoked")
    told = ask(sky.url, "POST", f"/flipr/OAuth2/token?grant_type=refresh_token&refresh_token={flipr.refresh}")
    assert (told.status, told.json["error"]) == (400, "invalid_grant")
    assert flipr.refresh not in repr(sky.log)


def test_a_path_in_any_case_and_with_doubled_slashes_meets_the_same_fault(sky: testing.Sky, flipr: FliprClient) -> None:
    sky.faults.choose("object-empty")
    said(flipr.get(f"//Modules/{flipr.serial.lower()}/newresume/"), 200, {})
    assert sky.log[-1].operation == "flipr/resume"
