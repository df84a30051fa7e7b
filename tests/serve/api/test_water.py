from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from margelle.collect.report import reports
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Band, Person, User
from margelle.domain.unit import Unit
from margelle.ports import AccountReport, Discovery, Display, Spending
from margelle.serve.app import Api
from margelle.store.memory import MemoryStore
from tests.asgi import Response
from tests.conftest import NOW
from tests.house import ANNA, GARDEN
from tests.serve.api.hub import Hub, furnished
from tests.serve.asked import Asked
from tests.serve.vendors import vendor
from tests.store.things import probe, site


@pytest.fixture
async def hub() -> Hub:
    found = await furnished(MemoryStore())
    await found.store.put_account(Account("blue", "ondilo", ANNA, "anna"))
    sites = tuple(site(key, name=f"Pool {key}") for key in range(1, 6))
    await found.store.put_discovery("blue", Discovery(Person(), sites, tuple(probe(key) for key in range(1, 6))), NOW)
    return found


def ids(answer: Response) -> list[str]:
    return [one["id"] for one in answer.json()["items"]]


async def test_sites_are_told_with_the_callers_role(hub: Hub) -> None:
    told = (await hub.get("/sites/own:garden")).json()
    assert (told["name"], told["role"], told["volume_m3"], told["gone"]) == ("Garden pool", "owner", 48.0, False)
    assert told["time_zone"] == "Europe/Paris"


async def test_a_site_is_told_with_its_state_and_all_that_speaks_for_it(hub: Hub) -> None:
    low = {"kind": "outside", "quantity": "ph", "probe": GARDEN, "count": 1}
    told = (await hub.get("/sites/own:garden")).json()
    assert (told["state"], told["reasons"], told["measured_at"]) == ("watch", [low], "2026-07-14T12:00:00Z")
    await hub.store.add([Measurement(GARDEN, "ph", NOW, 9.4, "9.4", Unit.PH, "own/http")], NOW)
    told = (await hub.get("/sites/own:garden")).json()
    assert (told["state"], told["measured_at"]) == ("act", "2026-07-14T12:30:00Z")
    assert told["reasons"] == [{"kind": "far", "quantity": "ph", "probe": GARDEN, "count": 1}]
    listed = {one["id"]: one["state"] for one in (await hub.get("/sites")).json()["items"]}
    assert listed == {f"ondilo:{n}": "silent" for n in range(1, 6)} | {"own:garden": "act"}


async def test_a_site_falls_silent_while_nothing_is_stored_and_what_a_client_has_is_not_good_any_more(hub: Hub) -> None:
    for path in ("/sites/own:garden", "/sites"):
        hub.now = NOW
        first = await hub.get(path)
        assert (await hub.get(path, {"if-none-match": first.headers["etag"]})).status == 304
        hub.now = NOW + timedelta(days=2)
        later = await hub.get(path, {"if-none-match": first.headers["etag"]})
        assert later.status == 200
        assert later.headers["etag"] != first.headers["etag"]
        assert '"state":"silent"' in later.text


async def test_the_state_is_that_of_the_limits_that_the_hub_has_and_its_vendors_bands() -> None:
    store = MemoryStore()
    display = Display(bands={"ph": Band(6.8, 7.4)})
    own = replace(vendor(lambda _: (), name="own"), display=lambda *_: lambda _: display)
    hub = await furnished(store, vendors=[own], regime="collective")
    told = (await hub.get("/sites/own:garden")).json()
    assert (told["state"], told["reasons"]) == ("good", [])
    (panel,) = (await hub.get("/plot", site="own:garden", quantity="ph")).json()["panels"]
    assert panel["ideal"] == {"low": 6.8, "high": 7.4}


@pytest.mark.parametrize("path", ["/sites", "/sites?limit=3"])
async def test_of_more_sites_the_store_is_not_asked_more_often(path: str) -> None:
    often: list[list[str]] = []
    for many in (5, 50):
        store = Asked(MemoryStore())
        hub = await furnished(store)
        await store.put_account(Account("blue", "ondilo", ANNA, "anna"))
        sites = tuple(site(key) for key in range(many))
        await store.put_discovery("blue", Discovery(Person(), sites, tuple(probe(key) for key in range(many))), NOW)
        store.names.clear()
        assert (await hub.get(path)).status == 200
        often.append(store.names)
    assert often[0] == often[1]


