"""Nothing that Flipr's wire and routes say is without foreign evidence or a listed reason, and no evidence is without a source."""

from __future__ import annotations

import inspect
import json
import re
from itertools import chain
from typing import Any, cast

import pytest
from msgspec import UNSET, Raw, Struct
from msgspec.json import decode, encode
from msgspec.structs import fields

from margelle.ports import FaceContext
from margelle.vendors.flipr import FLIPR, wire
from margelle.vendors.flipr.routes import BlindRoute
from tests.evidence import HERE, Exchange, answer, exchange, exchanges, facts, provenance

LISTS = facts("flipr", "lists")
ANSWERS = facts("flipr", "answers")
REQUESTS = facts("flipr", "requests")
LAST = exchange("flipr", "survey-last").response.json
CURRENT = answer("flipr", "a resume").json["Current"]
(DAY,) = exchange("flipr", "stats-per-days").response.json
MODULES = answer("flipr", "two modules").json
THRESHOLDS = answer("flipr", "the thresholds").json
PLACES = answer("flipr", "the places").json

ELIDED = "the document leaves out what is between PH and Date; the names are those of a measure"
UNSEEN = {
    "DayStatistics": {
        "OxydoReductionPotentiel": ELIDED,
        "OxydoRecutionPotential": "the phone's app reads it so: facts/lists.json, statistics_misspelt",
        "Conductivity": ELIDED,
        "UvIndex": ELIDED,
        "CloudCoverage": ELIDED,
        "Battery": ELIDED,
        "Desinfectant": ELIDED,
    },
    "Alert": {
        "Message": "Flipr_Pool reads it where the phone's app reads Subtitle: facts/lists.json, alert_keys",
        "DateTime": "ours: when it was recommended",
    },
}
"""Fields of wire types that no evidence shows, each with where they come from."""

NEEDED = {
    "Measure": ["DateTime"],
    "Statistics": ["Label"],
    "DayStatistics": ["Date"],
    "Module": ["Serial"],
    "Place": ["Id"],
    "Limit": ["Value", "IsDefaultValue"],
    "Alert": ["Id", "Title", "Subtitle"],
    "TokenAnswer": ["access_token"],
}

IGNORED = {
    "Measure": {"ModeId", "Source", "SourceId"},
    "Module": {
        "ActivationKey", "BatteryPlugDate", "Comments", "NoAlertUnil", "PAC", "ResetsCounter", "OffsetOrp", "OffsetTemperature", "OffsetPh",
        "OffsetConductivite", "SubscribtionValidUntil", "Eco_Mode",
    },
}  # fmt: skip
"""What the cloud tells besides, and nobody reads."""

IGNORED_BECAUSE = "a secret of the device, its calibration or the vendor's bookkeeping"


UNASKED = {"/place/{place}/allAlerts": "the id in it is not known before /place has been asked"}
"""Routes of which no whole request is known."""

SEEN: dict[type[Struct], list[dict[str, Any]]] = {
    wire.Measure: [LAST, CURRENT],
    wire.Acidity: [LAST["PH"], CURRENT["PH"]],
    wire.Redox: [LAST["OxydoReductionPotentiel"], CURRENT["OxydoReductionPotentiel"]],
    wire.Conductivity: [LAST["Conductivity"], CURRENT["Conductivity"]],
    wire.Battery: [LAST["Battery"], CURRENT["Battery"]],
    wire.Disinfectant: [LAST["Desinfectant"], CURRENT["Desinfectant"]],
    wire.DayStatistics: [DAY],
    wire.Statistics: [DAY["PH"], DAY["Temperature"]],
    wire.Resume: [answer("flipr", "a resume").json, answer("flipr", "a resume of a sleeping probe").json],
    wire.Module: MODULES,
    wire.CommercialType: [module["CommercialType"] for module in MODULES],
    wire.Status: [module["Status"] for module in MODULES],
    wire.Pool: [answer("flipr", "a pool").json],
    wire.Place: PLACES,
    wire.PlaceModule: PLACES[0]["Modules"] + PLACES[0]["Hubs"],
    wire.ShortTerm: [answer("flipr", "the short term").json],
    wire.HubState: [answer("flipr", "a hub's state").json, answer("flipr", "the state of what is no hub").json],
    wire.TokenAnswer: [answer("flipr", "a token for a login").json],
    wire.Thresholds: [THRESHOLDS],
    wire.Limit: list(THRESHOLDS.values()),
    wire.Alert: answer("flipr", "the alerts").json,
}

PRINTED_ONLY = {wire.Alert}
"""What is never read from a cloud."""


def test_every_piece_of_evidence_has_a_source_and_every_source_its_piece() -> None:
    sources = provenance("flipr")
    files = {path.relative_to(HERE / "flipr").as_posix() for path in (HERE / "flipr").rglob("*.json")}
    assert set(sources) == files
    assert set(sources["facts/lists.json"]) == set(LISTS)
    assert set(sources["facts/requests.json"]) == {one["client"] for one in REQUESTS}
    assert set(sources["facts/bluetooth.json"]) == set(facts("flipr", "bluetooth"))
    assert set(sources["facts/answers.json"]) == {one["what"] for one in ANSWERS}
    assert all(sources[name]["source"] == "document" for name in files if not name.startswith("facts/"))


@pytest.mark.parametrize("said", exchanges("flipr"), ids=lambda said: said.name)
def test_a_repair_changes_only_what_its_note_says(said: Exchange) -> None:
    response = said.response
    assert response.printed is not None
    assert response.note
    spaced = re.sub(r"\t+\n", "\n", response.printed).replace("\t", " ")
    assert response.repaired == re.sub(r"\},\n *…+\.\n\]", "}\n]", re.sub(r"…+\n,\n *", "", spaced))
    with pytest.raises(ValueError, match=r"."):
        json.loads(response.printed)


