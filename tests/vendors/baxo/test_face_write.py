"""Writing a parameter: only for those who may, on record, and never done by halves."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from margelle.errors import Conflict, Limited, MargelleError, Refused, Unreachable
from tests.vendors.baxo.house import CONTRACT, FIRST, LOGIN, OTHER_LOGIN, PASSWORD, House, documented_house, probe

WRITE: dict[str, Any] = {"contractId": CONTRACT, "deviceId": FIRST.key, "tagRef": "TAG_1", "value": "25"}


async def test_nobody_may_write_unless_the_settings_say_so(house: House) -> None:
    answer = await house.ask("devices-tags-write", **WRITE)
    assert (answer.status, answer.json()["error"]) == (403, "forbidden")
    assert house.actions.written == []
    (entry,) = await house.store.audit()
    assert (entry.user, entry.act, entry.subject, entry.outcome) == (
        LOGIN,
        "write",
        f"{probe(FIRST).id} TAG_1",
        "not allowed",
    )


@pytest.mark.parametrize("name", ["tagRef", "tagReference", "tagReferences"])
async def test_a_writer_may_by_any_name_of_the_tag(name: str) -> None:
    house = await documented_house(writers=[LOGIN])
    given = {key: value for key, value in WRITE.items() if key != "tagRef"} | {name: "TAG_1"}
    assert (await house.ask("devices-tags-write", **given)).json() == {}
    assert house.actions.written == [("TAG_1", "25", probe(FIRST).id, LOGIN)]


async def test_it_may_be_written_by_get_as_the_document_says_of_every_request_but_head_changes_nothing() -> None:
    house = await documented_house(writers=[LOGIN])
    query = urlencode({"get": "devices-tags-write", "username": LOGIN, "password": PASSWORD, **WRITE})
    assert (await house.get(query, method="HEAD")).status == 405
    assert house.actions.written == []
    assert (await house.get(query)).status == 200
    assert house.actions.written == [("TAG_1", "25", probe(FIRST).id, LOGIN)]


async def test_another_user_may_not() -> None:
    house = await documented_house(writers=[OTHER_LOGIN])
    assert (await house.ask("devices-tags-write", **WRITE)).status == 403


async def test_a_text_is_written_as_it_is() -> None:
    house = await documented_house(writers=[LOGIN])
    await house.ask("devices-tags-write", **(WRITE | {"value": "marche forcée"}))
    assert house.actions.written[0][1] == "marche forcée"


@pytest.mark.parametrize(
    ("given", "status"),
    [({"tagRef": "NOPE"}, 404), ({"value": "x" * 201}, 400), ({"value": "a\nb"}, 400), ({"deviceId": "1"}, 404)],
)
async def test_what_cannot_be_written_is_refused(given: dict[str, str], status: int) -> None:
    house = await documented_house(writers=[LOGIN])
    assert (await house.ask("devices-tags-write", **(WRITE | given))).status == status
    assert house.actions.written == []


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Conflict("no"), 400), (Refused("their password"), 502), (Limited("x"), 429), (Unreachable("x"), 503)],
)
async def test_what_the_cloud_refuses_is_not_said_to_be_done(failure: MargelleError, status: int) -> None:
    house = await documented_house(writers=[LOGIN])
    house.actions.failure = failure
    answer = await house.ask("devices-tags-write", **WRITE)
    assert answer.status == status
    assert set(answer.json()) == {"error", "message"}
