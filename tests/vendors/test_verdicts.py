"""What vendors and their users have printed is not doubted by us, beside what their makers doubt themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec.json import decode

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe
from margelle.domain.verdict import review
from margelle.vendors.flipr import wire as flipr
from margelle.vendors.flipr.translate import measurements_from
from margelle.vendors.ondilo import wire as ondilo
from margelle.vendors.ondilo.translate import measurement_from
from tests.evidence import HERE

PROBE = Probe("evidence/probe", "evidence", "any", "1")


def things(said: Any) -> Iterator[dict[str, Any]]:
    """Every object in the evidence, also those within texts that are JSON."""
    if isinstance(said, dict):
        yield said
        for one in said.values():
            yield from things(one)
    elif isinstance(said, list):
        for one in said:
            yield from things(one)
    elif isinstance(said, str) and said[:1] in {"{", "["}:
        try:
            yield from things(json.loads(said))
        except ValueError:
            return


def evidence(vendor: str) -> Iterator[dict[str, Any]]:
    for file in sorted((HERE / vendor).rglob("*.json")):
        yield from things(json.loads(file.read_text(encoding="utf-8")))


def printed() -> Iterator[Measurement]:
    for said in evidence("ondilo"):
        if {"data_type", "value_time", "value"} <= said.keys():
            found = measurement_from(decode(json.dumps(said), type=ondilo.Measure), PROBE, "ondilo/measures")
            yield from [found] if found else []
    for said in evidence("flipr"):
        if {"Temperature", "PH", "DateTime"} <= said.keys() and isinstance(said["PH"], dict):
            yield from measurements_from(decode(json.dumps(said), type=flipr.Measure), PROBE, "flipr/survey/last")


def test_nothing_that_was_printed_is_doubted_by_us() -> None:
    points = list({(one.quantity, one.at): one for one in printed()}.values())
    assert len(points) > 15
    assert [one for one in review(points, "pool") if one.doubts != one.given] == []
