"""Whatever comes, the face answers in JSON (or with its page), never with an error of its own, and never at length."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asgi import Response, call
from tests.vendors.ondilo.house import API, AUTHORIZE, TOKEN, House, bearer, documented_house

_loop = asyncio.new_event_loop()
_house: list[House] = []

quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
text = st.text(st.characters(codec="utf-8"), max_size=40)
encoded = text.map(lambda word: quote(word, safe=""))
words = st.sampled_from(
    ["types[]", "types", "type", "period", "temperature", "ph", "day", "month", "state", "client_id", "redirect_uri", "code",
     "grant_type", "refresh_token", "authorization_code", "login", "password", "locale", "https://example.com/", "234", "pools"]
)  # fmt: skip
value = words | encoded
queries = st.lists(st.tuples(value, value).map("=".join) | value, max_size=8).map("&".join)
segments = st.sampled_from(
    ["pools", "234", "10251", "device", "lastmeasures", "measures", "recommendations", "user", "info", "..", ""]
)
paths = st.lists(segments | encoded, max_size=6).map("/".join)
methods = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"])
headers = st.dictionaries(
    st.sampled_from(["accept", "accept-language", "content-type", "authorization", "accept-encoding"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
    | st.sampled_from(["text/html", "application/json", "Bearer", "fr;q=1"]),
)
bodies = st.binary(max_size=200) | queries.map(str.encode)


def _ask(method: str, target: str, sent: dict[str, str], body: bytes = b"") -> Response:
    if not _house:
        _house.append(_loop.run_until_complete(documented_house()))
    token = _house[0].tokens["access_token"]
    return _loop.run_until_complete(call(_house[0].app, method, target, bearer(token) | sent, body))


def _sane(answer: Response) -> None:
    assert answer.status in {200, 204, 302, 400, 401, 403, 404, 405, 429}
    assert len(answer.body) < 20_000
    if answer.status not in {204, 302} and not answer.headers["content-type"].startswith("text/html"):
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() is not ...


@quickly
@given(methods, paths, queries)
def test_any_path_of_the_api_is_answered(method: str, path: str, query: str) -> None:
    _sane(_ask(method, f"{API}/{path}?{query}", {}))


@quickly
@given(st.sampled_from(["lastmeasures", "measures", "recommendations", "device"]), queries, headers)
def test_any_query_is_answered(what: str, query: str, sent: dict[str, str]) -> None:
    _sane(_ask("GET", f"{API}/pools/234/{what}?{query}", sent))


@quickly
@given(bodies, headers)
def test_any_form_for_a_token_is_answered(body: bytes, sent: dict[str, str]) -> None:
    answer = _ask("POST", TOKEN, sent, body)

    assert answer.status == 400
    assert answer.json()["error"]
    assert answer.json()["error_description"]


@quickly
@given(methods, queries, headers)
def test_any_sign_in_link_is_answered(method: str, query: str, sent: dict[str, str]) -> None:
    if method != "POST":
        _sane(_ask(method, f"{AUTHORIZE}?{query}", sent))


@quickly
@given(
    text,
    text,
    st.sampled_from(["", "?a=b", "#f"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="&#"), max_size=60),
)
def test_any_answer_to_a_client_is_one_header_line(path: str, fragment: str, query: str, state: str) -> None:
    uri = quote(f"https://example.com/{path}{query}{fragment}", safe="")
    answer = _ask(
        "GET", f"{AUTHORIZE}?response_type=code&client_id=x&redirect_uri={uri}&state={state}", {"accept": "text/html"}
    )

    assert answer.status in {200, 400}
    for _, sent in answer.header_list:
        assert sent.isprintable()
