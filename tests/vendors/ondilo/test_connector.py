from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from margelle.errors import Limited, Malformed, MargelleError, Refused, Unavailable
from margelle.ports import Answer, Request, Token
from margelle.vendors.ondilo.client import OndiloConnector
from margelle.vendors.ondilo.sign_in import renewed
from tests.conftest import NOW
from tests.evidence import answer as evidence
from tests.evidence import facts
from tests.vendors.fakes import FakeHttp, answer

BASE = "https://interop.ondilo.com"
LISTS = facts("ondilo", "lists")


def shown(what: str) -> Answer:
    """An answer of the evidence."""
    found = evidence("ondilo", what)
    return Answer(found.status, found.headers, found.text.encode(), NOW)


def sent_by(client: str, what: str) -> dict[str, str]:
    """What a client that we did not write sends: its query and its body, as pairs."""
    (found,) = [one for one in facts("ondilo", "requests") if (one["client"], one["what"]) == (client, what)]
    return dict(parse_qsl(found["query"] + "&" + found["body"], keep_blank_values=True))


def accepting(request: Request) -> Answer:
    """A cloud that signs everybody in: the evidence's address with the state that came."""
    state = dict(request.query)["state"]
    found = shown("a login accepted")
    return answer(status=found.status, location=found.headers["location"].replace("Jx8", state))


def cloud(authorize: Any = accepting, token: Any = None) -> tuple[OndiloConnector, FakeHttp]:
    http = FakeHttp(authorize=authorize, token=token or shown("a token for a code"))
    return OndiloConnector(BASE + "/", http), http


# --- the browser's way


def test_the_authorize_url_is_the_one_that_the_ondilo_package_makes() -> None:
    url = urlsplit(cloud()[0].authorize_url("https://example.com/api", "Xq3kPz0bC7dE9fGh1JkLmN2oPqRsTu"))
    (theirs,) = [
        one for one in facts("ondilo", "requests") if (one["client"], one["what"]) == ("ondilo 0.5.0", "authorize")
    ]
    assert f"{url.scheme}://{url.netloc}" == BASE
    assert (url.path, url.query) == (theirs["path"], theirs["query"])


def test_state_and_redirect_uri_survive_the_url_byte_for_byte() -> None:
    state, redirect = "a b&c=d+é/%2F", "https://jeedom.example/ondilo.php?action=autorize&x=1"
    given = dict(parse_qsl(urlsplit(cloud()[0].authorize_url(redirect, state)).query))
    assert (given["state"], given["redirect_uri"]) == (state, redirect)


async def test_a_code_is_redeemed_as_home_assistant_redeems_one() -> None:
    connector, http = cloud()
    token = await connector.redeem("abc123", "https://my.home-assistant.io/redirect/oauth")
    (request,) = http.requests
    assert (request.method, request.url, request.query, request.redirects) == (
        "POST",
        BASE + LISTS["token_path"],
        (),
        False,
    )
    assert dict(request.form or ()) == sent_by("Home Assistant 2026.2", "code")
    assert token == Token(
        "4fc86e46a11abbb3914b90af3e21f2858f3376f5",
        "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
        NOW + timedelta(seconds=LISTS["token_life_s"]),
    )


# --- the form's way


async def test_signing_in_posts_the_form_that_other_programs_post() -> None:
    connector, http = cloud()
    token = await connector.sign_in("john@doe.org", "p&ss w+rd é")
    request = http.requests[0]
    assert (request.method, request.url, request.redirects) == ("POST", BASE + LISTS["authorize_path"], False)
    theirs = sent_by("LaMetric script", "sign-in")
    assert {*dict(request.query), *dict(request.form or ())} == {*theirs}
    assert [name for name, _ in request.form or ()] == LISTS["login_fields"]
    assert dict(request.form or ())["login"] == "john@doe.org"
    assert dict(request.form or ())["password"] == "p&ss w+rd é"
    assert dict(request.form or ())["locale"] in LISTS["locales"]
    for name in ("response_type", "client_id", "scope"):
        assert dict(request.query)[name] == theirs[name]
    assert dict(request.form or ())["proceed"] == theirs["proceed"]
    assert dict(http.requests[1].form or ())["code"] == "abc123"
    assert dict(http.requests[1].form or ())["redirect_uri"] == dict(request.query)["redirect_uri"]
    assert token.access == "4fc86e46a11abbb3914b90af3e21f2858f3376f5"


async def test_every_sign_in_has_a_state_of_its_own() -> None:
    connector, http = cloud()
    await connector.sign_in("a", "b")
    await connector.sign_in("a", "b")
    states = {dict(request.query)["state"] for request in http.requests if request.name == "authorize"}
    assert len(states) == 2


@pytest.mark.parametrize(
    "authorize",
    [shown("a login refused"), answer("<form>", 200), answer("", 401), answer("", 403)],
    ids=["access_denied", "the form again", "401", "403"],
)
async def test_a_refused_login_says_which_account_to_use(authorize: Answer) -> None:
    connector, http = cloud(authorize)
    with pytest.raises(Refused, match="app; those of the web shop are others"):
        await connector.sign_in("john@doe.org", "secret")
    assert len(http.requests) == 1


