"""What a token shows and lets one do at each face, asked by raw HTTP: by role, by organisation, and for those who have none."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from margelle.domain.access import Membership
from margelle.domain.quantity import CATALOGUE
from margelle.intake.hand import hand_probe, keep_by_hand
from margelle.ports import AuditEntry
from tests.asgi import Response, call
from tests.serve.town import (
    CONTRACT,
    FORMER,
    MEMBER,
    NOW,
    OWNER,
    PASSWORD,
    PLANT,
    POOL,
    PUMP,
    SPA,
    STRANGER,
    TECHNICIAN,
    VIEWER,
    Town,
    town,
)

SEE = (OWNER, TECHNICIAN, VIEWER, MEMBER)
ACT = (OWNER, TECHNICIAN, MEMBER)
NOT_THEIRS = (FORMER, STRANGER)
ONDILO = "/ondilo/api/customer/v1"
DONE: dict[str, tuple[str, ...]] = {
    "ondilo": ("validate", "7"),
    "flipr": ("turn", "HB0001", "on"),
    "baxo": ("write", "SET", "25"),
}


async def ask(here: Town, face: str, user: str, method: str, path: str) -> Response:
    """A request with the user's token."""
    return await call(here.app, method, path, {"authorization": f"Bearer {await here.token(face, user)}"})


async def baxo(here: Town, user: str, get: str, **given: str) -> Response:
    """A request of BAXO's face, which has no tokens."""
    form = {"username": user, "password": PASSWORD, "get": get, "contractId": CONTRACT, **given}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await call(here.app, "POST", "/baxo/k1", headers, urlencode(form).encode())


async def shown(here: Town, face: str, user: str) -> Response:
    """What the face shows of the town's site."""
    if face == "ondilo":
        return await ask(here, face, user, "GET", f"{ONDILO}/pools/234/lastmeasures?types[]=ph")
    if face == "flipr":
        return await ask(here, face, user, "GET", "/flipr/modules/21BXYZ/survey/last")
    return await baxo(here, user, "devices-realtimes", deviceId="14587")


async def acted(here: Town, face: str, user: str) -> Response:
    """An act on the water of the town's site."""
    if face == "ondilo":
        return await ask(here, face, user, "PUT", f"{ONDILO}/pools/234/recommendations/7")
    if face == "flipr":
        return await ask(here, face, user, "POST", "/flipr/hub/HB0001/Manual/True")
    return await baxo(here, user, "devices-tags-write", deviceId="14587", tagRef="SET", value="25")


async def audited(here: Town) -> list[AuditEntry]:
    return [one for one in await here.store.audit() if one.act in {"validate", "switch", "write"}]


@pytest.mark.parametrize("face", DONE)
@pytest.mark.parametrize("user", SEE)
async def test_who_has_a_role_sees_the_site(face: str, user: str) -> None:
    answer = await shown(await town(), face, user)
    assert answer.status == 200, answer.text
    assert "7.4" in answer.text


@pytest.mark.parametrize("face", DONE)
@pytest.mark.parametrize("user", NOT_THEIRS)
async def test_who_has_none_does_not_hear_that_there_is_a_site(face: str, user: str) -> None:
    answer = await shown(await town(), face, user)
    assert answer.status in {404, 503}, "503 where nothing at all is collected for them"
    assert "7.4" not in answer.text
    assert "Town" not in answer.text


@pytest.mark.parametrize("face", DONE)
@pytest.mark.parametrize("user", ACT)
async def test_a_technician_and_an_owner_act_on_the_water(face: str, user: str) -> None:
    here = await town()
    answer = await acted(here, face, user)
    assert answer.status == 200, answer.text
    assert here.cloud.done == [DONE[face]]
    (entry,) = await audited(here)
    site = {"ondilo": POOL, "flipr": SPA, "baxo": PLANT}[face]
    assert (entry.user, entry.site) == (user, site.id)


