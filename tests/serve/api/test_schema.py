"""Schemathesis asks the hub whatever its OpenAPI document allows and forbids, and holds the answers against it."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from margelle.serve.api.openapi import document
from margelle.serve.api.routes import TABLE
from margelle.store.memory import MemoryStore
from tests.serve.api.hub import Hub, furnished

JSON = "application/json"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
)


@cache
def hub() -> Hub:
    """One hub for all requests."""
    return asyncio.run(furnished(MemoryStore()))


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await hub().app(scope, receive, send)


def _document() -> dict[str, Any]:
    told = document(TABLE)
    told["paths"].pop("/stream")  # never ends
    sent = told["paths"]["/measurements"]["post"]["requestBody"]["content"]
    told["paths"]["/measurements"]["post"]["requestBody"]["content"] = {JSON: sent[JSON]}  # it writes no other form
    return told


schema = schemathesis.openapi.from_dict(_document())
schema.app = _app


@schema.parametrize()
@settings(max_examples=10, derandomize=True, database=None, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_as_the_document_says(case: Any) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {hub().token}"})
    case.validate_response(answer, checks=CHECKS, headers={"Authorization": f"Bearer {hub().token}"})
