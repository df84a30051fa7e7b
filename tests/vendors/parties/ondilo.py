"""Ondilo: a pool whose document was printed in 2020, with measures of then and of 2024."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.types import ASGIApp

from margelle.ports import Answer, Request
from margelle.vendors.ondilo import ONDILO as VENDOR
from tests.asgi import Response, call
from tests.evidence import answer, exchange, facts
from tests.vendors.parties.party import Caller, Knock, Moment, Party, Scripts, told

THEN = datetime(2020, 3, 23, 16, 30, tzinfo=UTC)
"""Half an hour after the document's newest measure."""

LATER = datetime(2024, 1, 1, 1, 30, tzinfo=UTC)
"""Half an hour after what Home Assistant's fixture recorded."""

LISTS = facts("ondilo", "lists")
FORM = {"content-type": "application/x-www-form-urlencoded"}
DISCOVERED = ("pools", "user-info", "user-units", "device", "configuration", "shares")


def _answers(now: datetime, newest: Answer) -> Scripts:
    def measures(request: Request) -> Answer:
        asked = dict(request.query)["type"]
        printed = exchange("ondilo", "measures").response
        return told(printed, now) if asked == "temperature" else Answer(200, {}, b"[]", now)

    return {name.replace("-", "_"): told(exchange("ondilo", name).response, now) for name in DISCOVERED} | {
        "lastmeasures": newest,
        "measures": measures,
        "recommendations": told(exchange("ondilo", "recommendations").response, now),
        "validate": told(exchange("ondilo", "validate").response, now),
    }


async def _sign_in(app: ASGIApp, login: str, password: str) -> str:
    """As a browser and then a client do it: a form, a code, a token."""
    query = (
        f"response_type=code&client_id={LISTS['client_id']}&redirect_uri={quote('https://example.com/api', safe='')}"
    )
    form = urlencode({"login": login, "password": password, "locale": "en", "proceed": "Authorize"})
    page = await call(app, "POST", f"/ondilo{LISTS['authorize_path']}?{query}", FORM | {"accept": "*/*"}, form.encode())
    assert page.status == 302, page.text
    (code,) = parse_qs(urlsplit(page.headers["location"]).query)["code"]
    asked = urlencode({"grant_type": "authorization_code", "client_id": LISTS["client_id"], "code": code})
    token = await call(app, "POST", f"/ondilo{LISTS['token_path']}", FORM, asked.encode())
    assert token.status == 200, token.text
    return str(token.json()["access_token"])


def _knock(path: str, credentials: str) -> Knock:
    headers = {"authorization": f"Bearer {credentials}"} if credentials else {}
    return Knock(f"/ondilo{LISTS['url_prefix']}{path}", headers)


async def _tour(caller: Caller) -> list[str]:
    pools = [f"/pools/{pool['id']}" for pool in await caller.json("/pools")]
    types = "&".join(f"types[]={one}" for one in LISTS["types"])
    own = ["/device", "/configuration", "/shares", "/lastmeasures", f"/lastmeasures?{types}", "/recommendations"]
    past = [f"/measures?type={one}&period={period}" for one in LISTS["types"] for period in LISTS["periods"]]
    return ["/user/info", "/user/units", "/pools", *(pool + path for pool in pools for path in (*own, *past))]


def _refused(said: Response) -> None:
    """The document prints no error; this is what clients look for."""
    assert said.headers["content-type"] == "application/json"
    assert list(said.json()) == ["error"]
    assert said.json()["error"]["message"]


ONDILO = Party(
    vendor=VENDOR,
    moments=(
        Moment(THEN, _answers(THEN, told(exchange("ondilo", "lastmeasures").response, THEN))),
        Moment(
            LATER, _answers(LATER, told(answer("ondilo", "lastmeasures, naive times, salt without a measure"), LATER))
        ),
    ),
    listing={"pools": b"[]"},
    lists="/pools",
    knock=_knock,
    sign_in=_sign_in,
    tour=_tour,
    refused=_refused,
)


def invalid() -> Answer:
    """A measure that the cloud itself excluded."""
    return told(answer("ondilo", "an invalid measure"), LATER)


def with_measures(measures: list[dict[str, object]], now: datetime = LATER) -> Answer:
    """Newest measures of our own choice, in the form of the evidence."""
    return Answer(200, {}, json.dumps(measures).encode(), now)
