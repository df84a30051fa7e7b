from __future__ import annotations

from typing import Any

import pytest

from margelle.domain.access import Membership
from margelle.domain.site import User
from margelle.serve.keys import MOST
from margelle.serve.pages.audit import ACTS
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import ANNA
from tests.serve.api.hub import Hub, furnished

BEN = "ben@example.org"


@pytest.fixture
async def hub() -> Hub:
    return await furnished(MemoryStore())


async def test_a_key_says_who_it_speaks_for_and_what_it_is_good_for(hub: Hub) -> None:
    told = (await hub.call("GET", "/me", token=await hub.key("read", "measure"))).json()
    assert (told["email"], told["scopes"], told["sites"]) == (ANNA, ["measure", "read"], {"own:garden": "owner"})


async def test_a_key_is_made_used_listed_and_taken_back(hub: Hub) -> None:
    made = await hub.call("POST", "/keys", {"name": "Grafana", "scopes": ["read"], "days": 30})
    assert made.status == 201
    key = made.json()
    assert made.headers["location"] == f"/api/v1/keys/{key['id']}"
    assert key["expires_at"] == "2026-08-13T12:30:00Z"
    assert (await hub.call("GET", "/me", token=key["token"])).json()["scopes"] == ["read"]
    listed = (await hub.get("/keys")).json()["items"]
    assert "Grafana" in {one["name"] for one in listed}
    assert all("token" not in one and "digest" not in one for one in listed)
    assert (await hub.call("DELETE", f"/keys/{key['id']}")).status == 204
    assert (await hub.call("GET", "/me", token=key["token"])).status == 401
    assert (await hub.call("DELETE", f"/keys/{key['id']}")).status == 404


async def test_no_key_makes_one_that_may_do_more_than_itself(hub: Hub) -> None:
    manager = await hub.key("manage", "read")
    answer = await hub.call("POST", "/keys", {"name": "more", "scopes": ["read", "control"]}, token=manager)
    assert answer.status == 403
    assert (await hub.call("POST", "/keys", {"name": "same", "scopes": ["read"]}, token=manager)).status == 201


async def test_somebody_elses_key_does_not_exist(hub: Hub) -> None:
    key = (await hub.call("POST", "/keys", {"name": "mine"})).json()
    other = await hub.key("manage", user=BEN)
    assert (await hub.call("DELETE", f"/keys/{key['id']}", token=other)).status == 404
    assert "mine" not in {one["name"] for one in (await hub.call("GET", "/keys", token=other)).json()["items"]}


async def test_a_role_is_given_holds_at_once_and_is_taken_back(hub: Hub) -> None:
    ben = await hub.key("read", "intervene", user=BEN)
    assert (await hub.call("GET", "/sites/own:garden", token=ben)).status == 404
    member = {"user": BEN, "kind": "site", "subject": "own:garden", "role": "viewer"}
    assert (await hub.call("PUT", "/memberships", member)).json()["given_by"] == ANNA
    assert (await hub.call("GET", "/sites/own:garden", token=ben)).json()["role"] == "viewer"
    note = {"site": "own:garden", "kind": "backwash"}
    assert (await hub.call("POST", "/events", note, token=ben)).status == 403
    listed = (await hub.get("/memberships", site="own:garden")).json()["items"]
    assert [(one["user"], one["role"]) for one in listed] == [(BEN, "viewer")]
    assert (await hub.call("DELETE", "/memberships", user=BEN, subject="own:garden")).status == 204
    assert (await hub.call("GET", "/sites/own:garden", token=ben)).status == 404


async def test_who_has_a_role_may_leave_but_not_decide(hub: Hub) -> None:
    await hub.store.put_membership(Membership(BEN, "site", "own:garden", "technician", NOW, ANNA))
    ben = await hub.key("read", "manage", user=BEN)
    member = {"user": "eve@example.org", "kind": "site", "subject": "own:garden", "role": "owner"}
    assert (await hub.call("PUT", "/memberships", member, token=ben)).status == 403
    assert (await hub.call("GET", "/memberships", token=ben, site="own:garden")).status == 403
    assert (await hub.call("DELETE", "/memberships", token=ben, user=BEN, subject="own:garden")).status == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/users", None),
        ("PUT", "/organisations/club", {"name": "The club"}),
        ("DELETE", "/organisations/club", None),
    ],
)
async def test_the_hub_itself_is_its_operators(hub: Hub, method: str, path: str, body: Any) -> None:
    assert (await hub.call(method, path, body)).status == 403
    await hub.store.put_user(User(ANNA, "x", operator=True))
    await hub.call("PUT", "/organisations/club", {"name": "The club"})
    assert (await hub.call(method, path, body)).status in {200, 204}


