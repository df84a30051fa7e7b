"""Flipr: a probe and its hub, with the document's measure of 2018 and one that clients recorded in 2021."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.types import ASGIApp

from margelle.ports import Answer
from margelle.vendors.flipr import FLIPR as VENDOR
from tests.asgi import Response, call
from tests.evidence import answer, exchange, facts
from tests.vendors.parties.party import Caller, Knock, Moment, Party, Scripts, told

THEN = datetime(2018, 1, 9, 10, 0, tzinfo=UTC)
"""Half an hour after the document's measure."""

LATER = datetime(2021, 2, 1, 8, 0, tzinfo=UTC)
"""Twenty minutes after the measure of a resume that was recorded."""

LISTS = facts("flipr", "lists")
HUB: Final = answer("flipr", "two modules").json[1]["ModuleType_Id"]
"""The type of a module that switches a pump and measures nothing."""

FORM = {"content-type": "application/x-www-form-urlencoded"}


def _answers(now: datetime, **newest: Answer) -> Scripts:
    return {
        "modules": told(answer("flipr", "two modules"), now),
        "place": told(answer("flipr", "the places"), now),
        "pool": told(answer("flipr", "a pool"), now),
        "hub": told(answer("flipr", "a hub's state"), now),
        "hub_mode": told(answer("flipr", "a hub's state"), now),
        "hub_Manual": told(answer("flipr", "a hub's state"), now),
    } | newest


def _documented(now: datetime) -> Scripts:
    """The past holds the one measure that is known of it."""
    printed = exchange("flipr", "survey-last").response
    past = Answer(200, {}, f"[{printed.text}]".encode(), now)
    return _answers(now, survey_last=told(printed, now), LastHours=past, NewResume=Answer(200, {}, b"{}", now))


def _recorded(now: datetime) -> Scripts:
    """Accounts of which `survey/last` tells nothing any more."""
    empty, resume = Answer(200, {}, b"{}", now), told(answer("flipr", "a resume"), now)
    return _answers(now, survey_last=empty, NewResume=resume, LastHours=Answer(200, {}, b"[]", now))


async def _sign_in(app: ASGIApp, login: str, password: str) -> str:
    form = urlencode({"grant_type": "password", "username": login, "password": password})
    token = await call(app, "POST", f"/flipr{LISTS['token_path']}", FORM, form.encode())
    assert token.status == 200, token.text
    return str(token.json()["access_token"])


def _knock(path: str, credentials: str) -> Knock:
    return Knock(f"/flipr{path}", {"authorization": f"Bearer {credentials}"} if credentials else {})


async def _tour(caller: Caller) -> list[str]:
    modules = await caller.json("/modules")
    probes = [module["Serial"] for module in modules if module["ModuleType_Id"] != HUB]
    places = [place["Id"] for place in await caller.json("/place")]
    own = [
        "survey/last",
        "survey/LastHours/720",
        "survey/statsPerDays/365",
        "NewResume",
        "pool",
        "shortterm",
        "Thresholds",
    ]
    return [
        "/modules",
        "/place",
        *(f"/modules/{serial}/{path}" for serial in probes for path in own),
        *(f"/hub/{module['Serial']}/state" for module in modules),
        *(f"/place/{place}/allAlerts" for place in places),
    ]


def _refused(said: Response) -> None:
    assert said.headers["content-type"] == "application/json; charset=utf-8"
    assert list(said.json()) == list(answer("flipr", "a token refused").json)
    assert said.json()["Message"]


FLIPR = Party(
    vendor=VENDOR,
    moments=(Moment(THEN, _documented(THEN)), Moment(LATER, _recorded(LATER))),
    listing={"modules": answer("flipr", "no modules").text.encode()},
    lists="/modules",
    knock=_knock,
    sign_in=_sign_in,
    tour=_tour,
    refused=_refused,
)
