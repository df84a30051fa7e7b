"""Recommendations through the face, and telling that one has been done."""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from margelle.errors import (
    BadInput,
    Conflict,
    Limited,
    Malformed,
    MargelleError,
    NotFound,
    Refused,
    StoreError,
    Unavailable,
    Unreachable,
)
from tests.asgi import call
from tests.evidence import exchange, facts
from tests.vendors.ondilo.house import API, RECOMMENDATION, SITE, House, bearer, furnish

PATH = "/pools/234/recommendations"


async def _ids(house: House) -> list[int]:
    return [one["id"] for one in (await house.get(PATH)).json()]


async def test_a_validated_recommendation_is_done_and_waits_no_more(house: House) -> None:
    before = await _ids(house)

    done = await house.get(f"{PATH}/10251", method="PUT")

    assert (done.status, done.text) == (200, exchange("ondilo", "validate").response.text)
    assert done.headers["content-type"] == "application/json"
    assert house.actions.validated == [(RECOMMENDATION.id, SITE.id, "john@doe.org")]
    assert (before, await _ids(house)) == ([10251], [])


async def test_openhab_validates_with_an_empty_body(house: House) -> None:
    (said,) = [said for said in facts("ondilo", "requests") if said["what"] == "validate"]

    headers = bearer(house.tokens["access_token"]) | {"content-length": "0"}
    done = await call(house.app, said["method"], "/ondilo" + said["path"], headers, said["body"].encode())

    assert done.json() == "Done"


async def test_what_has_been_done_cannot_be_done_again(house: House) -> None:
    await house.get(f"{PATH}/10251", method="PUT")

    again = await house.get(f"{PATH}/10251", method="PUT")

    assert again.status == 400
    assert again.json()["error"]["message"]
    assert len(house.actions.validated) == 1


@pytest.mark.parametrize("key", ["1", "0", "010251", "abc", "-1", "99999999999999999999", "%00"])
async def test_a_recommendation_that_is_not_there_cannot_be_done(house: House, key: str) -> None:
    refused = await house.get(f"{PATH}/{key}", method="PUT")

    assert refused.status == 404
    assert refused.json()["error"]["message"]
    assert house.actions.validated == []


async def test_a_recommendation_is_only_of_its_own_pool(house: House) -> None:
    other = replace(SITE, id="ondilo:5", key="5")
    await furnish(house, sites=[SITE, other])

    assert (await house.get("/pools/5/recommendations/10251", method="PUT")).status == 404
    assert await _ids(house) == [10251]


async def test_a_client_that_kept_the_id_need_not_ask_for_the_list_first(house: House) -> None:
    assert (await house.get(f"{PATH}/10251", method="PUT")).status == 200


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Unreachable("No answer."), 503),
        (Unavailable("The cloud answered 503.", retry_after_s=120), 503),
        (Limited("The quota is used up.", retry_after_s=120), 503),
        (Refused("The cloud refused its token."), 502),
        (Malformed("HTML came."), 502),
        (NotFound("The cloud does not know it."), 404),
        (Conflict("Done already."), 400),
        (BadInput("It can't be done."), 400),
        (StoreError("The disk is full."), 503),
    ],
)
async def test_a_cloud_that_fails_changes_nothing(house: House, failure: MargelleError, status: int) -> None:
    house.actions.failure = failure

    refused = await house.get(f"{PATH}/10251", method="PUT")

    assert refused.status == status
    assert refused.json()["error"]["message"]
    assert "disk" not in refused.text
    assert refused.headers["content-type"] == "application/json"
    if failure.retry_after_s:
        assert refused.headers["retry-after"] == "120"
    house.actions.failure = None
    assert await _ids(house) == [10251]
    assert (await house.get(f"{PATH}/10251", method="PUT")).status == 200


async def test_a_deadline_is_always_a_date_since_openhab_reads_it_as_one(house: House) -> None:
    await house.store.put_recommendations(SITE.id, [replace(RECOMMENDATION, deadline=None)])

    (told,) = (await house.get(PATH)).json()

    for name in ("created_at", "updated_at", "deadline"):
        assert datetime.strptime(told[name], "%Y-%m-%dT%H:%M:%S%z")
    assert told["status"] in facts("ondilo", "lists")["recommendation_statuses"]


async def test_a_recommendation_is_put_not_read(house: House) -> None:
    refused = await house.get(f"{PATH}/10251")

    assert refused.status == 405
    assert refused.headers["allow"] == "PUT, OPTIONS"


async def test_nobody_validates_without_a_token(house: House) -> None:
    assert (await call(house.app, "PUT", f"{API}{PATH}/10251")).status == 401
    assert house.actions.validated == []
