"""Whatever comes, the face answers in JSON, never with an error of its own, and never at length."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asgi import Response, call
from tests.vendors.baxo.house import CONTRACT, K1, LOGIN, PASSWORD, House, pool_house

_loop = asyncio.new_event_loop()
_house: list[House] = []

quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
text = st.text(st.characters(codec="utf-8"), max_size=40)
encoded = text.map(lambda word: quote(word, safe=""))
names = st.sampled_from(
    ["contractId", "deviceId", "deviceIdentifiers", "deviceIdentifiers[]", "tagReferences[0]", "tagReferences", "startTime",
     "endTime", "pageToken", "tagRef", "value", "username", "password", "get"]
)  # fmt: skip
words = st.sampled_from(
    [CONTRACT, "3219875446", "14587", "1000000", "TAG_1", "TAG_1,TAG_2", "0", "577929600", "-1", "9" * 11, "[", "{"]
)
pairs = st.tuples(names | encoded, words | encoded).map("=".join)
queries = st.lists(pairs | encoded, max_size=8).map("&".join)
services = st.sampled_from(
    ["contracts", "devices", "device", "devices-realtimes", "devices-historics", "devices-tags-write"]
)
kinds = st.sampled_from(
    [
        "",
        "application/json",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
    ]
) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
json_text = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | text, lambda one: st.lists(one, max_size=3), max_leaves=5
)


def _ask(method: str, query: str, body: bytes = b"", kind: str = "") -> Response:
    if not _house:
        _house.append(_loop.run_until_complete(pool_house(writers=[LOGIN])))
    return _loop.run_until_complete(call(_house[0].app, method, f"{K1}?{query}", {"content-type": kind}, body))


def _sane(answer: Response) -> None:
    assert answer.status in {200, 204, 400, 401, 404, 405, 429}
    assert len(answer.body) < 20_000
    if answer.status != 204:
        assert answer.headers["content-type"] == "application/json"
        assert isinstance(answer.json(), dict)


@quickly
@given(services, queries)
def test_any_query_is_answered(get: str, query: str) -> None:
    _sane(_ask("GET", f"get={get}&username={LOGIN}&password={PASSWORD}&contractId={CONTRACT}&{query}"))


@quickly
@given(queries, st.binary(max_size=300) | queries.map(str.encode), kinds)
def test_any_body_is_answered(query: str, body: bytes, kind: str) -> None:
    _sane(_ask("POST", query, body, kind))


@quickly
@given(services, st.dictionaries(names | text, json_text, max_size=6))
def test_any_json_is_answered(get: str, given: dict[str, object]) -> None:
    import json

    body = {"get": get, "username": LOGIN, "password": PASSWORD, "contractId": CONTRACT} | given
    _sane(_ask("POST", "", json.dumps(body).encode("utf-8", "surrogatepass"), "application/json"))


@quickly
@given(st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"]), queries)
def test_any_method_is_answered(method: str, query: str) -> None:
    _sane(_ask(method, query))