async def test_no_secret_of_a_user_is_told(hub: Hub) -> None:
    await hub.store.put_user(User(ANNA, "$argon2id$secret", operator=True))
    answer = await hub.get("/users")
    assert [one["email"] for one in answer.json()["items"]] == [ANNA, BEN]
    assert b"argon2" not in answer.body


async def test_an_organisation_is_seen_by_its_members_and_decided_of_by_its_owners(hub: Hub) -> None:
    await hub.store.put_user(User(ANNA, "x", operator=True))
    await hub.call("PUT", "/organisations/club", {"name": "The club"})
    ben = await hub.key("read", "manage", user=BEN)
    assert (await hub.call("GET", "/organisations", token=ben)).json()["items"] == []
    assert (await hub.call("GET", "/memberships", token=ben, organisation="club")).status == 404
    await hub.call("PUT", "/memberships", {"user": BEN, "kind": "organisation", "subject": "club", "role": "viewer"})
    assert [one["name"] for one in (await hub.call("GET", "/organisations", token=ben)).json()["items"]] == ["The club"]
    assert (await hub.call("GET", "/memberships", token=ben, organisation="club")).status == 403
    await hub.call("PUT", "/memberships", {"user": BEN, "kind": "organisation", "subject": "club", "role": "owner"})
    assert (await hub.call("GET", "/memberships", token=ben, organisation="club")).status == 200


async def test_what_was_done_is_in_the_audit_log_as_the_pages_write_it(hub: Hub) -> None:
    await hub.store.put_user(User(ANNA, "x", operator=True))
    key = (await hub.call("POST", "/keys", {"name": "Grafana"})).json()
    await hub.call("DELETE", f"/keys/{key['id']}")
    await hub.call("PUT", "/memberships", {"user": BEN, "kind": "site", "subject": "own:garden", "role": "viewer"})
    await hub.call("DELETE", "/memberships", user=BEN, subject="own:garden")
    await hub.call("PUT", "/organisations/club", {"name": "The club"})
    await hub.call("PUT", "/memberships", {"user": BEN, "kind": "organisation", "subject": "club", "role": "viewer"})
    await hub.call("DELETE", "/organisations/club")
    log = list(reversed(await hub.store.audit()))
    assert {entry.user for entry in log} == {ANNA}
    assert [(entry.act, entry.subject, entry.site) for entry in log] == [
        ("key", "Grafana", ""),
        ("key", "Grafana", ""),
        ("share", BEN, "own:garden"),
        ("share", BEN, "own:garden"),
        ("organisation", "club", ""),
        ("share", BEN, ""),
        ("organisation", "club", ""),
    ]
    assert {entry.act for entry in log} <= set(ACTS)
    assert all(key["token"] not in entry.outcome for entry in log)


async def test_a_member_is_named_as_the_user_that_there_is(hub: Hub) -> None:
    member = {"user": BEN.upper(), "kind": "site", "subject": "own:garden", "role": "viewer"}
    assert (await hub.call("PUT", "/memberships", member)).json()["user"] == BEN


async def test_an_operators_key_that_only_reads_sees_only_their_own_organisations(hub: Hub) -> None:
    await hub.store.put_user(User(ANNA, "x", operator=True))
    await hub.call("PUT", "/organisations/club", {"name": "The club"})
    reads = await hub.key("read")
    assert (await hub.call("GET", "/organisations", token=reads)).json()["items"] == []
    assert [one["id"] for one in (await hub.get("/organisations")).json()["items"]] == ["club"]


async def test_nobody_has_endless_keys(hub: Hub) -> None:
    for n in range(MOST - 1):
        assert (await hub.call("POST", "/keys", {"name": f"{n}"})).status == 201
    assert (await hub.call("POST", "/keys", {"name": "one more"})).status == 409