@pytest.mark.parametrize(
    ("authorize", "error"),
    [
        (answer("", 302, location="https://example.com/?code=abc&state=another"), Malformed),
        (answer("", 302, location="https://example.com/?code=abc"), Malformed),
        (answer("", 302, location="https://example.com/?code=&state="), Malformed),
        (answer("", 302), Malformed),
        (answer("", 302, location="//[bad"), Malformed),
        (answer("", 302, location="/x?error=temporarily_unavailable"), Unavailable),
        (answer("", 302, location="/x?error=server_error"), Unavailable),
        (shown("maintenance"), Unavailable),
        (answer("", 429, retry_after="7"), Limited),
        (answer("", 400), Malformed),
    ],
)
async def test_a_sign_in_that_goes_wrong_otherwise_is_no_refusal(authorize: Answer, error: type[MargelleError]) -> None:
    with pytest.raises(error):
        await cloud(authorize)[0].sign_in("john@doe.org", "secret")


async def test_no_error_of_a_sign_in_holds_the_password_or_the_code() -> None:
    for authorize in (
        shown("a login refused"),
        answer('{"message":"password=geheim code=abc123"}', 400),
        shown("maintenance"),
    ):
        with pytest.raises(MargelleError) as caught:
            await cloud(authorize)[0].sign_in("john@doe.org", "geheim")
        assert "geheim" not in str(caught.value)
        assert "abc123" not in str(caught.value)


# --- renewing


async def refreshed(token: Answer | Exception, kept: str = "9f2c") -> tuple[Token, FakeHttp]:
    http = FakeHttp(token=token)
    return await renewed(http, BASE, Token("old", kept)), http


async def test_a_token_is_renewed_as_home_assistant_renews_one() -> None:
    _, http = await refreshed(shown("a token for a code"))
    assert dict(http.requests[0].form or ()) == sent_by("Home Assistant 2026.2", "refresh")
    assert http.requests[0].url == BASE + LISTS["token_path"]


async def test_an_answer_without_a_refresh_token_keeps_the_one_we_have() -> None:
    token, _ = await refreshed(shown("a renewed token, without a refresh token"))
    assert (token.access, token.refresh) == ("0a1b2c3d4e5f60718293a4b5c6d7e8f901122334", "9f2c")


async def test_another_refresh_token_takes_over() -> None:
    token, _ = await refreshed(shown("a token for a code"))
    assert token.refresh == "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"


@pytest.mark.parametrize(
    ("expires_in", "life_s"),
    [
        ("3600", 3600), ('"3600"', 3600), ("1800.5", 1800.5), ('" 60 "', 60), ("null", 3600), ('"soon"', 3600), ("0", 3600),
        ("-5", 3600), ('"nan"', 3600), ('"1e999"', 3600), ("1" * 300, 3600), ("99999999999", 3600),
    ],
)  # fmt: skip
async def test_the_life_of_a_token_may_be_written_in_any_way(expires_in: str, life_s: float) -> None:
    token, _ = await refreshed(answer(f'{{"access_token":"t","expires_in":{expires_in}}}'))
    assert token.expires_at == NOW + timedelta(seconds=life_s)


async def test_a_token_without_a_life_lives_an_hour() -> None:
    token, _ = await refreshed(answer('{"access_token":"t"}'))
    assert token.expires_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    "token",
    [
        shown("a refused refresh token"),
        answer("", 401),
        answer("<html>", 403),
        answer('{"error":"invalid_grant"}', 200),
        answer('{"error":"invalid_client"}', 400),
    ],
)
async def test_a_refused_renewal_tells_the_user_to_sign_in_again(token: Answer) -> None:
    with pytest.raises(Refused, match="margelle account add"):
        await refreshed(token)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (shown("the token endpoint ill, 2025"), Unavailable),
        (shown("hourly quota, 2024"), Limited),
        (shown("hourly quota with a Retry-After"), Limited),
        (answer("<html>captive portal</html>"), Malformed),
        (answer(""), Malformed),
        (answer('{"access_token":""}'), Malformed),
        (answer('{"access_token":12}'), Malformed),
        (answer('{"token_type":"Bearer"}'), Malformed),
        (answer('["a"]'), Malformed),
        (answer('{"error":"invalid_request"}', 400), Malformed),
        (answer("<html>", 400), Malformed),
        (answer('{"error":{"message":"x"}}', 400), Malformed),
        (answer("", 302, location="/login"), Malformed),
    ],
)
async def test_a_renewal_that_fails_otherwise_is_tried_again(token: Answer, error: type[MargelleError]) -> None:
    with pytest.raises(error) as caught:
        await refreshed(token)
    assert caught.value.retryable


async def test_an_account_without_a_refresh_token_asks_nobody() -> None:
    with pytest.raises(Refused, match="margelle account add"):
        await refreshed(RuntimeError("asked"), kept="")


@pytest.mark.parametrize(
    "body", ['{"access_token":"geheim","expires_in":[]}', '{"access_token":"geheim', '{"x":"geheim"}']
)
async def test_no_error_of_a_renewal_holds_a_token(body: str) -> None:
    with pytest.raises(Malformed) as caught:
        await refreshed(answer(body))
    assert "geheim" not in str(caught.value)
    assert "geheim" not in repr(caught.value.__cause__)
    assert caught.value.__suppress_context__
