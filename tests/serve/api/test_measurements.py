from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from starlette.applications import Starlette

from margelle.domain.measurement import Measurement
from margelle.domain.site import User
from margelle.errors import StoreError
from margelle.ports import Added
from margelle.serve.api import NAME
from margelle.serve.api.measurements import MOST_POINTS
from margelle.serve.app import Api, build
from margelle.serve.gate import LARGEST_BATCH
from margelle.serve.sign_in import FaceDesk, hash_password
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.house import ANNA, GARDEN, furnish
from tests.serve.api.hub import no_reports
from tests.serve.vendors import NoActions

PATH = "/api/v1/measurements"
JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"


class Hub:
    """A hub with a user, their site, and their token."""

    def __init__(self, store: MemoryStore, token: str) -> None:
        self.store, self.token = store, token
        self.app: Starlette = build(store, [], {}, lambda: NOW, NoActions(), pages=False, api=Api(no_reports))

    async def post(self, body: bytes, kind: str = JSON, **headers: str) -> Response:
        given = {"authorization": f"Bearer {self.token}", "content-type": kind, **headers}
        return await call(self.app, "POST", PATH, given, body)


@pytest.fixture
async def hub() -> Hub:
    return await furnished(MemoryStore())


async def furnished(store: MemoryStore) -> Hub:
    await store.put_user(User(ANNA, hash_password("un secret")))
    await furnish(store, NOW)
    await furnish(store, NOW, owner="ben@example.org", account="own-2", key="bath")
    return Hub(store, await FaceDesk(NAME, store, lambda: NOW).issue("access", ANNA, life_s=None))


def point(**other: Any) -> dict[str, Any]:
    return {"probe": GARDEN, "quantity": "ph", "at": "2026-07-14T12:00:00Z", "value": 7.4, **other}


def body(*points: dict[str, Any]) -> bytes:
    return json.dumps(points).encode()


def is_problem(answer: Response, status: int) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert (answer.status, told["status"]) == (status, status)
    assert told["title"]
    return told


async def test_points_are_kept_and_each_is_answered(hub: Hub) -> None:
    answer = await hub.post(
        body(point(quantity="pH"), point(quantity="temperature", value=77, unit="degF"), point(quantity="orpp"))
    )
    assert answer.status == 200
    told = answer.json()
    assert {name: told[name] for name in ("new", "same", "corrected", "refused")} == {
        "new": 2,
        "same": 0,
        "corrected": 0,
        "refused": 1,
    }
    assert told["points"][0] == {"n": 1, "verdict": "new"}
    assert told["points"][2] == {
        "n": 3,
        "verdict": "refused",
        "reason": "no quantity 'orpp'; did you mean 'orp'?",
    }
    (kept,) = await hub.store.history(GARDEN, "temperature")
    assert (kept.value, kept.raw, kept.origin) == (25.0, "77", "own/http")


async def test_the_same_again_is_the_same_and_another_value_a_correction(hub: Hub) -> None:
    await hub.post(body(point()))
    again = (await hub.post(body(point(value=7.40)))).json()
    other = (await hub.post(body(point(value=7.6)))).json()
    assert [again["points"][0]["verdict"], other["points"][0]["verdict"]] == ["same", "corrected"]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (JSON, json.dumps(point()).encode()),
        (NDJSON, json.dumps(point()).encode() + b"\n"),
        ("application/jsonl; charset=utf-8", json.dumps(point()).encode()),
        (CSV, b"probe,quantity,at,value\nown:garden,ph,2026-07-14T12:00:00Z,7.4\n"),
    ],
)
async def test_a_point_is_the_same_in_each_form(hub: Hub, kind: str, sent: bytes) -> None:
    assert (await hub.post(sent, kind)).json()["new"] == 1
    (kept,) = await hub.store.history(GARDEN, "ph")
    assert (kept.value, kept.raw) == (7.4, "7.4")


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (JSON, body(point())[:-1]),
        (NDJSON, json.dumps(point()).encode() + b'\n{"probe":'),
        (CSV, b"probe,quantity,at,value\nown:garden,ph,2026-07-14T12:00:00Z,7.4\nown:garden,ph"),
        (JSON, b""),
        (JSON, b"[]"),
    ],
)
async def test_of_a_broken_body_nothing_is_kept(hub: Hub, kind: str, sent: bytes) -> None:
    assert is_problem(await hub.post(sent, kind), 400)["detail"]
    assert await hub.store.count() == 0


