"""The pages of coverage name every piece of evidence, every field and every exception."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from msgspec.structs import fields
from tools.coverage import PAGES, Asked, operation, page

from margelle.vendors import VENDORS
from tests.evidence import exchanges, facts
from tests.vendors.parties import PARTIES, Party

EVERY = pytest.mark.parametrize("party", PARTIES, ids=lambda party: party.name)


def lists(party: Party) -> Any:
    return importlib.import_module(f"tests.vendors.{party.name}.test_evidence")


def test_every_vendor_has_its_page() -> None:
    assert list(PAGES) == [f"vendors/coverage-{name}.md" for name in VENDORS]


@EVERY
def test_every_request_field_and_exception_is_on_the_page(party: Party) -> None:
    written = page(party)
    for said in exchanges(party.name):
        assert f"[{said.name}.json](" in written
    for one in facts(party.name, "requests"):
        assert f" | {one['client']} | " in written
    for kind in lists(party).SEEN:
        for one in fields(kind):
            assert f"| `{kind.__name__}` | `{one.encode_name}` | " in written
    for kind, of in lists(party).UNSEEN.items():
        for name, reason in of.items():
            assert f"| `{kind}.{name}` | {reason} |" in written


@EVERY
def test_no_field_is_without_evidence_or_a_reason(party: Party) -> None:
    rows = page(party).split("## Fields of answers")[1].split("## ")[0].splitlines()[4:]
    assert [row for row in rows if row.endswith(("| none: None |", "|  |"))] == []
    none = {tuple(row.split("`")[1:4:2]) for row in rows if "| none: " in row}
    assert none == {(kind, name) for kind, of in lists(party).UNSEEN.items() for name in _printed(party, kind, of)}


def _printed(party: Party, kind: str, names: dict[str, str]) -> set[str]:
    (of,) = [one for one in lists(party).SEEN if one.__name__ == kind]
    return {one.encode_name for one in fields(of) if {one.name, one.encode_name} & set(names)}


@EVERY
def test_every_word_occurs_somewhere(party: Party) -> None:
    rows = page(party).split("## Words")[1].split("## ")[0].splitlines()[4:]
    assert len([row for row in rows if row]) > 4
    assert [row for row in rows if row.endswith("|  |")] == []


@EVERY
def test_nothing_secret_is_on_the_page(party: Party) -> None:
    written = page(party)
    for secret in ("VOTREMOTDEPASSE", "p%26ss", "abc123", "9f2c", "4fc86e46"):
        assert secret not in written


def test_what_no_route_answers_is_an_error() -> None:
    with pytest.raises(LookupError, match="no route answers"):
        operation(PARTIES[0], Asked("GET", "/nowhere", "", "", "", ""))
