"""Lily as others know her: her document's answers, and how her clients ask."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.types import ASGIApp

from margelle.ports import Answer, Request
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.evidence import exchange
from tests.fourth.lily import LILY as VENDOR
from tests.vendors.parties.party import Caller, Knock, Moment, Party, told

FORM = {"content-type": "application/x-www-form-urlencoded"}


def _samples(request: Request) -> Answer:
    """Of the one buoy whose samples are printed; the hot tub has none."""
    query = dict(request.query)
    if "/4031/" in request.url and query.get("sensor", "ph") == "ph":
        return told(exchange("lily", "samples" if query else "samples-newest").response, NOW)
    return Answer(200, {}, b"[]", NOW)


async def _sign_in(app: ASGIApp, login: str, password: str) -> str:
    key = await call(app, "POST", "/lily/v1/keys", FORM, urlencode({"email": login, "password": password}).encode())
    assert key.status == 201, key.text
    return str(key.json()["api_key"])


def _knock(path: str, credentials: str) -> Knock:
    return Knock(f"/lily{path}", {"authorization": f"Key {credentials}"} if credentials else {})


async def _tour(caller: Caller) -> list[str]:
    buoys = [buoy["id"] for buoy in await caller.json("/v1/buoys")]
    asked = ("", "?hours=720", "?hours=24&sensor=ph")
    return ["/v1/buoys", *(f"/v1/buoys/{buoy}/samples{query}" for buoy in buoys for query in asked)]


def _refused(said: Response) -> None:
    assert said.headers["content-type"] == "application/json"
    assert list(said.json()) == ["code", "detail"]
    assert said.json()["detail"]


LILY = Party(
    vendor=VENDOR,
    moments=(Moment(NOW, {"buoys": told(exchange("lily", "buoys").response, NOW), "samples": _samples}),),
    listing={"buoys": b"[]"},
    lists="/v1/buoys",
    knock=_knock,
    sign_in=_sign_in,
    tour=_tour,
    refused=_refused,
)