async def test_of_a_body_that_stops_arriving_nothing_is_kept(hub: Hub) -> None:
    whole = (json.dumps(point()) + "\n").encode()
    sent = iter([{"type": "http.request", "body": whole, "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(sent)

    async def send(_: Any) -> None:
        raise AssertionError("nobody is there to be answered")

    headers = [(b"authorization", f"Bearer {hub.token}".encode()), (b"content-type", NDJSON.encode())]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b""}
    await hub.app(scope, receive, send)
    assert await hub.store.count() == 0


async def test_where_strictness_is_preferred_one_refusal_refuses_all(hub: Hub) -> None:
    answer = await hub.post(body(point(), point(value="x")), prefer="respond-async, handling=strict")
    told = is_problem(answer, 422)
    assert told["points"] == [{"n": 2, "verdict": "refused", "reason": "'x' is no number."}]
    assert await hub.store.count() == 0


async def test_where_all_are_refused_that_is_a_problem(hub: Hub) -> None:
    told = is_problem(await hub.post(body(point(probe="nowhere"))), 422)
    assert told["detail"] == "1 of 1 points cannot be kept, so none was."


@pytest.mark.parametrize("probe", ["own:bath/probe", "own:bath", "ondilo:234/ico"])
async def test_nobody_writes_to_probes_of_others_or_of_a_cloud(hub: Hub, probe: str) -> None:
    told = is_problem(await hub.post(body(point(probe=probe))), 422)
    assert told["points"][0]["reason"] == f"There is no probe {probe!r}."


async def test_a_login_serves_as_a_token_does(hub: Hub) -> None:
    good = base64.b64encode(f"{ANNA}:un secret".encode()).decode()
    assert (await hub.post(body(point()), authorization=f"Basic {good}")).status == 200


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer 0123", "Basic !", "Basic YQ==", "Basic YW5uYUBleGFtcGxlLm9yZzpub24=", "Digest x"]
)
async def test_whoever_is_not_known_is_asked_to_sign_in_before_the_body_is_read(hub: Hub, given: str) -> None:
    answer = await hub.post(b"not even JSON", authorization=given)
    is_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_of_a_face_or_of_a_page_is_none_of_the_api(hub: Hub) -> None:
    other = await FaceDesk("pages", hub.store, lambda: NOW).issue("access", ANNA, life_s=None)
    is_problem(await hub.post(body(point()), authorization=f"Bearer {other}"), 401)


async def test_guessing_logins_is_limited(hub: Hub) -> None:
    bad = base64.b64encode(f"{ANNA}:x".encode()).decode()
    for _ in range(10):
        await hub.post(b"", authorization=f"Basic {bad}")
    answer = await hub.post(b"", authorization=f"Basic {bad}")
    is_problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("headers", [{"content-encoding": "gzip"}, {"content-type": "application/xml"}])
async def test_another_form_is_refused(hub: Hub, headers: dict[str, str]) -> None:
    is_problem(await hub.post(body(point()), **headers), 415)


async def test_a_body_that_is_too_large_is_refused_whether_announced_or_not(hub: Hub) -> None:
    is_problem(await hub.post(b" " * (LARGEST_BATCH + 1)), 413)
    headers = {"authorization": f"Bearer {hub.token}", "content-type": JSON}
    chunks = [b" " * (1 << 20)] * 17
    is_problem(await call(hub.app, "POST", PATH, headers, chunks=chunks), 413)


async def test_too_many_points_are_refused(hub: Hub) -> None:
    many = (json.dumps(point()) + "\n").encode() * (MOST_POINTS + 1)
    assert "more than 100000 points" in is_problem(await hub.post(many, NDJSON), 400)["detail"]
    assert await hub.store.count() == 0


@pytest.mark.parametrize(("method", "path", "status"), [("PUT", PATH, 405), ("GET", "/api/v1/nothing", 404)])
async def test_a_wrong_turn_is_a_problem_too(hub: Hub, method: str, path: str, status: int) -> None:
    is_problem(await call(hub.app, method, path), status)


async def test_a_store_that_fails_keeps_nothing_and_says_when_to_come_back() -> None:
    class Full(MemoryStore):
        async def add(self, measurements: Any, now: Any, reviewed: Any = (), **more: Any) -> Added:
            raise StoreError("The disk of /srv is full.")

    hub = await furnished(Full())
    answer = await hub.post(body(point()))
    assert "/srv" not in is_problem(answer, 503)["detail"]
    assert answer.headers["retry-after"]


async def test_a_doubtful_point_is_kept_with_its_doubts_told(hub: Hub) -> None:
    told = (await hub.post(body(point(value=99), point(at="2027-01-01T00:00:00Z")))).json()
    assert told["points"][0]["doubts"] == ["not between 2 and 12 [pH]"]
    assert told["points"][1]["doubts"][0].startswith("its time is ahead of the clock")
    kept: list[Measurement] = await hub.store.history(GARDEN, "ph")
    assert [one.doubts[0].kind for one in kept] == ["range", "future"]
