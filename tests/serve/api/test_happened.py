from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.event import Event
from margelle.domain.site import OWN, Person, Recommendation, Site, User
from margelle.errors import Conflict, Refused, Unreachable
from margelle.ports import Discovery, Gap
from margelle.serve.api import cursor
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import ANNA, GARDEN
from tests.serve.api.hub import HOUR, Hub, furnished
from tests.serve.vendors import NoActions

ADVICE = Recommendation("own:r1", "own:garden", "r1", "Clean", "the filter", NOW - HOUR, NOW - HOUR)


class Actions(NoActions):
    """Carries a validation to a cloud that may refuse it."""

    def __init__(self, store: MemoryStore) -> None:
        self.store, self.trouble = store, None  # type: Any, Any

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        if self.trouble:
            raise self.trouble
        await self.store.put_recommendation(replace(recommendation, status="ok"))


@pytest.fixture
async def hub() -> Hub:
    store = MemoryStore()
    actions = Actions(store)
    found = await furnished(store, actions=actions)
    await store.put_recommendations("own:garden", [ADVICE])
    found.actions = actions  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("field", "wrong", "known"),
    [
        ("kind", "Dose", "it is one of dose, backwash, filter_cleaning, "),
        ("product", "pH minus", "invalid enum value 'pH minus': it is one of ph_minus, ph_plus, "),
        ("unit", "grams", "it is one of g, kg, mL, L, m3, tablet"),
    ],
)
async def test_what_an_event_knows_only_some_of_is_told_where_another_was_sent(
    hub: Hub, field: str, wrong: str, known: str
) -> None:
    dose = {"site": "own:garden", "kind": "dose", "product": "ph_minus", "amount": 300, "unit": "g"}
    refused = await hub.call("POST", "/events", dose | {field: wrong})
    assert refused.status == 400
    (fault,) = refused.json()["errors"]
    assert fault["name"] == field
    assert known in fault["detail"]


async def test_an_event_is_noted_read_and_taken_back(hub: Hub) -> None:
    dose = {
        "site": "own:garden",
        "kind": "dose",
        "product": "ph_minus",
        "amount": 300,
        "unit": "g",
        "at": "2026-07-14T13:00:00+02:00",
    }
    made = await hub.call("POST", "/events", dose)
    assert made.status == 201
    event = made.json()
    assert (event["at"], event["by"], event["recorded_at"]) == ("2026-07-14T11:00:00Z", ANNA, "2026-07-14T12:30:00Z")
    assert (await hub.call("GET", made.headers["location"].removeprefix("/api/v1"))).json() == event
    assert (await hub.get("/events", site="own:garden")).json()["items"] == [event]
    gone = (await hub.call("DELETE", f"/events/{event['id']}")).json()
    assert (gone["removed_by"], gone["removed_at"]) == (ANNA, "2026-07-14T12:30:00Z")
    assert (await hub.get("/events", site="own:garden")).json()["items"] == []
    assert (await hub.get("/events", site="own:garden", removed="true")).json()["items"] == [gone]
    assert (await hub.call("DELETE", f"/events/{event['id']}")).status == 409


async def test_the_sites_owner_reads_in_the_audit_log_what_was_noted_by_a_program(hub: Hub) -> None:
    dose = {"site": "own:garden", "kind": "dose", "product": "ph_minus", "amount": 300, "unit": "g"}
    event = (await hub.call("POST", "/events", dose)).json()
    await hub.call("DELETE", f"/events/{event['id']}")
    log = await hub.store.audit(sites=["own:garden"])
    assert [(one.user, one.act, one.subject, one.outcome) for one in log] == [
        (ANNA, "event", event["id"], "ph_minus 300 g at 2026-07-14T12:30Z: taken back"),
        (ANNA, "event", event["id"], "ph_minus 300 g at 2026-07-14T12:30Z: noted"),
    ]