async def test_sites_are_found_by_name_and_vendor_and_had_in_parts(hub: Hub) -> None:
    assert ids(await hub.get("/sites", name="POOL 3")) == ["ondilo:3"]
    assert ids(await hub.get("/sites", vendor="own")) == ["own:garden"]
    first = await hub.get("/sites", limit=4)
    rest = await hub.get("/sites", limit=4, after=first.json()["next"])
    assert [*ids(first), *ids(rest)] == [*(f"ondilo:{n}" for n in range(1, 6)), "own:garden"]
    assert rest.json()["next"] is None


async def test_a_site_that_its_cloud_no_longer_names_is_told_when_asked_for(hub: Hub) -> None:
    await hub.store.put_discovery("blue", Discovery(Person(), (site(1),), (probe(1),)), NOW)
    assert ids(await hub.get("/sites")) == ["ondilo:1", "own:garden"]
    told = (await hub.get("/sites", gone="true")).json()["items"]
    assert [one["gone"] for one in told] == [False, True, True, True, True, False]
    assert (await hub.get("/sites/ondilo:2")).json()["gone"] is True


async def test_a_probe_is_told_with_what_it_measures_and_its_id_may_have_slashes(hub: Hub) -> None:
    for path in (f"/probes/{GARDEN}", "/probes/own%3Agarden%2Fprobe"):
        assert (await hub.get(path)).json()["quantities"] == ["ph", "temperature"]
    assert ids(await hub.get("/probes", site="own:garden")) == [GARDEN]


async def test_quantities_are_those_of_the_hub(hub: Hub) -> None:
    told = {one["name"]: one for one in (await hub.get("/quantities")).json()["items"]}
    assert told["orp"]["unit"] == "mV"


@pytest.mark.parametrize("path", ["/sites/own:bath", "/probes/own:bath/probe", "/sites/nowhere"])
async def test_what_is_somebody_elses_does_not_exist(hub: Hub, path: str) -> None:
    answer = await hub.get(path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_accounts_are_the_callers_and_all_for_an_operator_who_may_manage(hub: Hub) -> None:
    assert ids(await hub.get("/accounts")) == ["blue", "own"]
    await hub.store.put_user(User(ANNA, "x", operator=True))
    assert ids(await hub.get("/accounts")) == ["blue", "own", "own-2"]
    reader = await hub.key("read")
    assert ids(await hub.call("GET", "/accounts", token=reader)) == ["blue", "own"]
    assert b'"person"' not in (await hub.get("/accounts")).body


async def test_how_collecting_stands_is_told_as_the_collector_reports_it() -> None:
    store = MemoryStore()

    async def told(accounts: Sequence[Account]) -> Sequence[AccountReport]:
        return await reports(store, lambda _: Spending(full=20), NOW, accounts)

    hub = await furnished(store, api=Api(told, requests_per_minute=0))
    await store.put_account(Account("blue", "ondilo", ANNA, "anna"))
    (one,) = (await hub.get("/collection")).json()["items"]
    assert (one["account"], one["budget"]["full"], one["next"][0]["act"]) == ("blue", 20, "discover")
    assert (await hub.get("/collection", account="own-2")).status == 404


async def test_accounts_and_their_collection_come_in_parts() -> None:
    store, asked = MemoryStore(), list[list[str]]()

    async def told(accounts: Sequence[Account]) -> Sequence[AccountReport]:
        asked.append([one.id for one in accounts])
        return await reports(store, lambda _: Spending(full=20), NOW, accounts)

    hub = await furnished(store, api=Api(told, requests_per_minute=0))
    for name in ("c", "a", "b"):
        await store.put_account(Account(name, "ondilo", ANNA, "anna"))
    first = (await hub.get("/collection", limit=2)).json()
    assert [one["account"] for one in first["items"]] == ["a", "b"]
    second = (await hub.get("/collection", limit=2, after=first["next"])).json()
    assert ([one["account"] for one in second["items"]], second["next"]) == (["c"], None)
    assert asked == [["a", "b"], ["c"]], "what is not told is not looked up"
    parts = [(await hub.get("/accounts", limit=2)).json()]
    parts.append((await hub.get("/accounts", limit=2, after=parts[0]["next"])).json())
    assert [one["id"] for part in parts for one in part["items"]] == ["a", "b", "c", "own"]
    assert (await hub.get("/collection", after="nonsense")).status == 400
