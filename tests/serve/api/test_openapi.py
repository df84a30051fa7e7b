from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from tools.reference import PAGES

from margelle.serve.api.openapi import document, older
from margelle.serve.api.routes import TABLE
from margelle.store.memory import MemoryStore
from tests.asgi import call
from tests.serve.api.hub import Hub, furnished


@pytest.fixture
async def hub() -> Hub:
    return await furnished(MemoryStore())


def told() -> dict[str, Any]:
    return json.loads(json.dumps(document(TABLE)))  # type: ignore[no-any-return]


def test_the_document_is_openapi_and_so_is_its_older_form() -> None:
    OpenAPIV31SpecValidator(told()).validate()
    OpenAPIV30SpecValidator(json.loads(json.dumps(older(told())))).validate()


def test_every_endpoint_has_a_name_of_its_own() -> None:
    names = [one.name for one in TABLE]
    assert len(names) == len(set(names))


def test_every_endpoint_is_on_the_page_of_docs() -> None:
    page = PAGES["api.md"]()
    for one in TABLE:
        assert f"`{one.method} {one.path}`" in page


async def test_the_document_is_served_without_signing_in(hub: Hub) -> None:
    answer = await call(hub.app, "GET", "/api/v1/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"
    assert (await call(hub.app, "GET", "/api/v1/openapi-3.0.json")).json()["openapi"] == "3.0.3"


async def test_the_page_is_under_a_policy_of_its_own_and_nothing_else_is(hub: Hub) -> None:
    page = await call(hub.app, "GET", "/api/v1/")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    assert "<script>" not in page.text
    other = await hub.get("/sites")
    assert "script-src" not in other.headers["content-security-policy"]


async def test_the_pages_files_are_kept_until_they_change(hub: Hub) -> None:
    path = "/api/v1/explorer/swagger-ui-bundle.js"
    first = await call(hub.app, "GET", path)
    assert len(first.body) > 500_000
    assert (await call(hub.app, "GET", path, {"if-none-match": first.headers["etag"]})).status == 304
    assert (await call(hub.app, "GET", "/api/v1/explorer/../secret")).status == 404
