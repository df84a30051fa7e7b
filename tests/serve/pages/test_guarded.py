"""Every page and every form, as somebody tries them who should not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from margelle.serve.pages import AREAS, FACE
from margelle.serve.pages.hall import Hall, Look
from margelle.serve.pages.session import Sessions
from margelle.serve.sign_in import Attempts, FaceDesk
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS
from tests.asgi import Response, call
from tests.serve.town import FORMER, OPERATOR, OWNER, POOL, STRANGER, TECHNICIAN, VIEWER, Town, town
from tests.serve.vendors import NoActions

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
OPEN = {
    *("/sign-in", "/sign-out", "/p/{token}", "/invitation/{token}"),
    *("/welcome", "/demo", "/demo/leave", "/connect/{vendor}/back"),
}
"""For those who have not signed in: each is tested on its own."""
SCOPE: dict[str, str] = {
    "measure": "technician",
    "measure/remove": "technician",
    "done": "technician",
    "act": "technician",
    "events/remove": "technician",
    "people": "owner",
    "people/end": "owner",
    "links": "owner",
    "links/end": "owner",
    "tags/{site}": "owner",
    "connect/site/{site}": "owner",
    "connect/site/{site}/remove": "owner",
}
"""The least role for a page or form of a site, which mostly is below /sites/{site}; all others are a viewer's."""
OPERATORS = ("/people", "/people/organisations", "/hub", "/faces", "/settings")
ROLES = ("viewer", "technician", "owner")
BY_ROLE = {"viewer": VIEWER, "technician": TECHNICIAN, "owner": OWNER}


def _routes() -> list[tuple[str, str]]:
    """Every (method, path) of every area."""
    store, vendors = MemoryStore(), list(VENDORS.values())
    clock: Any = None
    sessions = Sessions(FaceDesk(FACE, store, clock, Attempts(store)))
    hall = Hall(store, vendors, clock, sessions=sessions, actions=NoActions(), look=Look(), areas=AREAS)
    found = []
    for route in hall.routes():
        assert isinstance(route, Route)
        found += [(method, route.path) for method in sorted(route.methods or ()) if method in {"GET", "POST"}]
    return found


ROUTES = [(method, path) for method, path in _routes() if path not in OPEN]
AT_SITES = [(method, path) for method, path in ROUTES if "{site}" in path]


def filled(path: str, site: str = POOL.id) -> str:
    """The path with something in every blank."""
    path = path.replace("{site}", site).replace("{organisation}", "town")
    return re.sub(r"\{\w+(:\w+)?\}", "nothing", path)


async def ask(here: Town, method: str, path: str, user: str | None, **form: str) -> Response:
    headers = {
        **(await here.session(user) if user else {}),
        "accept": "text/html",
        **(FORM if method == "POST" else {}),
    }
    return await call(here.app, method, path, headers, urlencode(form).encode() if method == "POST" else b"")


def test_there_are_pages_to_try() -> None:
    assert len(AT_SITES) > 12
    assert len(ROUTES) > 30


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_who_has_not_signed_in_is_led_to_the_door(method: str, path: str) -> None:
    here = await town()
    answer = await ask(here, method, filled(path), None)
    assert answer.status in {303, 401}, answer.text[:300]
    if answer.status == 303:
        assert answer.headers["location"].startswith("/sign-in")
    assert "Town" not in answer.text


@pytest.mark.parametrize(("method", "path"), AT_SITES)
@pytest.mark.parametrize("user", [STRANGER, FORMER])
async def test_a_stranger_does_not_hear_that_there_is_such_a_site(method: str, path: str, user: str) -> None:
    here = await town()
    for site in (POOL.id, "ondilo:none"):
        answer = await ask(here, method, filled(path, site), user)
        assert answer.status == 404, answer.text[:300]
        assert "Town" not in answer.text


@pytest.mark.parametrize(("method", "path"), AT_SITES)
async def test_each_page_of_a_site_is_for_its_role_and_those_above(method: str, path: str) -> None:
    here = await town()
    least = SCOPE.get(path.removeprefix("/sites/{site}").lstrip("/"), "viewer")
    for role in ROLES:
        before = await here.store.version()
        answer = await ask(here, method, filled(path), BY_ROLE[role])
        if ROLES.index(role) < ROLES.index(least):
            assert answer.status == 403, f"{role}: {answer.text[:300]}"
            assert here.cloud.done == []
        else:
            assert answer.status != 403, f"{role}: {answer.text[:300]}"
        assert answer.status < 500 or before == await here.store.version()


@pytest.mark.parametrize(
    ("method", "path"), [one for one in ROUTES if one[1].startswith(OPERATORS) and one[1] != "/hub/faces"]
)
@pytest.mark.parametrize("user", [OWNER, STRANGER])
async def test_what_is_the_operators_is_nobody_elses(method: str, path: str, user: str) -> None:
    here = await town()
    answer = await ask(here, method, filled(path), user, email=VIEWER, name="x", account="ondilo", role="viewer")
    assert answer.status in {403, 404}, answer.text[:300]
    assert {one.email for one in await here.store.users() if one.operator} == {OPERATOR}
    assert len(await here.store.memberships(subject="town")) == 1


@pytest.mark.parametrize("path", [path for method, path in _routes() if method == "POST"])
@pytest.mark.parametrize(
    "foreign",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://hub.example:8080"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://[bad"},
        {"origin": "http://hub.example:8081"},
    ],
    ids=lambda one: ",".join(one.values()),
)
async def test_no_form_of_another_site_is_taken(path: str, foreign: dict[str, str]) -> None:
    here = await town()
    session = await here.session(OPERATOR)
    before = await here.store.version()
    headers = {**session, "content-type": FORM["content-type"], "accept": "text/html", **foreign}
    answer = await call(here.app, "POST", filled(path), headers, b"email=viewer%40town.example&confirmed=1")
    assert answer.status == 403
    assert await here.store.version() == before, "nothing was changed"


async def test_the_hubs_own_form_is_taken_whichever_way_the_browser_says_so() -> None:
    here = await town()
    session = await here.session(OWNER)
    ways: list[dict[str, str]] = [
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": "http://hub.example:8080"},
        {"origin": "https://hub.example:8080"},
    ]
    for own in ways:
        headers = {**session, "content-type": FORM["content-type"], **own}
        answer = await call(here.app, "POST", f"/sites/{POOL.id}/measure", headers, b"value.ph=7.3")
        assert answer.status == 303, answer.text[:300]


async def test_no_page_can_be_framed_or_kept_by_a_cache_and_none_tells_others_where_it_was() -> None:
    here = await town()
    for path in ("/", "/me", "/people", "/audit", f"/sites/{POOL.id}/people"):
        answer = await ask(here, "GET", path, OPERATOR if "sites" not in path else OWNER)
        assert answer.status == 200
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"


async def test_on_a_public_page_there_is_nothing_to_act_with() -> None:
    from margelle.serve.app import build

    here = await town()
    app: Starlette = build(here.store, list(VENDORS.values()), {}, here.clock, NoActions(), public_page=True)
    for method, path in ROUTES:
        answer = await call(app, method, filled(path), {"accept": "text/html", **FORM}, b"value.ph=7")
        allowed = {200, 404} if method == "GET" else {403, 404, 405}
        assert answer.status in allowed | {403}, f"{method} {path}: {answer.status}"
    assert await here.store.audit() == []
