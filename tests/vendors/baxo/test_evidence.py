"""Nothing that BAXO's wire and services say is without foreign evidence, and no evidence is without a source."""

from __future__ import annotations

import inspect
import json
from datetime import datetime
from itertools import chain
from typing import Any, cast

import pytest
from msgspec import UNSET, Raw, Struct
from msgspec.json import decode, encode
from msgspec.structs import fields

from margelle.ports import FaceContext
from margelle.vendors.baxo import BAXO, wire
from margelle.vendors.baxo.api import METHODS, Api
from margelle.vendors.baxo.pages import PAGE
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.baxo.translate import EPOCH, instant_from, zone_from
from tests.evidence import HERE, Exchange, exchange, exchanges, facts, provenance

EXCHANGES = exchanges("baxo")
LISTS = facts("baxo", "lists")
REQUESTS = facts("baxo", "requests")

NEWER = "a public remark on newer answers of ioThink's platform: realtimeLogs, historicLogs and eventLogs, with an ISO datetime"
UNSEEN = {
    "Log": {
        "device_identifier": "the document's own word in 3.7, and what clients of ioThink's platform read",
        "datetime": NEWER,
    },
    "Historics": {
        "next": "3.6 names it and prints no answer that has it",
        "historic_logs": NEWER,
        "event_logs": NEWER,
    },
    "Logs": {"realtime_logs": NEWER, "event_logs": NEWER},
    "Row": {"datetime": NEWER},
    "HistoricLog": {"datetime": NEWER},
}
"""Fields of wire types that no exchange shows under their name, each with where they come from."""

NEEDED = {
    "Contract": ["id"],
    "Device": ["id"],
    "Log": ["tagReference"],
    "HistoricLog": ["tagReference"],
    "Historic": ["tagReference"],
}


