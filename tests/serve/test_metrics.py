from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec import Struct
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families

from margelle.domain.site import Account, User
from margelle.serve.app import Api
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.house import ANNA
from tests.serve.api.hub import Hub, furnished
from tests.serve.prometheus.peer import PACKAGE
from tests.serve.vendors import vendor
from tests.system import program


class Budget(Struct):
    made: int
    full: int | None


class Report(Struct):
    vendor: str
    budget: Budget
    incidents: tuple[str, ...]
    newest: dict[str, Any]


async def reports(accounts: Sequence[Account]) -> Sequence[Any]:
    return [
        Report(
            "bluewater", Budget(12, 20), ("it is down",), {"a": NOW - timedelta(hours=2), "b": NOW - timedelta(hours=1)}
        )
        for _ in accounts
    ]


@pytest.fixture
async def hub() -> Hub:
    store = MemoryStore()
    await store.put_account(Account("blue-1", "bluewater", ANNA, "anna"))
    hub = await furnished(store, api=Api(reports, metrics=True, size_bytes=lambda: 4096, requests_per_minute=0))
    await store.put_user(User(ANNA, "x", operator=True))
    return hub


async def scraped(hub: Hub, **headers: str) -> Response:
    return await call(hub.app, "GET", "/metrics", {"authorization": f"Bearer {hub.token}", **headers})


def value(answer: Response, name: str, **labels: str) -> float | None:
    samples = (sample for family in families(answer.text) for sample in family.samples)
    return next((one.value for one in samples if one.name == name and one.labels == labels), None)


async def test_the_hub_tells_what_it_keeps_and_how_collecting_stands(hub: Hub) -> None:
    answer = await scraped(hub)
    assert value(answer, "margelle_store_measurements") == 40
    assert value(answer, "margelle_store_size_bytes") == 4096
    assert value(answer, "margelle_collection_accounts", vendor="bluewater") == 1
    assert value(answer, "margelle_collection_requests_made", vendor="bluewater") == 12
    assert value(answer, "margelle_collection_requests_left", vendor="bluewater") == 8
    assert value(answer, "margelle_collection_incidents_open", vendor="bluewater") == 1
    assert value(answer, "margelle_collection_newest_reading_age_seconds", vendor="bluewater") == 3600


async def test_requests_are_counted_by_face_and_status(hub: Hub) -> None:
    await hub.get("/me")
    await hub.get("/nothing/here")
    await call(hub.app, "GET", "/api/v1/me")
    answer = await scraped(hub)
    assert value(answer, "margelle_http_requests_total", face="api", status="200") == 1
    assert value(answer, "margelle_http_requests_total", face="api", status="401") == 1
    assert value(answer, "margelle_http_requests_total", face="api", status="404") == 1
    assert value(answer, "margelle_http_request_duration_seconds_count", face="api") == 3
    assert value(answer, "margelle_http_request_duration_seconds_bucket", face="api", le="+Inf") == 3


async def test_whatever_path_is_asked_for_the_labels_stay_few(hub: Hub) -> None:
    for n in range(50):
        await call(hub.app, "GET", f"/nowhere{n}/at-all")
    faces = {
        sample.labels["face"]
        for family in families((await scraped(hub)).text)
        for sample in family.samples
        if "face" in sample.labels
    }
    assert faces == {"pages"}


async def test_a_scrape_is_also_had_as_openmetrics(hub: Hub) -> None:
    await hub.get("/me")
    answer = await scraped(hub, accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "margelle_http_requests" in {family.name for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]


async def test_promtool_has_nothing_against_the_names(hub: Hub) -> None:
    await hub.get("/me")
    tool = program("promtool", PACKAGE)
    text = (await scraped(hub)).body
    checking = await asyncio.create_subprocess_exec(tool, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    out, err = await checking.communicate(text)
    assert (checking.returncode, out + err) == (0, b"")


async def test_an_operators_key_is_needed_wherever_a_scrape_comes_from(hub: Hub) -> None:
    async def asked(token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return (await call(hub.app, "GET", "/metrics", headers)).status

    assert await asked(hub.token) == 200
    assert await asked(await hub.key("measure")) == 404
    assert await asked(await hub.key("read", user="ben@example.org")) == 404
    for client in ("127.0.0.1", "192.0.2.7"):
        assert (await call(hub.app, "GET", "/metrics", client=client)).status == 401


async def test_without_the_setting_there_are_no_metrics() -> None:
    hub = await furnished(MemoryStore())
    assert (await scraped(hub)).status == 404


async def test_a_vendors_own_host_counts_as_its_face() -> None:
    from margelle.serve.app import build
    from tests.serve.api.hub import no_reports
    from tests.serve.vendors import NoActions

    hub = await furnished(MemoryStore())
    await hub.store.put_user(User(ANNA, "x", operator=True))
    hub.app = build(
        hub.store,
        [vendor(lambda _: [])],
        {},
        lambda: NOW,
        NoActions(),
        pages=False,
        api=Api(no_reports, metrics=True),
    )
    await call(hub.app, "GET", "/whatever", {"host": "cloud.example"})
    answer = await scraped(hub)
    assert value(answer, "margelle_http_requests_total", face="bluewater", status="404") == 1
