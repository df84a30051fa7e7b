"""The documented quota, as the face holds its clients to it when told to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.evidence import answer, facts
from tests.vendors.ondilo.house import House, documented_house

PER_SECOND, PER_HOUR = facts("ondilo", "lists")["quotas"]


async def _spend(house: House, requests: int) -> list[int]:
    statuses = []
    for _ in range(requests):
        statuses.append((await house.get("/pools")).status)
        house.at(house.now[0] + timedelta(seconds=0.25))
    return statuses


async def test_without_being_told_the_face_has_no_quota(house: House) -> None:
    assert await _spend(house, 100) == [200] * 100


async def test_the_sixth_request_within_a_second_is_too_many() -> None:
    house = await documented_house(quotas=True)

    statuses = [(await house.get("/pools")).status for _ in range(PER_SECOND["requests"] + 1)]

    assert statuses == [200] * PER_SECOND["requests"] + [429]
    house.at(house.now[0] + timedelta(seconds=PER_SECOND["seconds"]))
    assert (await house.get("/pools")).status == 200


async def test_beyond_the_hourly_quota_the_body_is_the_clouds_to_the_byte() -> None:
    house = await documented_house(quotas=True)
    spent = await _spend(house, PER_HOUR["requests"])

    refused = await house.get("/pools/234/lastmeasures")

    said = answer("ondilo", "hourly quota with a Retry-After")
    assert spent == [200] * PER_HOUR["requests"]
    assert (refused.status, refused.text) == (said.status, said.text)
    assert refused.headers["content-type"] == "application/json"
    wait_s = int(refused.headers["retry-after"])
    assert 3500 < wait_s <= 3600
    house.at(house.now[0] + timedelta(seconds=wait_s - 2))
    await house.sign_in()
    assert (await house.get("/pools")).status == 429
    house.at(house.now[0] + timedelta(seconds=2))
    assert (await house.get("/pools")).status == 200


@pytest.mark.parametrize("status", [400, 429])
async def test_the_status_beyond_the_quota_can_be_set(status: int) -> None:
    house = await documented_house(quotas=True, limit_status=status)
    await _spend(house, PER_HOUR["requests"])

    refused = await house.get("/pools")

    said = answer("ondilo", "hourly quota, 2024" if status == 400 else "hourly quota, 2020")
    assert (refused.status, refused.text) == (said.status, said.text)


async def test_a_wrong_request_counts_and_one_without_a_token_does_not() -> None:
    house = await documented_house(quotas=True)

    wrong = [(await house.get("/pools/1/device")).status for _ in range(PER_SECOND["requests"])]
    nobody = await house.get("/pools", token="0" * 40)

    assert wrong == [404] * PER_SECOND["requests"]
    assert nobody.status == 401
    assert (await house.get("/pools")).status == 429


async def test_tokens_are_given_beyond_the_quota_too() -> None:
    house = await documented_house(quotas=True)
    await _spend(house, PER_HOUR["requests"] + 1)

    assert (await house.sign_in())["access_token"]
