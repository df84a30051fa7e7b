"""What arrives at a face can be looked at afterwards, and holds no secret."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from margelle.serve import gate
from margelle.serve.calls import MOST, Calls
from margelle.serve.faces import mounts
from margelle.serve.gate import Gate
from margelle.serve.sign_in import Attempts
from margelle.store.memory import MemoryStore
from tests.asgi import call
from tests.conftest import NOW
from tests.serve.vendors import NoActions, vendor

AGENT = {"user-agent": "HomeAssistant/2026.7 aiohttp/3.14"}


async def pools(_: Request) -> Response:
    return PlainTextResponse("[]")


async def wrong(_: Request) -> Response:
    return JSONResponse({"error": "invalid_token", "message": "The access token has expired."}, 401)


async def page(_: Request) -> Response:
    return Response("<html><p>no</p>", 403, media_type="text/html")


def hub(settings: dict[str, Any] | None = None) -> tuple[Starlette, Calls]:
    routes = [Route(f"/{each.__name__}", each) for each in (pools, wrong, page)]
    calls = Calls(lambda: NOW)
    faces = mounts(
        MemoryStore(),
        [vendor(lambda _: routes)],
        settings or {},
        lambda: NOW,
        NoActions(),
        quotas=False,
        attempts=Attempts(MemoryStore()),
    )
    return Starlette(routes=faces, middleware=[Middleware(Gate, calls=calls)]), calls


@pytest.mark.parametrize(("path", "host"), [("/bluewater/pools", "hub.example"), ("/pools", "cloud.example")])
async def test_a_call_is_noted_by_prefix_and_by_host(path: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quarters = count(0, 0.25)
    monkeypatch.setattr(gate, "time", SimpleNamespace(perf_counter=lambda: next(quarters)))
    app, calls = hub()
    await call(app, "GET", f"{path}?access_token=deadbeef", {**AGENT, "host": host, "authorization": "Bearer feed"})
    ((one,), _) = await calls.recent("bluewater")
    assert (one.at, one.address, one.method, one.path) == (NOW, "127.0.0.1", "GET", path)
    assert (one.status, one.agent, one.failed, one.said) == (200, AGENT["user-agent"], False, "")
    assert one.duration_ms == 250
    assert "deadbeef" not in repr(one)
    assert "feed" not in repr(one)


async def test_what_was_wrong_stays_though_all_is_well_since() -> None:
    app, calls = hub()
    await call(app, "GET", "/bluewater/wrong", AGENT)
    for _ in range(MOST + 5):
        await call(app, "GET", "/bluewater/pools")
    recent, failed = await calls.recent("bluewater")
    assert len(recent) == MOST
    assert not any(one.failed for one in recent)
    assert failed is not None
    assert (failed.status, failed.said) == (401, "invalid_token · The access token has expired.")


async def test_of_a_page_only_the_status_is_told_and_what_is_nowhere_is_a_call_too() -> None:
    app, calls = hub()
    await call(app, "GET", "/bluewater/page")
    await call(app, "GET", "/bluewater/nowhere%0Aelse")
    (nowhere, refused), _ = await calls.recent("bluewater")
    assert (refused.status, refused.said) == (403, "")
    assert (nowhere.status, nowhere.path) == (404, "/bluewater/nowhere%0Aelse")


async def test_what_is_no_face_is_not_noted() -> None:
    app, calls = hub()
    await call(app, "GET", "/healthz")
    assert await calls.recent("bluewater") == ([], None)


async def test_a_face_is_made_anew_where_its_settings_are_others() -> None:
    made: list[Any] = []

    def face(context: Any) -> list[Route]:
        made.append(context.settings)
        return [Route("/pools", pools)]

    settings: dict[str, dict[str, Any]] = {"bluewater": {"tags": {}}}
    app = Starlette(
        routes=mounts(
            MemoryStore(),
            [vendor(face)],
            settings,
            lambda: NOW,
            NoActions(),
            quotas=False,
            attempts=Attempts(MemoryStore()),
        )
    )
    await call(app, "GET", "/bluewater/pools")
    settings["bluewater"] = {"tags": {"PH": "ph"}}
    await call(app, "GET", "/bluewater/pools")
    await call(app, "GET", "/bluewater/pools")
    assert made == [{"tags": {}}, {"tags": {"PH": "ph"}}]