def told(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", exchange("baxo", name).response.json)


def tables() -> list[dict[str, Any]]:
    return [*told("historics")["historics"], *told("historics-many")["historics"]]


SEEN: dict[type[Struct], list[dict[str, Any]]] = {
    wire.Contract: told("contracts")["contracts"],
    wire.Contracts: [told("contracts")],
    wire.Device: [*told("devices")["devices"], told("device")["device"]],
    wire.Devices: [told("devices")],
    wire.OneDevice: [told("device")],
    wire.Log: [*told("realtimes-many")["logs"], *told("realtimes")["logs"]],
    wire.Logs: [told("realtimes"), told("realtimes-many")],
    wire.Row: [row for table in tables() for row in table["logs"]],
    wire.Historic: tables(),
    wire.HistoricLog: [row | table for table in tables() for row in table["logs"]],
    wire.Historics: [told("historics"), told("historics-many")],
}


def test_every_piece_of_evidence_has_a_source_and_every_source_its_piece() -> None:
    sources = provenance("baxo")
    assert set(sources) == {path.relative_to(HERE / "baxo").as_posix() for path in (HERE / "baxo").rglob("*.json")}
    assert set(sources["facts/lists.json"]) == set(LISTS)
    assert set(sources["facts/requests.json"]) == {one["client"] for one in REQUESTS}
    for said in EXCHANGES:
        assert sources[f"{said.name}.json"]["section"]


@pytest.mark.parametrize("said", EXCHANGES, ids=lambda said: said.name)
def test_a_repair_changes_only_what_its_note_says(said: Exchange) -> None:
    response = said.response
    if response.printed is None:
        assert response.note == ""
        return
    assert response.note
    with pytest.raises(ValueError, match=r"."):
        json.loads(response.printed)
    mended = response.printed.replace('"deviceIdentifiant",', '"deviceIdentifiant":').replace("33\n", "33,\n")
    assert response.repaired is not None
    assert "".join(response.repaired.split()) == "".join(mended.split()).replace(",...", "")


def test_every_wire_type_is_looked_for_in_the_evidence() -> None:
    defined = {kind for _, kind in inspect.getmembers(wire, inspect.isclass) if kind.__module__ == wire.__name__}
    assert set(SEEN) == defined


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_a_wire_type_has_the_fields_of_the_evidence(kind: type[Struct]) -> None:
    seen = set(chain.from_iterable(SEEN[kind]))
    unseen = {field.encode_name for field in fields(kind) if field.name in UNSEEN.get(kind.__name__, {})}
    assert {field.encode_name for field in fields(kind)} == seen | unseen
    assert not seen & unseen


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_a_wire_type_reads_all_of_the_evidence_and_prints_it_again(kind: type[Struct]) -> None:
    for seen in SEEN[kind]:
        text = json.dumps(seen, separators=(",", ":"), ensure_ascii=False)
        assert encode(decode(text, type=kind)).decode() == text


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_null_is_as_good_as_nothing_where_nothing_is_allowed(kind: type[Struct]) -> None:
    known = {name: value for name, value in SEEN[kind][0].items() if name in {f.encode_name for f in fields(kind)}}
    needed = {field.encode_name for field in fields(kind) if field.required} | {"timestamp"}
    nulls = dict.fromkeys(field.encode_name for field in fields(kind) if field.encode_name not in needed)
    read = decode(json.dumps(known | nulls), type=kind)
    for field in fields(kind):
        if field.encode_name in nulls:
            assert getattr(read, field.name) in (None, Raw(b"null"))


@pytest.mark.parametrize("kind", [wire.Contract, wire.Device])
def test_an_id_may_be_a_number(kind: type[Struct]) -> None:
    assert encode(decode(b'{"id":7}', type=kind)).startswith(b'{"id":7')


def test_a_time_may_be_a_fraction() -> None:
    assert decode(b'{"timestamp":1.5}', type=wire.Row).timestamp == 1.5


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_what_a_cloud_leaves_out_is_nothing(kind: type[Struct]) -> None:
    needed = [field.encode_name for field in fields(kind) if field.required]
    if kind.__name__ in {"Contracts", "Devices", "OneDevice"}:
        assert len(needed) == 1  # an answer without its list is none
        return
    assert needed == NEEDED.get(kind.__name__, [])
    bare = decode(json.dumps({name: SEEN[kind][0][name] for name in needed}), type=kind)
    rest = [getattr(bare, field.name) for field in fields(kind) if not field.required]
    assert all(value is None or value is UNSET or value in (0, Raw(b"null"), Raw(b"[]")) for value in rest)


def test_the_page_the_epoch_and_the_address_are_the_documents() -> None:
    assert LISTS["page_rows"] == PAGE
    assert datetime.fromisoformat(LISTS["epoch"] + "+00:00") == EPOCH
    assert LISTS["base_url"] == f"{BAXO.base_url}/k1"
    assert set(LISTS["methods"]) < set(METHODS)
    for seconds, written in LISTS["instants"].items():
        assert instant_from(int(seconds)).isoformat()[:19] == written


def test_the_time_zones_are_those_of_their_cities_and_of_the_unicode_consortiums_table() -> None:
    for shown, names in LISTS["timezones"].items():
        assert zone_from(shown) in names
    for windows, name in LISTS["windows_zones"].items():
        assert zone_from(windows) == name


def test_every_service_is_documented_and_every_documented_one_is_served() -> None:
    nothing = cast("Any", None)
    context = FaceContext(nothing, nothing, nothing, nothing, nothing, nothing, {})
    assert set(Api(context, Profile.of({}, context.catalogue), nothing).services) == set(LISTS["services"])
    asked = {one["query"] for one in REQUESTS} | {said.request.query for said in EXCHANGES}
    for service in LISTS["services"]:
        assert any(f"get={service}" in query for query in asked)


def test_no_quota_is_documented_and_our_pace_asks_no_device_more_often_than_every_five_minutes() -> None:
    assert BAXO.quota == ()
    assert max(rate.requests / rate.seconds for rate in BAXO.pace if rate.seconds >= 3600) <= 120 / 3600
