"""How the API keeps to HTTP: validators, methods, other sites' scripts, quotas, and who may call at all."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from margelle.domain.site import User
from margelle.ports import Grant
from margelle.serve.api import NAME
from margelle.serve.app import Api, build
from margelle.serve.pages import FACE
from margelle.serve.pages.session import COOKIE
from margelle.serve.sign_in import FaceDesk, digest, hash_password
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.house import ANNA
from tests.serve.api.hub import Hub, furnished, no_reports, water
from tests.serve.vendors import NoActions


@pytest.fixture
async def hub() -> Hub:
    return await furnished(MemoryStore())


@pytest.mark.parametrize(
    "path", ["/measurements", "/measurements?format=csv", "/latest", "/sites", "/statistics/days", "/me", "/gaps"]
)
async def test_what_a_client_has_is_not_sent_again_until_something_is_stored(hub: Hub, path: str) -> None:
    first = await hub.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = await hub.get(path, {"if-none-match": f'"other", W/{tag}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    await hub.store.add([point for point in water("own:garden/probe", 11) if point.at < NOW - timedelta(hours=10)], NOW)
    after = await hub.get(path, {"if-none-match": tag})
    if path in {"/me", "/latest", "/sites", "/gaps"}:  # which say the same
        assert after.status == 304
    else:
        assert after.status == 200
        assert after.headers["etag"] != tag


async def test_one_callers_tag_is_not_anothers(hub: Hub) -> None:
    other = await hub.key("read", user="ben@example.org")
    tag = (await hub.get("/sites")).headers["etag"]
    answer = await hub.call("GET", "/sites", headers={"if-none-match": tag}, token=other)
    assert answer.status == 200
    assert [site["id"] for site in answer.json()["items"]] == ["own:bath"]


async def test_head_is_get_without_the_body(hub: Hub) -> None:
    for path in ("/sites", "/measurements?format=csv", "/stream"):
        answer = await hub.call("HEAD", path)
        assert answer.status == 200, path
        assert answer.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/sites", "GET, HEAD, OPTIONS"),
        ("/measurements", "GET, HEAD, OPTIONS, POST"),
        ("/events/1", "DELETE, GET, HEAD, OPTIONS"),
    ],
)
async def test_each_path_says_what_can_be_done_there(hub: Hub, path: str, allowed: str) -> None:
    options = await hub.call("OPTIONS", path)
    assert (options.status, options.headers["allow"]) == (204, allowed)
    wrong = await hub.call("PATCH", path)
    assert (wrong.status, wrong.headers["allow"]) == (405, allowed)
    assert wrong.headers["content-type"] == "application/problem+json"


async def test_scripts_of_other_sites_may_read_nothing_unless_the_settings_name_them(hub: Hub) -> None:
    theirs = {"origin": "https://dash.example", "access-control-request-method": "GET"}
    told = await hub.call("OPTIONS", "/sites", headers=theirs)
    assert not [name for name in told.headers if name.startswith("access-control")]
    open_hub = await furnished(
        MemoryStore(), api=Api(no_reports, origins=("https://dash.example",), requests_per_minute=0)
    )
    told = await open_hub.call("OPTIONS", "/sites", headers=theirs)
    assert told.headers["access-control-allow-origin"] == "https://dash.example"
    assert "authorization" in told.headers["access-control-allow-headers"]
    for path in ("/sites", "/nothing-such?x=1", "/sites?x=1"):
        answer = await open_hub.get(path, {"origin": "https://dash.example"})
        if answer.status != 404:
            assert answer.headers["access-control-allow-origin"] == "https://dash.example"
        assert "access-control-allow-credentials" not in answer.headers
    other = await open_hub.get("/sites", {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_each_caller_has_a_quota_and_is_told_how_it_stands() -> None:
    hub = await furnished(MemoryStore(), api=Api(no_reports, requests_per_minute=3))
    left = [(await hub.get("/me")).headers["ratelimit"] for _ in range(3)]
    assert left == ['"api";r=2;t=60', '"api";r=1;t=60', '"api";r=0;t=60']
    refused = await hub.get("/me")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["content-type"] == "application/problem+json"
    other = await hub.key("read")
    answer = await hub.call("GET", "/me", token=other)
    assert (answer.status, answer.headers["ratelimit-policy"]) == (200, '"api";q=3;w=60'), "each key counts for itself"


async def test_a_key_is_good_for_its_scopes_and_no_more(hub: Hub) -> None:
    reader, writer = await hub.key("read"), await hub.key("measure")
    assert (await hub.call("GET", "/sites", token=reader)).status == 200
    assert (await hub.call("GET", "/sites", token=writer)).status == 403
    note = {"site": "own:garden", "kind": "backwash"}
    assert (await hub.call("POST", "/events", note, token=reader)).status == 403
    assert (await hub.call("GET", "/keys", token=reader)).status == 403


async def test_a_token_from_before_there_were_scopes_still_sends_measurements_and_nothing_else(hub: Hub) -> None:
    old = await FaceDesk(NAME, hub.store, lambda: NOW).issue("access", ANNA, life_s=None)
    point = {"probe": "own:garden", "quantity": "ph", "at": "2026-07-01T00:00:00Z", "value": 7.1}
    assert (await hub.call("POST", "/measurements", [point], token=old)).json()["new"] == 1
    assert (await hub.call("GET", "/measurements", token=old)).status == 403


async def test_an_expired_key_is_nobodys(hub: Hub) -> None:
    await hub.store.put_grant(Grant(digest("old"), "access", NAME, ANNA, NOW, NOW, scopes=("read",)))
    answer = await hub.call("GET", "/me", token="old")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_stands_in_for_a_password_where_a_program_knows_only_logins(hub: Hub) -> None:
    async def asked(login: str) -> int:
        given = base64.b64encode(f"{login}:{hub.token}".encode()).decode()
        return (await call(hub.app, "GET", "/api/v1/me", {"authorization": f"Basic {given}"})).status

    assert await asked(ANNA) == 200
    assert await asked("ben@example.org") == 401


class Browser:
    """A browser that has signed in at the pages."""

    def __init__(self, hub: Hub, session: str) -> None:
        self.app, self._session = hub.app, session

    async def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        given = {"cookie": f"{COOKIE}={self._session}", "content-type": "application/json"} | headers
        return await call(self.app, method, f"/api/v1{path}", given, body)


@pytest.fixture
async def browser() -> Browser:
    hub = await furnished(MemoryStore(), pages=True)
    return Browser(hub, await FaceDesk(FACE, hub.store, lambda: NOW).issue("access", ANNA, life_s=None))


async def test_who_has_signed_in_at_the_pages_may_read(browser: Browser) -> None:
    assert (await browser.send("GET", "/me")).json()["email"] == ANNA


async def test_what_changes_something_must_not_come_from_another_site(browser: Browser) -> None:
    note = b'{"site": "own:garden", "kind": "backwash"}'
    foreign = await browser.send("POST", "/events", note, origin="https://evil.example")
    assert foreign.status == 403
    assert (await browser.send("POST", "/events", note, origin="http://hub.example:8080")).status == 201


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"[" * 60_000, 400),
        ("application/json", b'{"site": "own:garden"}', 400),
        ("application/json", b'{"site": "own:garden", "kind": "backwash", "sort": 1}', 400),
        ("application/json", b'{"site": "own:garden", "kind": "feast"}', 400),
        ("application/json", b'{"site": 7, "kind": "backwash"}', 400),
        ("application/json", b" " * (17 << 20), 413),
    ],
)
async def test_a_body_that_is_wrong_is_refused(hub: Hub, kind: str, body: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {hub.token}", "content-type": kind}
    answer = await call(hub.app, "POST", "/api/v1/events", headers, body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_wrong_field_of_a_body_is_named(hub: Hub) -> None:
    answer = await hub.call("POST", "/events", {"site": "own:garden", "kind": "dose", "amount": -1, "unit": "g"})
    (error,) = answer.json()["errors"]
    assert (error["name"], error["where"]) == ("amount", "body")


async def test_a_hub_without_pages_takes_no_cookie(hub: Hub) -> None:
    session = await FaceDesk(FACE, hub.store, lambda: NOW).issue("access", ANNA, life_s=None)
    answer = await call(hub.app, "GET", "/api/v1/me", {"cookie": f"{COOKIE}={session}"})
    assert answer.status == 401


async def test_a_login_serves_as_a_key_does_with_all_scopes(hub: Hub) -> None:
    await hub.store.put_user(User(ANNA, hash_password("un secret")))
    given = base64.b64encode(f"{ANNA}:un secret".encode()).decode()
    answer = await call(hub.app, "GET", "/api/v1/me", {"authorization": f"Basic {given}"})
    assert answer.json()["scopes"] == ["control", "intervene", "manage", "measure", "read"]


async def test_a_cloud_has_no_such_api() -> None:
    app = build(MemoryStore(), [], {}, lambda: NOW, NoActions(), pages=False)
    for path in ("/api/v1/sites", "/api/v1/", "/prometheus/api/v1/query", "/metrics"):
        assert (await call(app, "GET", path)).status == 404
