"""A site without a vendor's cloud, on the vendors' faces and on the pages."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from margelle.domain.measurement import Measurement
from margelle.domain.site import User
from margelle.domain.unit import Unit
from margelle.serve.app import build
from margelle.serve.sign_in import FaceDesk, hash_password
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS
from tests.asgi import call
from tests.conftest import NOW
from tests.house import ANNA, GARDEN, furnish
from tests.serve.vendors import NoActions


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    await store.put_user(User(ANNA, hash_password("un secret")))
    await furnish(store, NOW)
    await store.add([Measurement(GARDEN, "ph", NOW, 7.4, "7.40", Unit.PH, "own/hand")], NOW)
    return store


async def bearer(store: MemoryStore, face: str) -> dict[str, str]:
    token = await FaceDesk(face, store, lambda: NOW).issue("access", ANNA, life_s=None)
    return {"authorization": f"Bearer {token}"}


def hub(store: MemoryStore, *, public_page: bool = False) -> Starlette:
    return build(store, list(VENDORS.values()), {}, lambda: NOW, NoActions(), public_page=public_page)


async def test_ondilos_face_shows_it(store: MemoryStore) -> None:
    headers = await bearer(store, "ondilo")
    (pool,) = (await call(hub(store), "GET", "/ondilo/api/customer/v1/pools", headers)).json()
    assert pool["name"] == "Garden pool"
    path = f"/ondilo/api/customer/v1/pools/{pool['id']}/lastmeasures?types[]=ph"
    (measure,) = (await call(hub(store), "GET", path, headers)).json()
    assert (measure["data_type"], measure["value"], measure["is_valid"]) == ("ph", 7.4, True)


async def test_fliprs_face_shows_it(store: MemoryStore) -> None:
    headers = await bearer(store, "flipr")
    (module,) = (await call(hub(store), "GET", "/flipr/modules", headers)).json()
    last = (await call(hub(store), "GET", f"/flipr/modules/{module['Serial']}/survey/last", headers)).json()
    assert last["PH"]["Value"] == 7.4


async def test_baxos_face_shows_it(store: MemoryStore) -> None:
    async def ask(**asked: str) -> dict[str, list[dict[str, str]]]:
        form = urlencode({"username": ANNA, "password": "un secret", **asked}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        told: dict[str, list[dict[str, str]]] = (await call(hub(store), "POST", "/baxo/k1", headers, form)).json()
        return told

    (contract,) = (await ask(get="contracts"))["contracts"]
    (device,) = (await ask(get="devices", contractId=contract["id"]))["devices"]
    logs = await ask(get="devices-realtimes", contractId=contract["id"], deviceId=device["id"])
    assert [(log["tagReference"], log["value"]) for log in logs["logs"]] == [("PH", "7.40")]


async def test_the_page_shows_it(store: MemoryStore) -> None:
    page = await call(hub(store, public_page=True), "GET", "/")
    assert page.status == 200
    assert "Garden pool" in page.text
