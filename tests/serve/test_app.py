from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from margelle import __version__
from margelle.errors import BadInput, Limited, MargelleError, NotFound, Refused, StoreError, Unavailable
from margelle.ports import FaceContext, Rate, Setting
from margelle.serve.app import build
from margelle.serve.gate import LARGEST_BODY
from margelle.store.memory import MemoryStore
from tests.asgi import call
from tests.conftest import NOW
from tests.serve.vendors import NoActions, vendor

Endpoint = Callable[[Request], Any]


def hub(*endpoints: Endpoint, store: MemoryStore | None = None, **options: Any) -> Any:
    """A hub with one face, `/bluewater`, that has a route for each endpoint, named as it is."""
    routes = [Route(f"/{each.__name__}", each, methods=["GET", "POST"]) for each in endpoints]
    return build(
        store or MemoryStore(), [vendor(lambda _: routes)], {}, lambda: NOW, NoActions(), pages=False, **options
    )


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


async def hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def test_health_is_ok_once_the_hub_is_ready() -> None:
    ready = False
    app = hub(ready=lambda: ready)
    starting = await call(app, "GET", "/healthz")
    assert (starting.status, starting.headers["retry-after"]) == (503, "1")
    assert starting.json()["error"] == "temporarily_unavailable"
    ready = True
    assert (await call(app, "GET", "/healthz")).json() == {"status": "ok", "version": __version__}


async def test_health_is_not_ok_while_the_store_cannot_be_read() -> None:
    class Broken(MemoryStore):
        async def version(self, *, but_points: bool = False) -> int:
            raise StoreError("disk I/O error", hint="Free some space on /srv.")

    answer = await call(hub(store=Broken()), "GET", "/healthz")
    assert answer.status == 503
    assert "/srv" not in answer.text, "the operator's troubles are not the client's to read"


async def test_an_unexpected_failure_is_json_with_an_incident_and_its_traceback_is_only_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("the pump fell into the pool")

    answer = await call(hub(broken), "GET", "/bluewater/broken?access_token=deadbeef")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/json"
    assert "pump" not in answer.text
    incident = answer.json()["incident"]
    (record,) = [record for record in caplog.records if record.name == "margelle.serve"]
    assert incident in record.getMessage()
    assert "deadbeef" not in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (StoreError("disk full"), 503, "30"),
        (Unavailable("not ready", retry_after_s=4.2), 503, "5"),
        (Limited("quota", retry_after_s=0.2), 429, "1"),
        (NotFound("no such pool"), 404, None),
        (Refused("no"), 401, None),
        (BadInput("what?"), 400, None),
    ],
)
async def test_our_own_errors_have_their_status_and_say_when_to_come_back(
    error: MargelleError, status: int, retry_after: str | None
) -> None:
    async def raising(_: Request) -> Response:
        raise error

    answer = await call(hub(raising), "GET", "/bluewater/raising")
    assert (answer.status, answer.headers.get("retry-after")) == (status, retry_after)
    assert set(answer.json()) == {"error", "error_description"}


@pytest.mark.parametrize("target", ["/bluewater/nowhere", "/bluewater", "/nowhere", "/bluewater/hello/", "/a%0Ab"])
async def test_what_does_not_exist_is_a_json_404_and_never_a_redirect(target: str) -> None:
    answer = await call(hub(hello), "GET", target)
    assert answer.status == 404
    assert answer.json()["error"] == "not_found"


async def test_a_wrong_method_is_a_json_405_that_names_the_right_ones() -> None:
    answer = await call(hub(hello), "DELETE", "/bluewater/hello")
    assert answer.status == 405
    assert answer.json()["error"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]


async def test_a_body_within_the_limit_arrives_whole() -> None:
    answer = await call(hub(echo), "POST", "/bluewater/echo", body=b"x" * LARGEST_BODY)
    assert (answer.status, len(answer.body)) == (200, LARGEST_BODY)


@pytest.mark.parametrize("length", [str(LARGEST_BODY + 1), "-1", "many"])
async def test_a_body_that_announces_too_much_is_refused_before_it_is_read(length: str) -> None:
    answer = await call(hub(hello), "POST", "/bluewater/hello", {"content-length": length})
    assert (answer.status, answer.json()["error"]) == (413, "content_too_large")


async def test_a_body_without_a_length_is_counted_as_it_comes() -> None:
    chunks = [b"x" * (1 << 18)] * 5
    assert (await call(hub(echo), "POST", "/bluewater/echo", chunks=chunks[:4])).status == 200
    answer = await call(hub(echo), "POST", "/bluewater/echo", chunks=chunks)
    assert (answer.status, answer.json()["error"]) == (413, "content_too_large")


async def test_every_answer_carries_the_security_headers_and_none_is_compressed() -> None:
    app = hub(hello)
    for target in ("/bluewater/hello", "/healthz", "/nowhere"):
        headers = (await call(app, "GET", target, {"accept-encoding": "gzip, deflate, br"})).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "content-encoding" not in headers


