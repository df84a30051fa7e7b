from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.asgi import call
from tests.evidence import exchange
from tests.fourth.house import LOGIN, PASSWORD, House, collect, lily_cloud, open_house
from tests.hostile import HostileCloud


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Ada's house, with all that Lily's document prints collected."""
    async with HostileCloud() as cloud, open_house() as house:
        lily_cloud(cloud)
        await collect(house, cloud)
        yield house


async def test_the_face_answers_what_the_document_prints(house: House) -> None:
    for name in ("buoys", "samples"):
        printed = exchange("lily", name)
        query = dict(pair.split("=") for pair in printed.request.query.split("&") if pair)
        told = await house.lily(printed.request.path.removeprefix("/v1"), **query)
        assert (told.status, told.json()) == (printed.response.status, printed.response.json)
        assert told.headers["content-type"] == "application/json"


async def test_the_newest_sample_is_the_documents(house: House) -> None:
    assert (await house.lily("/buoys/4031/samples")).json() == exchange("lily", "samples-newest").response.json
    assert (await house.lily("/buoys/4077/samples")).json() == []


async def test_the_past_has_one_sample_for_each_instant(house: House) -> None:
    told = (await house.lily("/buoys/4031/samples", hours="2")).json()
    assert [(one["t"], one["ph"], one["water_f"]) for one in told] == [
        (1784026800, 3.02, None),
        (1784030400, 7.31, 79.7),
    ]


async def test_a_login_gets_a_key_that_opens_the_face(house: House) -> None:
    printed = exchange("lily", "keys")
    assert printed.request.body == "email=ada%40pool.example&password=half+moon"
    told = await house.post("/lily/v1/keys", {"email": LOGIN, "password": PASSWORD})
    assert (told.status, list(told.json())) == (printed.response.status, list(printed.response.json))
    house.tokens["lily"] = told.json()["api_key"]
    assert (await house.lily("/buoys")).status == 200


async def test_the_face_is_at_the_vendors_own_host_too(house: House) -> None:
    headers = {"host": "api.lily.example", "authorization": f"key {house.tokens['lily']}"}
    assert (await call(house.app, "GET", "/v1/buoys", headers)).status == 200


WRONG = [
    ("GET", "/v1/buoys/4031/samples?hours=0", 400, "bad_request"),
    ("GET", "/v1/buoys/4031/samples?hours=721", 400, "bad_request"),
    ("GET", "/v1/buoys/4031/samples?hours=-1", 400, "bad_request"),
    ("GET", "/v1/buoys/4031/samples?hours=%D9%A3", 400, "bad_request"),
    ("GET", "/v1/buoys/4031/samples?sensor=tds", 400, "bad_request"),
    ("GET", "/v1/buoys/4031/samples?" + "&".join(["a=1"] * 200), 400, "bad_request"),
    ("GET", "/v1/buoys/x/samples", 400, "bad_request"),
    ("GET", "/v1/buoys/99999999999999999999/samples", 400, "bad_request"),
    ("GET", "/v1/buoys/1/samples", 404, "not_found"),
    ("GET", "/v1/buoys/", 404, "not_found"),
    ("GET", "/", 404, "not_found"),
    ("PATCH", "/v2/anything", 404, "not_found"),
    ("DELETE", "/v1/buoys", 405, "bad_method"),
    ("GET", "/v1/keys", 405, "bad_method"),
    ("POST", "/v1/keys", 403, "wrong_login"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), WRONG)
async def test_whatever_is_wrong_is_answered_in_lilys_shape(
    house: House, method: str, path: str, status: int, code: str
) -> None:
    told = await call(house.app, method, f"/lily{path}", {"authorization": f"Key {house.tokens['lily']}"})
    assert (told.status, told.json()["code"], list(told.json())) == (status, code, ["code", "detail"])
    assert told.json()["detail"]


@pytest.mark.parametrize("authorization", ["", "Key", "Key x", "Bearer x", "Key \xe9"])
async def test_without_a_good_key_nothing_is_told(house: House, authorization: str) -> None:
    told = await call(house.app, "GET", "/lily/v1/buoys", {"authorization": authorization} if authorization else {})
    assert (told.status, told.json()["code"]) == (401, "bad_key")


async def test_another_faces_token_is_no_key(house: House) -> None:
    house.tokens["lily"] = house.tokens["ondilo"]
    assert (await house.lily("/buoys")).status == 401


async def test_before_anything_is_collected_the_face_says_later_and_not_nothing() -> None:
    async with open_house() as house:
        told = await house.lily("/buoys")
    assert (told.status, told.json()["code"], told.headers["retry-after"]) == (503, "unavailable", "30")


async def test_beyond_the_quota_and_after_too_many_refused_logins_the_face_says_when_to_come_back() -> None:
    async with HostileCloud() as cloud, open_house(quotas=True) as house:
        lily_cloud(cloud)
        await collect(house, cloud)
        told = [(await house.lily("/buoys")).status for _ in range(61)]
        late = await house.lily("/buoys")
        for _ in range(11):
            refused = await house.post("/lily/v1/keys", {"email": LOGIN, "password": "wrong"})
    assert told == [200] * 60 + [429]
    assert (late.json()["code"], late.headers["retry-after"]) == ("too_many", "3600")
    assert (refused.status, refused.json()["code"]) == (429, "too_many")
    assert int(refused.headers["retry-after"]) > 0