def test_every_wire_type_is_looked_for_in_the_evidence() -> None:
    defined = {kind for _, kind in inspect.getmembers(wire, inspect.isclass) if kind.__module__ == wire.__name__}
    assert set(SEEN) == defined


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_a_wire_type_has_the_fields_of_the_evidence_in_its_order(kind: type[Struct]) -> None:
    ours = [field.encode_name for field in fields(kind)]
    seen = set(chain.from_iterable(SEEN[kind])) - IGNORED.get(kind.__name__, set())
    assert set(ours) == seen | set(UNSEEN.get(kind.__name__, {}))
    assert not seen & set(UNSEEN.get(kind.__name__, {}))
    for one in SEEN[kind]:
        assert [name for name in ours if name in one] == [name for name in one if name in ours]


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_a_wire_type_reads_all_of_the_evidence_and_prints_it_again(kind: type[Struct]) -> None:
    for seen in SEEN[kind]:
        read = {key: value for key, value in seen.items() if key not in IGNORED.get(kind.__name__, set())}
        printed = json.loads(encode(decode(json.dumps(read), type=kind)))
        assert {key: value for key, value in printed.items() if key in read} == read
        assert {value for key, value in printed.items() if key not in read} <= {None}


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_only_what_tells_one_thing_from_another_must_be_there(kind: type[Struct]) -> None:
    assert [field.encode_name for field in fields(kind) if field.required] == NEEDED.get(kind.__name__, [])


@pytest.mark.parametrize("kind", [kind for kind in SEEN if kind not in PRINTED_ONLY], ids=lambda kind: kind.__name__)
def test_what_a_cloud_leaves_out_or_sends_as_null_is_none(kind: type[Struct]) -> None:
    needed = [field.encode_name for field in fields(kind) if field.required]
    least = {name: SEEN[kind][0][name] for name in needed}
    bare = decode(json.dumps(least), type=kind)
    optional = [field for field in fields(kind) if not field.required]
    told = {field.name: getattr(bare, field.name) for field in optional}
    assert {bytes(value) if isinstance(value, Raw) else value for value in told.values()} <= {None, b"null", UNSET}
    nulls = dict.fromkeys((field.encode_name for field in optional if "UnsetType" not in str(field.type)), None)
    assert decode(json.dumps(nulls | least), type=kind) == bare


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (wire.Status, '{"Comment":"lent","DateTime":null,"Status":null}'),
        (wire.Pool, '{"BuiltYear":null,"PrivateName":null,"Volume":45,"Version":null}'),
        (wire.Pool, '{"BuiltYear":null,"PrivateName":null,"Volume":45.5,"Version":null}'),
        (wire.ShortTerm, '{"AirTemperature":24,"WaterState":null}'),
        (wire.Limit, '{"Value":10,"IsDefaultValue":false}'),
        (wire.Limit, '{"Value":7.2,"IsDefaultValue":true}'),
        (wire.Limit, '{"Value":null,"IsDefaultValue":true}'),
        (
            wire.Alert,
            '{"Id":"77","Title":"pH","Subtitle":"Trop faible","Steps":["pH+"],"Status":1,"Message":"pH","DateTime":"2021-02-01"}',
        ),
        (wire.TokenAnswer, '{"access_token":"a","token_type":null,"expires_in":23327999,"refresh_token":null}'),
        (wire.TokenAnswer, '{"access_token":"a","token_type":null,"expires_in":59.5,"refresh_token":null}'),
        (wire.TokenAnswer, '{"access_token":"a","token_type":null,"expires_in":"60","refresh_token":null}'),
    ],
)
def test_numbers_and_texts_that_the_evidence_does_not_show_are_read_as_they_are(kind: type[Struct], text: str) -> None:
    assert encode(decode(text, type=kind)).decode() == text


def test_a_days_date_is_the_last_as_the_document_prints_it() -> None:
    assert fields(wire.DayStatistics)[-1].encode_name == list(DAY)[-1]


def test_the_sectors_and_alert_keys_are_those_of_the_evidence() -> None:
    from typing import get_args

    assert list(get_args(wire.Sector)) == LISTS["sectors"]
    assert set(LISTS["alert_keys"]) < {field.encode_name for field in fields(wire.Alert)}
    assert {name[:3] for name in DAY["PH"] if name != "Label"} == set(LISTS["statistics"])
    assert LISTS["statistics_misspelt"][0] in UNSEEN["DayStatistics"]


def test_every_route_is_asked_for_by_evidence_and_all_that_evidence_asks_for_has_a_route() -> None:
    nothing = cast("Any", None)
    routes = [
        one
        for one in FLIPR.face(FaceContext(nothing, nothing, nothing, nothing, nothing, nothing, {}))
        if isinstance(one, BlindRoute)
    ]
    assert {route.path for route in routes} == set(LISTS["paths"])
    assert set(LISTS["documented_paths"]) <= set(LISTS["paths"])
    asked = {one["path"] for one in REQUESTS} | {said.request.path for said in exchanges("flipr")}
    answered = {
        path: [
            route.path for route in routes if route.matches({"type": "http", "path": path, "root_path": ""})[0].value
        ]
        for path in asked
    }
    assert all(len(found) == 1 for found in answered.values())
    unasked = {route.path for route in routes} - {found[0] for found in answered.values()}
    assert unasked == set(UNASKED)
    assert LISTS["token_path"] in answered


def test_no_quota_is_documented_and_our_pace_is_modest() -> None:
    assert FLIPR.quota == ()
    assert max(rate.requests / rate.seconds for rate in FLIPR.pace if rate.seconds >= 3600) <= 30 / 3600
