from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from margelle.domain.site import Account
from margelle.errors import BadInput, Limited, Malformed, MargelleError, Refused, Unavailable, Unreachable
from margelle.ports import Answer, Batch, HistorySource, Source
from tests.conftest import NOW
from tests.evidence import exchange
from tests.fourth.house import LOGIN, PASSWORD, Documented
from tests.fourth.lily import LILY
from tests.fourth.lily.client import LilyConnector, LilySource
from tests.fourth.test_translate import PROBE
from tests.vendors.fakes import FakeTokens, answer, target

HOST = "https://api.lily.example"


def source(http: Documented, tokens: FakeTokens | None = None) -> LilySource:
    return LilySource(Account("lily-1", "lily", LOGIN, LOGIN), http, tokens or FakeTokens("5d1f0c22e7"))


async def test_each_request_is_the_documents() -> None:
    http = Documented()
    it = source(http)
    await LilyConnector(HOST, http).sign_in(LOGIN, PASSWORD)
    await it.discover(NOW)
    await it.latest(PROBE, NOW)
    await it.history(PROBE, "ph", "day", NOW)
    for sent, name in zip(http.requests, ("keys", "buoys", "samples-newest", "samples"), strict=True):
        printed = exchange("lily", name).request
        query = f"?{printed.query}" if printed.query else ""
        assert (sent.method, target(sent)) == (printed.method, HOST + printed.path + query)
        assert urlencode(sent.form or ()) == printed.body
        assert printed.headers.get("Authorization") == sent.headers.get("Authorization")


async def test_the_vendor_is_collected_from_by_these_two_and_tells_its_past() -> None:
    http = Documented()
    assert isinstance(LILY.connect(HOST, http, lambda: NOW), LilyConnector)
    it: Source = LILY.source(Account("lily-1", "lily", LOGIN, LOGIN), http, FakeTokens())
    assert isinstance(it, HistorySource)
    found = await it.discover(NOW)
    assert [site.name for site in found.sites] == ["Garden pool", "Hot tub"]
    assert found.complete
    assert it.remembered(found.sites[0]) == ("temperature", "ph", "orp", "salt", "battery")


async def test_the_key_is_the_token_and_there_is_no_page_and_no_code() -> None:
    connector = LilyConnector(HOST, Documented())
    token = await connector.sign_in(LOGIN, PASSWORD)
    assert (token.access, token.refresh, token.expires_at) == ("5d1f0c22e7", "", None)
    with pytest.raises(BadInput, match="--login"):
        connector.authorize_url("http://localhost", "state")
    with pytest.raises(BadInput, match="--login"):
        await connector.redeem("code", "http://localhost")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer('{"code":"wrong_login"}', 403), Refused),
        (answer('{"code":"too_many"}', 429, retry_after="60"), Limited),
        (answer("", 503), Unavailable),
        (answer('{"token":"hush-5d1f"}', 201), Malformed),
        (answer('{"api_key":["hush-5d1f"]}', 201), Malformed),
        (Unreachable("cut"), Unreachable),
    ],
)
async def test_a_sign_in_that_fails_says_why_and_never_quotes_a_key(
    said: Answer | Exception, kind: type[MargelleError]
) -> None:
    with pytest.raises(kind) as error:
        await LilyConnector(HOST, Documented(keys=said)).sign_in(LOGIN, PASSWORD)
    assert "hush" not in str(error.value)


async def test_a_key_that_is_refused_is_not_tried_again_and_asks_for_a_sign_in() -> None:
    http, tokens = Documented(buoys=answer('{"code":"bad_key"}', 401)), FakeTokens("old")
    with pytest.raises(Refused, match="account add"):
        await source(http, tokens).discover(NOW)
    assert (len(http.requests), tokens.rejected) == (1, ["old"])


@pytest.mark.parametrize(
    ("body", "names", "complete"),
    [
        ("[]", [], False),
        ('[{"label":"no id"},{"id":2,"label":"B"}]', ["B"], False),
        ('[{"id":1,"label":["odd"],"litres":"many"}]', ["Lily 1"], True),
    ],
)
async def test_what_is_wrong_in_the_list_loses_only_itself(body: str, names: list[str], complete: bool) -> None:
    found = await source(Documented(buoys=answer(body))).discover(NOW)
    assert [site.name for site in found.sites] == names
    assert found.complete is complete
    assert found.faults
    assert found.unread == ({"lily:1": ("name", "volume_m3")} if names == ["Lily 1"] else {})


async def _told(body: str) -> Batch:
    return await source(Documented(samples=answer(body))).latest(PROBE, NOW)


async def test_what_is_wrong_in_a_sample_loses_only_itself() -> None:
    batch = await _told('[{"ph":7},{"t":1784030400,"ph":7.1,"battery":true},{"t":99999999999999,"ph":7.2}]')
    assert [(one.quantity, one.value) for one in batch.measurements] == [("ph", 7.1), ("battery", None)]
    assert [fault.where for fault in batch.faults] == ["samples[0]", "samples[1]"]
    twice = await _told('[{"t":1784030400,"ph":7.1},{"t":1784030400,"ph":7.1}]')
    assert len(twice.measurements) == 1


@pytest.mark.parametrize("body", ["", "<html>", '{"buoys":[]}', '[{"t":1784030400,'])
async def test_an_answer_that_is_something_else_is_malformed(body: str) -> None:
    it: Any = source(Documented(samples=answer(body), buoys=answer(body)))
    for asked in (it.latest(PROBE, NOW), it.discover(NOW), it.history(PROBE, "ph", "month", NOW)):
        with pytest.raises(Malformed):
            await asked
