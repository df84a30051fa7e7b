"""Whatever comes, the face answers in JSON, never with an error of its own, and never at length."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asgi import Response, call
from tests.vendors.flipr.house import House, pumped_house

_loop = asyncio.new_event_loop()
_house: list[House] = []

quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
text = st.text(st.characters(codec="utf-8"), max_size=40)
encoded = text.map(lambda word: quote(word, safe=""))
words = st.sampled_from(
    ["l", "en", "fr", "grant_type", "password", "refresh_token", "username", "john@doe.org", "scope", "client_id"]
)
value = words | encoded
queries = st.lists(st.tuples(value, value).map("=".join) | value, max_size=8).map("&".join)
segments = st.sampled_from(
    ["HB0001", "auto", "planning", "Manual", "false", "modules", "MODULES", "21BXYZ", "21bxyz", "survey", "last", "LastHours", "statsPerDays", "24", "-1", "0", "9999999", "NewResume", "pool",
     "place", "4711", "allAlerts", "hub", "state", "mode", "manual", "True", "..", "", "OAuth2", "token"]
)  # fmt: skip
paths = st.lists(segments | encoded, max_size=6).map("/".join)
methods = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"])
headers = st.dictionaries(
    st.sampled_from(["accept", "accept-language", "content-type", "authorization"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30) | st.sampled_from(["application/json", "bearer", "fr;q=1"]),
)  # fmt: skip
bodies = st.binary(max_size=200) | queries.map(str.encode)


def _ask(method: str, target: str, sent: dict[str, str], body: bytes = b"") -> Response:
    if not _house:
        _house.append(_loop.run_until_complete(pumped_house()))
    headers = {"authorization": f"Bearer {_house[0].access}"} | sent
    return _loop.run_until_complete(call(_house[0].app, method, target, headers, body))


def _sane(answer: Response) -> None:
    assert answer.status in {200, 400, 401, 404, 405, 429}
    assert len(answer.body) < 20_000
    assert answer.headers["content-type"].startswith("application/json")
    told = answer.json()
    assert answer.status == 200 or (isinstance(told, dict) and (told.keys() == {"Message"} or "error" in told))


@quickly
@given(methods, paths, queries, headers)
def test_any_request_is_answered(method: str, path: str, query: str, sent: dict[str, str]) -> None:
    _sane(_ask(method, f"/flipr/{path}?{query}", sent))


@quickly
@given(
    st.sampled_from(["survey/last", "NewResume", "survey/LastHours/24", "survey/statsPerDays/3", "pool"]),
    queries,
    headers,
)
def test_any_query_is_answered(what: str, query: str, sent: dict[str, str]) -> None:
    _sane(_ask("GET", f"/flipr/modules/21BXYZ/{what}?{query}", sent))


@quickly
@given(
    methods,
    st.sampled_from(["HB0001", "hb0001 ", "21BXYZ", "ZZZZZZ"]),
    st.sampled_from(["state", "mode", "Mode", "manual", "MANUAL", "toggle"]),
    st.sampled_from(["auto", "Manual", "planning", "True", "false", "1", "", "%00", "..", "%2F"]) | encoded,
    bodies,
)
def test_any_way_to_a_hub_is_answered(method: str, serial: str, what: str, value: str, body: bytes) -> None:
    answer = _ask(method, f"/flipr/hub/{quote(serial)}/{what}/{value}", {}, body)
    _sane(answer)
    assert answer.status != 200 or answer.headers["content-length"] == "0" or "stateEquipment" in answer.json()


@quickly
@given(bodies, queries, headers)
def test_any_form_for_a_token_is_answered(body: bytes, query: str, sent: dict[str, str]) -> None:
    answer = _ask("POST", f"/flipr/OAuth2/token?{query}", sent, body)
    assert answer.status in {400, 429}
    assert answer.json()["error"]
    assert answer.json()["error_description"]
