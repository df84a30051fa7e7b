"""The entries for Flipr and BAXO, around an application that answers as their documents print."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from margelle.simulate.faults import CATALOGUE, Faults, Log
from margelle.simulate.faults.content import AHEAD
from margelle.simulate.faults.middleware import Faulty
from tests.asgi import Response, call
from tests.conftest import NOW

BEARER = {"Authorization": "bearer first"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NEXT = "https://api.bamo.fr/k1?get=devices-historics&username=a%40b.example&page=2"
RESUME = {"Current": {"DateTime": "2018-01-09T09:30:05.5582771Z", "Conductivity": {"Label": "x", "Value": 31920}}}
HOURS = [{"MeasureId": n, "DateTime": f"2018-01-09T0{n}:30:05Z", "PH": {"Value": 7.1}} for n in range(4)]
LOGS = {"logs": [{"deviceIdentifiant": "device1", "tagReference": "a", "value": "12.5", "timestamp": 578590638}]}
HISTORICS = {
    "next": NEXT,
    "historics": [{"tagReference": "a", "logs": [{"value": str(n), "timestamp": 577929633 + n} for n in range(3)]}],
}
ANSWERS: dict[str, Any] = {"/modules/X/NewResume": RESUME, "/modules/X/survey/LastHours/4": HOURS}


async def cloud(scope: Scope, receive: Receive, send: Send) -> None:
    path, query = scope["path"].removeprefix("/flipr").removeprefix("/baxo"), scope["query_string"].decode()
    said = ANSWERS.get(path, [])
    if path == "/k1":
        said = LOGS if "realtimes" in query else HISTORICS
    if path == "/OAuth2/token":
        body = (await receive())["body"].decode()
        said = {"access_token": "a", "refresh_token": "r", "asked": body}
    await JSONResponse(said)(scope, receive, send)


class Sky:
    def __init__(self) -> None:
        self.faults, self.log = Faults(), Log()
        hosts = {"apis.goflipr.com": "flipr", "api.bamo.fr": "baxo"}
        self.app = Faulty(cloud, self.faults, self.log, lambda: NOW, hosts=hosts)

    async def get(self, target: str) -> Response:
        return await call(self.app, "GET", target, BEARER)

    async def token(self, grant: str) -> Response:
        return await call(self.app, "POST", "/flipr/OAuth2/token", FORM, f"grant_type={grant}&password=hush".encode())


@pytest.fixture
def sky() -> Sky:
    return Sky()


async def resume(sky: Sky) -> Any:
    return (await sky.get("/flipr/modules/X/NewResume")).json()


async def hours(sky: Sky) -> Any:
    return (await sky.get("/flipr/modules/X/survey/LastHours/4")).json()


async def historics(sky: Sky, more: str = "") -> Response:
    return await sky.get(f"/baxo/k1?get=devices-historics&username=a@b.example{more}")


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("object-empty", 200, b"{}"),
        ("forbidden-403", 403, b'{"Message":"Forbidden"}'),
        ("quota-429", 429, b'{"Message":"Too many requests."}'),
        ("quota-429-bare", 429, b'{"Message":"Too many requests."}'),
        ("token-expired", 401, b'{"Message":"Authorization has been denied for this request."}'),
        ("token-revoked", 401, b'{"Message":"Authorization has been denied for this request."}'),
        ("body-empty", 200, b""),
    ],
)
async def test_flipr_says_it_in_its_own_words(sky: Sky, name: str, status: int, body: bytes) -> None:
    sky.faults.choose(name)
    told = await sky.get("/flipr//modules/X/newresume")
    assert (told.status, told.body) == (status, body)
    assert sky.log.entries()[0].fault == name


async def test_flipr_has_an_empty_current_in_winter(sky: Sky) -> None:
    sky.faults.choose("current-empty")
    assert await resume(sky) == {"Current": ""}


async def test_flipr_names_conductivity_otherwise_and_nothing_else(sky: Sky) -> None:
    sky.faults.choose("keys-renamed")
    current = (await resume(sky))["Current"]
    assert current["Conductivity"] == {"Label": "x", "Level": 31920}
    assert await hours(sky) == HOURS


async def test_fliprs_token_is_refused_anew_only_by_the_refresh_grant(sky: Sky) -> None:
    sky.faults.choose("token-revoked")
    assert (await sky.token("refresh_token")).json()["error"] == "invalid_grant"
    told = await sky.token("password")
    assert told.json()["asked"] == "grant_type=password&password=hush"
    assert "hush" not in repr(sky.log.entries())
    sky.faults.choose("token-500")
    sky.faults.end("token-revoked")
    assert (await sky.token("password")).status == 500


async def test_fliprs_modules_vanish_for_a_while(sky: Sky) -> None:
    sky.faults.choose("pools-none")
    assert (await sky.get("/flipr/modules")).json() == []


async def test_rows_come_twice_and_in_another_order(sky: Sky) -> None:
    logs = HISTORICS["historics"][0]["logs"]  # type: ignore[index]
    sky.faults.choose("rows-doubled")
    assert await hours(sky) == [*HOURS, *HOURS]
    told = (await historics(sky)).json()["historics"]
    assert [len(one["logs"]) for one in told] == [6, 6]
    sky.faults.end("rows-doubled")
    sky.faults.choose("rows-reordered")
    assert await hours(sky) != HOURS
    assert sorted(await hours(sky), key=json.dumps) == sorted(HOURS, key=json.dumps)
    (told,) = (await historics(sky)).json()["historics"]
    assert told["logs"] != logs
    assert sorted(told["logs"], key=json.dumps) == sorted(logs, key=json.dumps)


async def test_times_are_ahead_as_they_are_written(sky: Sky) -> None:
    sky.faults.choose("clock-ahead")
    assert (await resume(sky))["Current"]["DateTime"] == "2018-01-09T10:09:05.5582771Z"
    ahead = [datetime.fromisoformat(one["DateTime"]) for one in await hours(sky)]
    assert ahead == [datetime.fromisoformat(one["DateTime"]) + AHEAD for one in HOURS]  # type: ignore[arg-type]
    (row,) = (await sky.get("/baxo/k1?get=devices-realtimes")).json()["logs"]
    assert row["timestamp"] == 578590638 + 39 * 60


async def test_baxo_spells_the_devices_key_as_elsewhere(sky: Sky) -> None:
    sky.faults.choose("keys-renamed")
    (row,) = (await sky.get("/baxo/k1?get=devices-realtimes")).json()["logs"]
    assert row["deviceIdentifier"] == "device1"
    assert "deviceIdentifiant" not in row


async def test_baxos_next_page_has_expired_whoever_asks(sky: Sky) -> None:
    sky.faults.choose("next-expired")
    first = await historics(sky, "&password=hush")
    assert first.json() == HISTORICS
    told = await sky.get("/baxo/k1?get=devices-historics&page=2&username=a@b.example&password=hush")
    assert told.status == 400
    assert "expired" in told.json()["message"]
    assert (await historics(sky)).status == 200
    assert "hush" not in repr(sky.log.entries())
    assert [entry.fault for entry in sky.log.entries()] == ["", "next-expired", ""]


def test_every_entry_of_theirs_is_tried_here_or_is_the_same_for_all_vendors() -> None:
    here = {
        "object-empty", "forbidden-403", "quota-429", "quota-429-bare", "token-expired", "token-revoked", "body-empty",
        "current-empty", "keys-renamed", "token-500", "pools-none", "rows-doubled", "rows-reordered", "clock-ahead", "next-expired",
    }  # fmt: skip
    same = {"html-200", "html-502", "maintenance-503", "slow", "cut"}
    theirs = {one.name for one in CATALOGUE if any(not op.startswith("ondilo/") for op in one.operations)}
    assert theirs == here | same
