"""The token endpoint, as lenient as clients need it and no more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from tests.asgi import call
from tests.evidence import answer, facts
from tests.vendors.ondilo.house import TOKEN, House, empty_house

REQUESTS = facts("ondilo", "requests")
BY_CODE = [said for said in REQUESTS if said["what"] == "code"]
BY_REFRESH = [said for said in REQUESTS if said["what"] == "refresh"]
HEX = set("0123456789abcdef")


def _login(said: dict[str, Any]) -> str:
    """The query with which this client would have asked for its code."""
    uri = parse_qs(said["body"])["redirect_uri"][0]
    return urlencode({"response_type": "code", "client_id": "customer_api", "redirect_uri": uri})


@pytest.fixture
async def house() -> House:
    return await empty_house()


@pytest.mark.parametrize("said", BY_CODE, ids=lambda said: said["client"])
async def test_every_client_exchanges_its_code(house: House, said: dict[str, Any]) -> None:
    code = await house.code(_login(said))

    given = await house.token(said["body"].replace("code=abc123", f"code={code}"))

    documented = answer("ondilo", "a token for a code").json
    token = given.json()
    assert given.status == 200
    assert given.headers["content-type"] == "application/json"
    assert given.headers["cache-control"] == "no-store"
    assert set(token) == set(documented)
    for word in ("expires_in", "token_type", "scope"):
        assert token[word] == documented[word]
        assert type(token[word]) is type(documented[word])
    for secret in ("access_token", "refresh_token"):
        assert len(token[secret]) == len(documented[secret])
        assert set(token[secret]) <= HEX


@pytest.mark.parametrize("said", BY_REFRESH, ids=lambda said: said["client"])
async def test_every_client_renews_and_keeps_its_refresh_token(house: House, said: dict[str, Any]) -> None:
    first = await house.sign_in()
    body = said["body"].replace("refresh_token=9f2c", f"refresh_token={first['refresh_token']}")

    renewed = [(await house.token(body)).json() for _ in range(3)]

    assert {token["refresh_token"] for token in renewed} == {first["refresh_token"]}
    assert len({first["access_token"], *(token["access_token"] for token in renewed)}) == 4
    for token in (first, *renewed):  # none is revoked by a newer one
        assert (await house.get("/user/info", token=token["access_token"])).status == 200


async def test_a_refresh_token_is_good_for_ever(house: House) -> None:
    first = await house.sign_in()
    house.at(house.now[0] + timedelta(days=4000))

    renewed = await house.token(f"grant_type=refresh_token&refresh_token={first['refresh_token']}")

    assert renewed.status == 200
    assert (await house.get("/user/info", token=renewed.json()["access_token"])).status == 200


async def test_an_access_token_ends_after_an_hour(house: House) -> None:
    token = (await house.sign_in())["access_token"]

    house.at(house.now[0] + timedelta(seconds=3599))
    assert (await house.get("/user/info", token=token)).status == 200
    house.at(house.now[0] + timedelta(seconds=1))
    ended = await house.get("/user/info", token=token)

    assert ended.status == 401
    assert ended.json()["error"]["message"]
    assert ended.headers["content-type"] == "application/json"
    assert ended.headers["www-authenticate"].startswith("Bearer")


async def test_how_long_an_access_token_lasts_can_be_set() -> None:
    house = await empty_house(access_token_life_s=60)
    token = await house.sign_in()
    house.at(house.now[0] + timedelta(seconds=61))

    assert token["expires_in"] == 60
    assert (await house.get("/user/info")).status == 401


async def test_a_code_works_once(house: House) -> None:
    body = f"grant_type=authorization_code&code={await house.code()}"

    first, second = await house.token(body), await house.token(body)

    assert (first.status, second.status) == (200, 400)
    assert second.json()["error"] == "invalid_grant"
    assert (await house.get("/user/info", token=first.json()["access_token"])).status == 200


async def test_a_code_ends_after_ten_minutes(house: House) -> None:
    code = await house.code()
    house.at(house.now[0] + timedelta(minutes=10))

    assert (await house.token(f"grant_type=authorization_code&code={code}")).status == 400


@pytest.mark.parametrize(
    "uri",
    ["https://example.com/api", "https%3A%2F%2Fexample.com%2Fapi", "https%253A%252F%252Fexample.com%252Fapi", ""],
)
async def test_the_redirect_uri_may_be_encoded_in_any_way(house: House, uri: str) -> None:
    body = f"grant_type=authorization_code&code={await house.code()}&redirect_uri={uri}"

    assert (await house.token(body)).status == 200


@pytest.mark.parametrize("change", ["redirect_uri=https://evil.example/", "client_id=another"])
async def test_a_code_is_good_only_for_the_client_that_asked(house: House, change: str) -> None:
    refused = await house.token(f"grant_type=authorization_code&code={await house.code()}&{change}")

    assert refused.status == 400
    assert refused.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=1234", "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=%00%FF", "invalid_grant"),
        ("grant_type=authorization_code&code=1234", "invalid_grant"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("{", "invalid_request"),
        ("{]", "invalid_request"),
        ('{"grant_type": 1}', "invalid_request"),
        ("\x00\x01", "invalid_request"),
        ("a" * 70_000, "invalid_request"),
        ("&".join(["a=b"] * 200), "invalid_request"),
    ],
)
async def test_what_is_refused_is_explained_in_json(house: House, body: str, error: str) -> None:
    refused = await house.token(body)

    assert refused.status == 400
    assert refused.json()["error"] == error
    assert refused.json()["error_description"]
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["cache-control"] == "no-store"


async def test_a_form_larger_than_any_is_refused_whatever_it_says(house: House) -> None:
    form = f"grant_type=authorization_code&code={await house.code()}"

    assert (await house.token(f"{form}&pad={'a' * 65_536}")).status == 400
    assert (await house.token(form)).status == 200


async def test_a_wrong_refresh_token_is_refused_as_by_the_cloud(house: House) -> None:
    said = answer("ondilo", "a refused refresh token")

    refused = await house.token("grant_type=refresh_token&refresh_token=1234&client_id=customer_api&client_secret=")

    assert (refused.status, refused.json()) == (said.status, said.json)


async def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(house: House) -> None:
    token = await house.sign_in()

    renewed = await house.token(f"grant_type=refresh_token&refresh_token={token['access_token']}")
    asked = await house.get("/user/info", token=token["refresh_token"])

    assert (renewed.status, asked.status) == (400, 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic Y3VzdG9tZXJfYXBpOg=="},
        {"authorization": "Basic nonsense"},
        {"content-type": "text/plain"},
        {"content-type": "application/json"},
        {"content-type": "multipart/form-data; boundary=x"},
    ],
)
async def test_headers_of_a_token_request_do_not_matter(house: House, headers: dict[str, str]) -> None:
    body = f"code={await house.code()}&scope=anything&client_secret=x&grant_type=authorization_code"

    assert (await house.token(body, headers)).status == 200


async def test_a_json_body_will_do(house: House) -> None:
    body = json.dumps({"grant_type": "authorization_code", "code": await house.code()})

    assert (await house.token(body, {"content-type": "application/json"})).status == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405), ("HEAD", 405), ("OPTIONS", 204)])
async def test_the_token_endpoint_is_for_post(house: House, method: str, status: int) -> None:
    refused = await call(house.app, method, TOKEN)

    assert refused.status == status
    assert refused.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("header", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": "Bearer  "},
    {"authorization": "Basic abc"}, {"authorization": "Bearer \xff\xfe"}, {"authorization": "x" * 9000}])  # fmt: skip
async def test_nobody_gets_in_without_a_token(house: House, header: dict[str, str]) -> None:
    for path in ("/user/info", "/pools", "/pools/234/lastmeasures"):
        refused = await call(house.app, "GET", "/ondilo/api/customer/v1" + path, header)

        assert refused.status == 401
        assert refused.json()["error"]["message"]


async def test_no_token_stands_in_the_store(house: House) -> None:
    token = await house.sign_in()

    kept = repr(vars(house.store))

    assert token["access_token"] not in kept
    assert token["refresh_token"] not in kept
