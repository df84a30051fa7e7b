"""Wherever a client says that its user is to be sent, nothing gets into a header that should not. (All else that may come: tests/fuzz.)"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.asgi import Response, call
from tests.vendors.ondilo.house import AUTHORIZE, House, bearer, documented_house

_loop = asyncio.new_event_loop()
_house: list[House] = []

quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
text = st.text(st.characters(codec="utf-8"), max_size=40)
encoded = text.map(lambda word: quote(word, safe=""))


def _ask(method: str, target: str, sent: dict[str, str], body: bytes = b"") -> Response:
    if not _house:
        _house.append(_loop.run_until_complete(documented_house()))
    token = _house[0].tokens["access_token"]
    return _loop.run_until_complete(call(_house[0].app, method, target, bearer(token) | sent, body))


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
