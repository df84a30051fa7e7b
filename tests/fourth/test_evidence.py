"""Nothing that Lily's wire, terms and routes say is without evidence, and all evidence stands in its document."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import parse_qsl

import pytest
from msgspec import Struct
from msgspec.structs import fields
from starlette.routing import Match, Route

from margelle.ports import FaceContext
from tests.evidence import HERE, Exchange, exchange, exchanges, facts, provenance
from tests.fourth.lily import LILY, wire
from tests.fourth.lily.routes import CODES
from tests.fourth.lily.translate import SENSORS, TREATMENTS

DOCUMENT = Path(__file__).with_name("lily.md").read_text()
LISTS = facts("lily", "lists")
SEEN: dict[type[Struct], list[dict[str, Any]]] = {
    wire.Key: [exchange("lily", "keys").response.json],
    wire.Buoy: exchange("lily", "buoys").response.json,
    wire.Sample: exchange("lily", "samples").response.json + exchange("lily", "samples-newest").response.json,
    wire.Problem: [{"code": "bad_key", "detail": "This key is not known."}],
}


def test_every_piece_of_evidence_has_a_source_and_every_source_its_piece() -> None:
    files = {path.relative_to(HERE / "lily").as_posix() for path in (HERE / "lily").rglob("*.json")}
    assert set(provenance("lily")) == files
    assert set(provenance("lily")["facts/lists.json"]) == set(LISTS)


@pytest.mark.parametrize("said", exchanges("lily"), ids=lambda said: said.name)
def test_the_document_prints_every_exchange(said: Exchange) -> None:
    target = said.request.path + (f"?{said.request.query}" if said.request.query else "")
    assert f"    {said.request.method} {target}\n" in DOCUMENT
    assert f"    {said.response.text}\n" in DOCUMENT
    assert not said.request.body or f"    {said.request.body}\n" in DOCUMENT
    for name, value in said.request.headers.items():
        assert f"    {name}: {value}\n" in DOCUMENT


def test_the_lists_are_the_documents_and_ours() -> None:
    assert [f"| `{sensor}` |" in DOCUMENT for sensor in LISTS["sensors"]] == [True] * 5
    assert tuple(LISTS["sensors"]) == SENSORS == get_args(wire.Sensor)
    assert [f"`{word}`" in DOCUMENT for word in LISTS["treatments"]] == [True] * 4
    assert set(LISTS["treatments"]) == {*TREATMENTS, "none"}
    assert [f"| {status} | `{code}`" in DOCUMENT for status, code in LISTS["codes"].items()] == [True] * 7
    assert {**{str(status): code for status, code in CODES.items()}, "503": "unavailable"} == LISTS["codes"]
    assert "60 requests in an hour" in DOCUMENT
    assert [(rate.requests, rate.seconds) for rate in LILY.quota] == [tuple(LISTS["quota"].values())]


def test_a_wire_type_has_the_fields_of_the_evidence_in_its_order() -> None:
    defined = {kind for _, kind in inspect.getmembers(wire, inspect.isclass) if kind.__module__ == wire.__name__}
    assert defined == set(SEEN)
    for kind, seen in SEEN.items():
        assert all([field.encode_name for field in fields(kind)] == list(one) for one in seen)


def test_every_route_is_asked_for_by_the_document() -> None:
    nothing = cast("Any", None)
    context = FaceContext(nothing, nothing, nothing, nothing, nothing, nothing, {})
    routes = [one for one in LILY.face(context) if isinstance(one, Route)][:-1]
    asked = {
        next(route.path for route in routes if route.matches(_scope(said))[0] is Match.FULL)
        for said in exchanges("lily")
    }
    assert asked == {route.path for route in routes}
    queries = {name for said in exchanges("lily") for name, _ in parse_qsl(said.request.query)}
    assert queries == {"hours", "sensor"}


def _scope(said: Exchange) -> dict[str, Any]:
    return {"type": "http", "method": said.request.method, "path": said.request.path, "root_path": ""}
