"""Nothing that Ondilo's wire, terms and routes say is without foreign evidence, and no evidence is without a source."""

from __future__ import annotations

import inspect
import json
import re
from itertools import chain
from typing import Any, cast, get_args

import pytest
from msgspec import Raw, Struct
from msgspec.json import decode, encode
from msgspec.structs import fields
from starlette.routing import Route

from margelle.ports import FaceContext
from margelle.vendors.ondilo import ONDILO, wire
from margelle.vendors.ondilo.translate import TERMS
from tests.evidence import HERE, Exchange, exchange, exchanges, facts, provenance

EXCHANGES = exchanges("ondilo")
LISTS = facts("ondilo", "lists")
ANSWERS = facts("ondilo", "answers")
REQUESTS = facts("ondilo", "requests")

UNSEEN = {"UserUnits": {"tds": "facts/lists.json, user_units_beyond_the_document: named by a client, printed nowhere"}}
"""Fields of wire types that no exchange shows, each with where they come from."""

NEEDED = {
    "Pool": ["id"],
    "Measure": ["data_type", "value_time"],
    "Recommendation": ["id"],
    "TokenAnswer": ["access_token"],
}

NOT_A_FOREIGN_ROUTE = {"/{path:path}": "answers whatever nobody documents"}


def objects(name: str, *path: str) -> list[dict[str, Any]]:
    """The objects at `path` in the answer of an exchange."""
    found: Any = exchange("ondilo", name).response.json
    found = found if isinstance(found, list) else [found]
    for step in path:
        found = [one[step] for one in found]
    return cast("list[dict[str, Any]]", found)


def tokens() -> list[dict[str, Any]]:
    return [json.loads(one["body"]) for one in ANSWERS if one["operation"] == "token" and one["status"] == 200]


SEEN: dict[type[Struct], list[dict[str, Any]]] = {
    wire.UserInfo: objects("user-info"),
    wire.UserUnits: objects("user-units"),
    wire.Pool: objects("pools"),
    wire.Disinfection: objects("pools", "disinfection"),
    wire.SecondaryDisinfection: objects("pools", "disinfection", "secondary"),
    wire.Address: objects("pools", "address"),
    wire.Device: objects("device"),
    wire.Configuration: objects("configuration"),
    wire.Share: objects("shares"),
    wire.Measure: objects("measures") + objects("lastmeasures"),
    wire.Recommendation: objects("recommendations"),
    wire.TokenAnswer: tokens(),
}


# --- the evidence itself


def test_every_piece_of_evidence_has_a_source_and_every_source_its_piece() -> None:
    sources = provenance("ondilo")
    files = {path.relative_to(HERE / "ondilo").as_posix() for path in (HERE / "ondilo").rglob("*.json")}
    assert set(sources) == files
    assert set(sources["facts/lists.json"]) == set(LISTS)
    assert set(sources["facts/requests.json"]) == {one["client"] for one in REQUESTS}
    assert set(sources["facts/answers.json"]) == {one["what"] for one in ANSWERS}
    for name in files - {"facts/lists.json", "facts/requests.json", "facts/answers.json"}:
        assert sources[name]["source"] == "document"
        assert sources[name]["section"]


@pytest.mark.parametrize("said", EXCHANGES, ids=lambda said: said.name)
def test_a_repair_changes_only_what_its_note_says(said: Exchange) -> None:
    response = said.response
    if response.printed is None:
        assert (response.repaired, response.note) == (None, "")
        return
    assert response.note
    spaced = response.printed.replace("\u00a0", " ")
    assert response.repaired == re.sub(r",\n    \{\n        \.\.\.\n    \}", "", spaced)
    with pytest.raises(ValueError, match=r"."):
        json.loads(response.printed)


# --- wire