@pytest.mark.parametrize(
    ("note", "name"),
    [
        ({"kind": "dose", "amount": 3}, "unit"),
        ({"kind": "dose", "unit": "g"}, "unit"),
        ({"kind": "backwash", "product": "salt"}, "product"),
        ({"kind": "backwash", "at": "2026-07-15T00:00:00Z"}, "at"),
        ({"kind": "backwash", "at": "2026-07-14T00:00:00"}, "at"),
        ({"kind": "backwash", "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"kind": "backwash", "at": "0001-01-01T00:00:00Z"}, "at"),
        ({"kind": "backwash", "at": "9999-12-31T23:59:59-14:00"}, "at"),
    ],
)
async def test_a_note_that_cannot_be_is_refused_by_its_field(hub: Hub, note: dict[str, Any], name: str) -> None:
    answer = await hub.call("POST", "/events", {"site": "own:garden", **note})
    assert (answer.status, [error["name"] for error in answer.json()["errors"]]) == (400, [name])


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_of_events_have_each_once_also_those_of_one_instant(hub: Hub, limit: int) -> None:
    for n in range(7):
        at = NOW - timedelta(hours=n // 4)
        await hub.store.put_event(Event(f"e{n}", "own:garden", "note", at, ANNA, NOW))
    query: dict[str, Any] = {"site": "own:garden", "limit": limit}
    found: list[str] = []
    while True:
        told = (await hub.get("/events", **query)).json()
        found += [event["id"] for event in told["items"]]
        if told["next"] is None:
            break
        query["after"] = told["next"]
    assert sorted(found) == [f"e{n}" for n in range(7)]


async def test_events_of_somebody_elses_site_do_not_exist(hub: Hub) -> None:
    await hub.store.put_event(Event("theirs", "own:bath", "note", NOW, "ben@example.org", NOW))
    assert (await hub.get("/events", site="own:bath")).status == 404
    assert (await hub.get("/events/theirs")).status == 404
    assert (await hub.call("DELETE", "/events/theirs")).status == 404
    assert (await hub.call("POST", "/events", {"site": "own:bath", "kind": "note"})).status == 404


async def test_a_recommendation_is_told_until_it_is_validated(hub: Hub) -> None:
    assert [one["id"] for one in (await hub.get("/recommendations")).json()["items"]] == ["own:r1"]
    told = await hub.call("POST", "/recommendations/own:r1/validation")
    assert (told.status, told.json()["status"]) == (200, "ok")
    assert (await hub.get("/recommendations")).json()["items"] == []
    assert (await hub.get("/recommendations/own:r1")).json()["status"] == "ok"


@pytest.mark.parametrize(
    ("trouble", "status"), [(Refused("no"), 503), (Unreachable("down"), 503), (Conflict("done already"), 409)]
)
async def test_what_the_vendors_cloud_refuses_is_not_for_the_caller_to_sign_in(
    hub: Hub, trouble: Exception, status: int
) -> None:
    hub.actions.trouble = trouble  # type: ignore[attr-defined]
    assert (await hub.call("POST", "/recommendations/own:r1/validation")).status == status


async def test_only_who_may_act_validates(hub: Hub) -> None:
    for token, status in ((await hub.key("read"), 403), (await hub.key("control", user="ben@example.org"), 404)):
        assert (await hub.call("POST", "/recommendations/own:r1/validation", token=token)).status == status


async def test_what_is_missing_is_told_with_what_became_of_it(hub: Hub) -> None:
    gaps = [
        Gap(GARDEN, "ph", NOW - 29 * HOUR, NOW - 18 * HOUR, "lost", NOW, "the cloud has forgotten it"),
        Gap(GARDEN, "orp", NOW - 5 * HOUR, NOW - 4 * HOUR, "open", NOW),
        Gap("own:bath/probe", "orp", NOW - 5 * HOUR, NOW - 4 * HOUR, "open", NOW),
    ]
    await hub.store.put_gaps((), gaps)
    assert [gap["quantity"] for gap in (await hub.get("/gaps")).json()["items"]] == ["orp", "ph"]
    (lost,) = (await hub.get("/gaps", state="lost")).json()["items"]
    assert lost["why"] == "the cloud has forgotten it"
    assert (await hub.get("/gaps", state="open", quantity="ph")).json()["items"] == []


async def test_parts_of_what_is_missing_have_each_gap_once(hub: Hub) -> None:
    gaps = [
        Gap(GARDEN, quantity, since, since + HOUR, "open", NOW)
        for quantity in ("orp", "salt", "tds")
        for since in (NOW - 9 * HOUR, NOW - 5 * HOUR)
    ]
    await hub.store.put_gaps((), gaps)
    found: list[tuple[str, str]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        told = (await hub.get("/gaps", **query)).json()
        found += [(gap["quantity"], gap["since"]) for gap in told["items"]]
        if told["next"] is None:
            break
        query["after"] = told["next"]
    assert len(found) == len(set(found)) == len(gaps)
    assert [since for _, since in found] == sorted((since for _, since in found), reverse=True)
    assert (await hub.get("/gaps", after="nonsense")).status == 400


async def every_part(hub: Hub, path: str, **query: Any) -> list[list[dict[str, Any]]]:
    """All parts of a list, each held against its header."""
    parts: list[list[dict[str, Any]]] = []
    while True:
        told = await hub.get(path, **query)
        assert told.status == 200
        parts.append(told.json()["items"])
        following = told.json()["next"]
        assert (following is not None) == ('rel="next"' in told.headers.get("link", ""))
        if following is None:
            return parts
        query["after"] = following


async def test_parts_of_what_is_advised_have_each_recommendation_once(hub: Hub) -> None:
    garden = await hub.store.site("own:garden")
    assert garden is not None
    sites = (garden, Site("own:pond", OWN, "pond", "Pond", "tank"))
    await hub.store.put_discovery(OWN, Discovery(Person(), sites, ()), NOW)
    for site in ("own:garden", "own:pond"):
        given = [Recommendation(f"{site}/{n}", site, str(n), "Do it", "", NOW - (n % 2) * HOUR, NOW) for n in range(4)]
        await hub.store.put_recommendations(site, given)
    parts = await every_part(hub, "/recommendations", limit=3)
    assert [len(part) for part in parts] == [3, 3, 2]
    ids = [one["id"] for part in parts for one in part]
    assert ids == [f"{site}/{n}" for site in ("own:garden", "own:pond") for n in (1, 3, 0, 2)]
    assert len(await every_part(hub, "/recommendations", site="own:pond", limit=4)) == 1
    for after in ("nonsense", cursor.told(["own:garden", "2026-01-01T00:00:00", "x"]), cursor.told("own:garden")):
        assert (await hub.get("/recommendations", after=after)).status == 400