async def test_an_answers_own_header_wins_over_ours() -> None:
    async def styled(_: Request) -> Response:
        return PlainTextResponse("x", headers={"Content-Security-Policy": "style-src 'unsafe-inline'"})

    answer = await call(hub(styled), "GET", "/bluewater/styled")
    policies = [value for name, value in answer.header_list if name == "content-security-policy"]
    assert policies == ["style-src 'unsafe-inline'"]


async def test_an_answer_that_breaks_off_is_logged_and_not_answered_twice(caplog: pytest.LogCaptureFixture) -> None:
    async def cut(_: Request) -> Response:
        async def body() -> Any:
            yield b"half"
            raise RuntimeError("gone")

        return StreamingResponse(body())

    answer = await call(hub(cut), "GET", "/bluewater/cut")
    assert (answer.status, answer.body) == (200, b"half")
    assert "incident" in caplog.text


async def test_a_client_that_leaves_is_no_incident(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/bluewater/echo",
        "raw_path": b"/bluewater/echo",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-length", b"5")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await hub(echo)(scope, receive, send)
    assert sent == []
    assert "incident" not in caplog.text


async def test_the_access_log_has_neither_query_nor_headers_and_no_broken_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "margelle.access")
    await call(
        hub(hello),
        "GET",
        "/bluewater/hello%0A10.0.0.1%20GET?code=c0de",
        {"authorization": "Bearer t0ken"},
        client="::7",
    )
    (record,) = [record for record in caplog.records if record.name == "margelle.access"]
    line = record.getMessage()
    assert line.startswith("::7 GET /bluewater/hello%0A10.0.0.1%20GET 404 ")
    assert not {"c0de", "t0ken", "\n"} & {word for word in ("c0de", "t0ken", "\n") if word in line}


async def test_a_face_gets_its_own_settings_by_their_short_names_with_defaults() -> None:
    seen: list[FaceContext] = []

    def face(context: FaceContext) -> Sequence[Route]:
        seen.append(context)
        return []

    settings = (
        Setting("bluewater.time", str, "current", "How times are written."),
        Setting("bluewater.token_life_s", float, 3600.0, "How long a token lives."),
    )
    build(
        MemoryStore(),
        [vendor(face, settings=settings)],
        {"bluewater": {"time": "documented"}, "other": {"time": "x"}},
        lambda: NOW,
        NoActions(),
        pages=False,
    )
    assert seen[0].settings == {"time": "documented", "token_life_s": 3600.0}


@pytest.mark.parametrize(("quotas", "granted"), [(True, [None, 60.0]), (False, [None, None])])
async def test_a_face_holds_clients_to_the_vendors_quota_only_when_told_to(
    quotas: bool, granted: list[float | None]
) -> None:
    seen: list[FaceContext] = []

    def face(context: FaceContext) -> Sequence[Route]:
        seen.append(context)
        return []

    vendors = [vendor(face, quota=(Rate(1, 60),))]
    build(MemoryStore(), vendors, {}, lambda: NOW, NoActions(), pages=False, quotas=quotas)
    assert [seen[0].quota.take("doe", NOW) for _ in granted] == granted


def test_the_hub_starts_without_what_only_pages_and_passwords_need() -> None:
    script = """
import sys
from margelle.serve.app import build
build(None, [], {}, None, None)
print(*(name for name in ("jinja2", "argon2", "httpx", "aiohttp", "pyrate_limiter") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("cloud.example", 200),
        ("cloud.example:8443", 200),
        ("Cloud.Example", 200),
        ("cloud.example.", 200),
        ("cloud.example.:443", 200),
        ("cloud.example:", 200),
        ("hub.example", 404),
        ("a.cloud.example", 404),
        ("cloudxexample", 404),
        ("cloud.example.evil.example", 404),
        ("doe@cloud.example", 404),
        ("cloud.example, hub.example", 404),
        ("cloud.example:x", 404),
        ("*", 404),
        ("", 404),
    ],
)
async def test_a_client_that_cannot_be_told_another_host_finds_the_face_at_its_root(host: str, status: int) -> None:
    app = build(MemoryStore(), [vendor(lambda _: [Route("/pools", hello)])], {}, lambda: NOW, NoActions(), pages=False)
    assert (await call(app, "GET", "/pools", {"host": host})).status == status
    assert (await call(app, "GET", "/bluewater/pools", {"host": host})).text == "hello"


async def test_faces_of_two_vendors_stand_side_by_side() -> None:
    vendors = [vendor(lambda _: [Route("/", hello)], name=name) for name in ("bluewater", "redwater")]
    app = build(MemoryStore(), vendors, {}, lambda: NOW, NoActions(), pages=False)
    answers = await asyncio.gather(*(call(app, "GET", f"/{each.name}/") for each in vendors))
    assert [answer.text for answer in answers] == ["hello", "hello"]