def test_every_wire_type_is_looked_for_in_the_evidence() -> None:
    defined = {kind for _, kind in inspect.getmembers(wire, inspect.isclass) if kind.__module__ == wire.__name__}
    assert set(SEEN) == defined


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_a_wire_type_has_the_fields_of_the_evidence_in_its_order(kind: type[Struct]) -> None:
    ours = [field.encode_name for field in fields(kind)]
    seen = list(dict.fromkeys(chain.from_iterable(SEEN[kind])))
    unseen = UNSEEN.get(kind.__name__, {})
    assert ours == [*seen, *unseen]
    if kind is wire.UserUnits:
        assert list(unseen) == LISTS["user_units_beyond_the_document"]


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_a_wire_type_reads_all_of_the_evidence_and_prints_it_again(kind: type[Struct]) -> None:
    for seen in SEEN[kind]:
        said = seen | dict.fromkeys(UNSEEN.get(kind.__name__, {}), "A_WORD")
        text = json.dumps(said, separators=(",", ":"))
        assert encode(decode(text, type=kind)).decode() == text


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_what_a_cloud_leaves_out_or_sends_as_null_is_none(kind: type[Struct]) -> None:
    """Clients have seen null where the document has a value; only what tells one thing from another must be there."""
    needed = [field.encode_name for field in fields(kind) if field.required]
    assert needed == NEEDED.get(kind.__name__, [])
    least = {name: SEEN[kind][0][name] for name in needed}
    bare = decode(json.dumps(least), type=kind)
    assert decode(json.dumps(dict.fromkeys(field.encode_name for field in fields(kind)) | least), type=kind) == bare
    told = {field.name: getattr(bare, field.name) for field in fields(kind) if not field.required}
    assert {bytes(value) if isinstance(value, Raw) else value for value in told.values()} <= {None, b"null"}


def test_the_types_and_periods_are_the_documents() -> None:
    assert list(get_args(wire.DataType)) == LISTS["types"]
    assert list(get_args(wire.Period)) == list(LISTS["periods"])


# --- terms


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.data_type)
def test_every_term_occurs_in_a_foreign_request_and_a_foreign_answer(term: Any) -> None:
    bodies = [said.response.text for said in EXCHANGES] + [one["body"] for one in ANSWERS]
    told = {entry["data_type"] for body in bodies if '"data_type"' in body for entry in json.loads(body)}
    asked = " ".join(one["query"] for one in REQUESTS)
    assert term.data_type in told
    assert re.search(rf"(types(\[\]|%5B%5D)?=|%2C){term.data_type}\b", asked)


# --- routes


def test_every_route_is_asked_for_by_evidence_and_all_that_evidence_asks_for_has_a_route() -> None:
    nothing = cast("Any", None)
    context = FaceContext(nothing, nothing, nothing, nothing, nothing, nothing, {})
    ours = [route for route in ONDILO.face(context) if isinstance(route, Route)]
    asked = {one["path"] for one in REQUESTS} | {said.request.path for said in EXCHANGES}
    served = {route.path: {path for path in asked if route.path_regex.match(path)} for route in ours}
    everything = served.pop("/{path:path}")
    assert set(NOT_A_FOREIGN_ROUTE) == {route.path for route in ours} - set(served)
    assert [path for path, requests in served.items() if not requests] == []
    assert set().union(*served.values()) == asked == everything


def test_the_paths_are_those_of_the_evidence() -> None:
    for said in EXCHANGES:
        assert said.request.path.startswith(LISTS["url_prefix"] + "/")
    assert {LISTS["authorize_path"], LISTS["token_path"]} <= {one["path"] for one in REQUESTS}


# --- the record


def test_the_quota_is_the_documents_and_our_pace_stays_below_it() -> None:
    assert [(rate.requests, rate.seconds) for rate in ONDILO.quota] == [
        (one["requests"], one["seconds"]) for one in LISTS["quotas"]
    ]
    for ours, theirs in zip(ONDILO.pace, ONDILO.quota, strict=True):
        assert ours.seconds == theirs.seconds
        assert ours.requests < theirs.requests