@pytest.mark.parametrize("face", DONE)
async def test_a_viewer_acts_on_nothing_and_that_they_tried_is_recorded(face: str) -> None:
    here = await town()
    answer = await acted(here, face, VIEWER)
    assert answer.status == 403, answer.text
    assert here.cloud.done == []
    (entry,) = await audited(here)
    assert (entry.user, "failed" in entry.outcome) == (VIEWER, True)


@pytest.mark.parametrize("face", DONE)
@pytest.mark.parametrize("user", NOT_THEIRS)
async def test_who_has_no_role_acts_on_nothing(face: str, user: str) -> None:
    here = await town()
    assert (await acted(here, face, user)).status in {404, 503}
    assert here.cloud.done == []


async def test_a_viewer_has_shared_pools_among_their_own_on_ondilos_face() -> None:
    here = await town()
    pools = (await ask(here, "ondilo", VIEWER, "GET", f"{ONDILO}/pools")).json()
    assert {pool["name"] for pool in pools} == {POOL.name, SPA.name, PLANT.name}
    assert [pool["name"] for pool in (await ask(here, "ondilo", STRANGER, "GET", f"{ONDILO}/pools")).json()] == [
        "Elsewhere"
    ]


async def test_who_leaves_sees_nothing_from_the_next_request_on() -> None:
    here = await town()
    token = {"authorization": f"Bearer {await here.token('ondilo', MEMBER)}"}
    assert (await call(here.app, "GET", f"{ONDILO}/pools/234/device", token)).status == 200
    await here.store.remove_membership(MEMBER, "town")
    assert (await call(here.app, "GET", f"{ONDILO}/pools/234/device", token)).status in {404, 503}
    assert (await call(here.app, "PUT", f"{ONDILO}/pools/234/recommendations/7", token)).status in {404, 503}
    assert here.cloud.done == []


async def test_with_whom_a_pool_is_shared_its_owner_hears_and_nobody_else() -> None:
    here = await town()
    await here.store.put_membership(Membership("friend@town.example", "site", POOL.id, "viewer", NOW, OWNER))

    async def shares(user: str) -> Any:
        return (await ask(here, "ondilo", user, "GET", f"{ONDILO}/pools/234/shares")).json()

    told = {share["email"]: (share["firstname"], share["shared_since"]) for share in await shares(OWNER)}
    assert told == {
        "friend@town.example": ("", "2026-07-14T12:30:00+0000"),
        TECHNICIAN: ("Technician", "2026-07-14T12:30:00+0000"),
        VIEWER: ("Viewer", "2026-07-14T12:30:00+0000"),
    }
    for user in (TECHNICIAN, VIEWER, MEMBER):
        assert await shares(user) == []


async def test_an_owner_by_membership_is_an_owner_at_the_face() -> None:
    here = await town()
    await here.store.put_membership(Membership(VIEWER, "site", POOL.id, "owner", NOW, OWNER))
    assert (await acted(here, "ondilo", VIEWER)).status == 200


async def test_a_strip_beside_a_vendors_probe_is_no_device_and_changes_nothing_at_any_face() -> None:
    here = await town()
    asked = [
        ("ondilo", f"{ONDILO}/pools"),
        ("ondilo", f"{ONDILO}/pools/234/lastmeasures?types[]=ph"),
        ("ondilo", f"{ONDILO}/pools/234/measures?type=ph&period=day"),
        ("ondilo", f"{ONDILO}/pools/234/device"),
        ("flipr", "/flipr/modules"),
        ("flipr", "/flipr/modules/21BXYZ/survey/last"),
    ]

    async def answers() -> list[str]:
        told = [(await ask(here, face, OWNER, "GET", path)).text for face, path in asked]
        return [*told, (await baxo(here, OWNER, "devices")).text]

    before = await answers()
    for site in (POOL, SPA, PLANT):
        probe = await hand_probe(here.store, site)
        (kept,) = await here.store.history("ondilo:234/ico", "ph")
        strip = type(kept)(probe.id, "ph", NOW, 7.9, "7.9", kept.raw_unit, "own/strip")
        await keep_by_hand(here.store, probe, [strip], NOW, CATALOGUE)
    assert await answers() == before
    assert PUMP.id in {switch.id for site in await here.store.sites() for switch in site.switches}
