"""BAXO Connect: the two devices that the document prints, with its values of 2018.

The document's tags have names that say nothing, so the installation says what they are: the first device tells a temperature in degrees
Fahrenheit and a conductivity, the second one salt, and what its other tag is nobody says.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.types import ASGIApp

from margelle.ports import Answer, Request
from margelle.vendors.baxo import BAXO as VENDOR
from tests.asgi import Response
from tests.evidence import exchange
from tests.vendors.parties.party import Caller, Knock, Moment, Party, Scripts, told

THEN = datetime(2018, 5, 2, 16, 0, tzinfo=UTC)
"""Twenty-three minutes after the document's values of now, a week after that of its past."""

TAGS = {"3219875446/TAG_1": "temperature [degF]", "3219875446/TAG_2": "conductivity", "14587/TAG_1": "salt"}


def _answers(now: datetime) -> Scripts:
    contracts = exchange("baxo", "contracts").response.json
    first = json.dumps({"contracts": contracts["contracts"][:1]})  # the print has both under one placeholder of an id

    def historics(request: Request) -> Answer:
        assert request.form is not None
        asked = dict(request.form)["tagReferences"]
        printed = exchange("baxo", "historics").response
        return told(printed, now) if asked == "TAG_1" else Answer(200, {}, b'{"historics":[]}', now)

    return {
        "contracts": Answer(200, {}, first.encode(), now),
        "devices": told(exchange("baxo", "devices").response, now),
        "device": told(exchange("baxo", "device").response, now),
        "realtimes": told(exchange("baxo", "realtimes").response, now),
        "historics": historics,
        "tags-write": told(exchange("baxo", "tags-write").response, now),
    }


async def _sign_in(app: ASGIApp, login: str, password: str) -> str:
    """The login goes with every request."""
    return urlencode({"username": login, "password": password})


def _knock(path: str, credentials: str) -> Knock:
    return Knock(f"/baxo/k1?{path}" + (f"&{credentials}" if credentials else ""))


async def _tour(caller: Caller) -> list[str]:
    paths = ["get=contracts"]
    for contract in (await caller.json("get=contracts"))["contracts"]:
        of = f"contractId={contract['id']}"
        paths.append(f"get=devices&{of}")
        for device in (await caller.json(paths[-1]))["devices"]:
            for key in (f"deviceId={device['id']}", f"deviceIdentifiers={device['id']}"):
                paths += [f"get=devices-realtimes&{of}&{key}", f"get=devices-historics&{of}&{key}&startTime=0"]
            paths.append(f"get=device&{of}&deviceId={device['id']}")
    return paths


def _refused(said: Response) -> None:
    assert said.headers["content-type"] == "application/json"
    assert list(said.json()) == ["error", "message"]
    assert said.json()["message"]


BAXO = Party(
    vendor=VENDOR,
    moments=(Moment(THEN, _answers(THEN)),),
    listing={"contracts": b'{"contracts":[]}', "devices": b'{"devices":[]}'},
    lists="get=contracts",
    knock=_knock,
    sign_in=_sign_in,
    tour=_tour,
    refused=_refused,
    settings={"tags": TAGS},
    reasons=frozenset({"past_time_open", "past_time_open_phrase"}),
)
