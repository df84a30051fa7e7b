"""The face answers the document's requests with the document's answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.asgi import call
from tests.evidence import Exchange, exchange, exchanges
from tests.vendors.ondilo.house import House, bearer, documented_house

# The document's examples are of three pools, which here are one; its own example of what was not printed is `...`.
_AT = {"measures": datetime(2020, 3, 23, 16, 8, 51, tzinfo=UTC)}


def _path(path: str) -> str:
    return "/ondilo" + path.replace("/pools/123", "/pools/234")


def _headers(said: Exchange, house: House) -> dict[str, str]:
    return said.request.headers | {"Authorization": f"Bearer {house.tokens['access_token']}"}


def _printed(answer: Any) -> Any:
    """What the document prints of a list whose end it leaves out as {}."""
    return [entry for entry in answer if entry] if isinstance(answer, list) else answer


@pytest.mark.parametrize("name", [said.name for said in exchanges("ondilo")])
async def test_a_documented_request_has_its_documented_answer(name: str) -> None:
    said = exchange("ondilo", name)
    house = await documented_house(lastmeasures_time="documented")
    house.at(_AT.get(name, house.now[0]))
    target = _path(said.request.path) + (f"?{said.request.query}" if said.request.query else "")

    answer = await call(house.app, said.request.method, target, _headers(said, house), said.request.body.encode())

    wanted = _printed(said.response.json)
    given = answer.json()
    if name == "pools":  # the cloud's own words change with every measure
        assert given[0].pop("updated_at") == "2020-03-23T16:08:51+0000"
        assert wanted[0].pop("updated_at") == "2019-11-27T23:00:21+0000"
    if name == "user-units":
        assert given.pop("tds")
    assert answer.status == said.response.status
    assert (given[: len(wanted)] if isinstance(given, list) else given) == wanted
    assert list(given if isinstance(given, dict) else given[0]) == list(
        wanted if isinstance(wanted, dict) else wanted[0]
    )


async def test_every_answer_is_uncompressed_json(house: House) -> None:
    for said in exchanges("ondilo"):
        target = _path(said.request.path) + (f"?{said.request.query}" if said.request.query else "")

        answer = await call(house.app, said.request.method, target, _headers(said, house))

        assert answer.headers["content-type"] == "application/json"
        assert "content-encoding" not in answer.headers
        assert answer.headers["content-length"] == str(len(answer.body))
        assert answer.headers["cache-control"] == "no-store"


async def test_an_integral_number_has_no_fraction(house: House) -> None:
    answer = await house.get("/pools/234/lastmeasures", "types[]=orp")

    assert b'"value":523,' in answer.body


async def test_the_scheme_of_a_token_is_read_in_any_case(house: House) -> None:
    for scheme in ("bearer", "BEARER", "Bearer"):
        answer = await call(
            house.app, "GET", "/ondilo/api/customer/v1/pools", bearer(house.tokens["access_token"], scheme)
        )

        assert answer.status == 200
