"""Who is let in: by password, for a day without it from the same address, or by the address of a next page; and never by less."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from margelle.domain.site import User
from margelle.serve.sign_in import FaceDesk, hash_password
from margelle.store.memory import MemoryStore
from margelle.vendors.baxo import pages
from margelle.vendors.baxo.door import PAGE_LIFE_S
from tests.vendors.baxo.house import (
    CONTRACT,
    FIRST,
    HASH,
    LOGIN,
    NOW,
    OTHER_LOGIN,
    SECOND,
    House,
    documented_house,
    furnish,
    probe,
)

DAY = timedelta(days=1)
PAST: dict[str, Any] = {"contractId": CONTRACT, "deviceId": FIRST.key, "startTime": "577929600"}


async def bare(house: House, *, login: str = LOGIN, client: str = "127.0.0.1") -> int:
    """The status of a request without a password."""
    return (await house.ask("contracts", username=login, password="", client=client)).status


async def test_without_a_password_nobody_is_let_in_before_they_gave_it_once(house: House) -> None:
    assert await bare(house) == 401
    assert (await house.ask("contracts")).status == 200
    assert await bare(house) == 200
    assert await bare(house, login=LOGIN.lower()) == 200


async def test_the_grace_is_for_one_login_from_one_address(house: House) -> None:
    await house.ask("contracts", client="192.0.2.1")
    assert await bare(house, client="192.0.2.2") == 401
    assert await bare(house, login=OTHER_LOGIN, client="192.0.2.1") == 401
    assert await bare(house, client="192.0.2.1") == 200


async def test_the_grace_ends_before_the_day_does_and_begins_anew_with_the_password(house: House) -> None:
    await house.ask("contracts")
    house.now[0] = NOW + DAY - timedelta(minutes=2)
    assert await bare(house) == 200
    house.now[0] = NOW + DAY
    assert await bare(house) == 401
    await house.ask("contracts")
    house.now[0] += DAY / 2
    await house.ask("contracts")
    house.now[0] += DAY / 2 + timedelta(hours=1)
    assert await bare(house) == 200


async def test_the_grace_survives_a_restart_and_ends_with_the_password() -> None:
    store = MemoryStore()
    house = await documented_house(store)
    await house.ask("contracts")
    again = await documented_house(store)
    assert await bare(again) == 200
    await store.put_user(User(LOGIN, hash_password("another")))
    await store.drop_grants(LOGIN)  # as `margelle user passwd` does
    assert await bare(again) == 401
    assert (await again.ask("contracts")).status == 401
    assert (await house.ask("contracts")).status == 401  # which had known the old one
    assert (await house.ask("contracts", password="another")).status == 200


@pytest.mark.parametrize("settings", [{"profile": "strict"}, {"password_grace_s": 0.0}])
async def test_without_a_grace_every_request_needs_its_password(settings: dict[str, Any]) -> None:
    house = await documented_house(**settings)
    assert (await house.ask("contracts")).status == 200
    assert await bare(house) == 401


async def test_a_wrong_password_is_refused_even_within_the_grace(house: House) -> None:
    await house.ask("contracts")
    answer = await house.ask("contracts", password="wrong")
    assert answer.status == 401
    assert "wrong" not in answer.text
    assert await bare(house) == 200


async def test_guesses_are_limited(house: House) -> None:
    statuses = [(await house.ask("contracts", password=f"guess{n}")).status for n in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


async def test_a_right_password_is_hashed_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    sign_in = FaceDesk.sign_in

    async def counted(self: FaceDesk, login: str, password: str, address: str) -> User:
        asked.append(login)
        return await sign_in(self, login, password, address)

    monkeypatch.setattr(FaceDesk, "sign_in", counted)
    for _ in range(3):
        assert (await house.ask("contracts")).status == 200
    assert len(asked) == 1
    assert (await house.ask("contracts", username=OTHER_LOGIN)).status == 503  # the same password, another user
    assert len(asked) == 2


async def test_without_a_login_nothing_is_said(house: House) -> None:
    assert (await house.ask("contracts", username="")).status == 400


async def test_the_password_is_nowhere_in_what_is_kept(house: House) -> None:
    await house.ask("contracts", password="VOTREMOTDEPASSE")
    kept = repr(vars(house.store))
    assert "VOTREMOTDEPASSE" not in kept
    assert HASH in kept


# --- next pages


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)


async def first_page(house: House) -> str:
    answer = await house.ask("devices-historics", **PAST)
    return str(answer.json()["next"])


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("settings", [{}, {"profile": "strict"}])
async def test_a_next_page_works_as_it_is_and_holds_no_password(settings: dict[str, Any]) -> None:
    house = await documented_house(**settings)
    url = urlsplit(await first_page(house))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "http://hub.example:8080/baxo/k1"
    assert set(parse_qs(url.query)) == {"get", "username", "pageToken"}
    answer = await house.get(url.query, client="192.0.2.9")
    assert [table["tagReference"] for table in answer.json()["historics"]] == ["TAG_2"]
    assert "next" not in answer.json()
    assert (await house.get(url.query)).json() == answer.json()


@pytest.mark.usefixtures("small_pages")
async def test_a_next_page_opens_nothing_else(house: House) -> None:
    query = urlsplit(await first_page(house)).query
    house.now[0] += 2 * DAY  # the grace is over, and the page with it
    assert (await house.get(query)).status == 401
    house.now[0] = NOW
    token = parse_qs(query)["pageToken"][0]
    assert (
        await house.get(urlencode({"get": "devices-historics", "username": OTHER_LOGIN, "pageToken": token}))
    ).status == 401
    assert (
        await house.get(urlencode({"get": "devices-historics", "username": LOGIN, "pageToken": "0" * 40}))
    ).status == 401
    assert (await house.ask("devices-historics", pageToken="0" * 40)).status == 404
    assert (await house.ask("devices-historics", password="wrong", pageToken=token)).status == 401
    assert (await house.ask("devices-historics", username=OTHER_LOGIN, pageToken=token)).status == 404


@pytest.mark.usefixtures("small_pages")
async def test_with_a_page_no_other_service_is_opened() -> None:
    house = await documented_house(profile="strict")
    token = parse_qs(urlsplit(await first_page(house)).query)["pageToken"][0]
    for get in ("contracts", "devices", "devices-realtimes", "devices-tags-write"):
        answer = await house.get(urlencode({"get": get, "username": LOGIN, "pageToken": token, "contractId": CONTRACT}))
        assert answer.status == 401, get


@pytest.mark.usefixtures("small_pages")
async def test_a_next_page_ends(house: House) -> None:
    query = urlsplit(await first_page(house)).query
    house.now[0] += timedelta(seconds=PAGE_LIFE_S)
    answer = await house.get(query)
    assert answer.status == 401
    assert "first page again" in answer.json()["message"]


@pytest.mark.usefixtures("small_pages")
async def test_a_page_whose_device_has_gone_is_not_found(house: House) -> None:
    query = urlsplit(await first_page(house)).query
    await furnish(house, [SECOND], [probe(SECOND)], "baxo")
    assert (await house.get(query)).status == 404
