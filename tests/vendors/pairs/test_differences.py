"""What a face must invent is listed: every field that it tells of another vendor's probe is either told by that vendor, or named in its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vendors.pairs.house import house
from tests.vendors.parties import PARTIES, Party

DOCS = Path(__file__).parents[3] / "docs" / "vendors"
LIST = {"ondilo": "### What the face must invent", "flipr": "### Differences", "baxo": "### Differences"}

TOLD: dict[str, dict[str, str]] = {
    "ondilo": {
        "data_type": "the quantity, in the document's word",
        "disinfection.secondary.uv_sanitizer": "the site",
        "disinfection.secondary.ozonator": "the site",
        "name": "the site",
        "sw_version": "the device in the water",
        "title": "the recommendation",
        "message": "the recommendation",
        "created_at": "the recommendation",
        "status": "the recommendation",
        "lastname": "the user of the hub, or of the share",
        "firstname": "the user of the hub, or of the share",
        "email": "the user of the hub, or of the share",
        "shared_since": "the share",
    },
    "flipr": {
        "DateTime": "the measurement",
        "Temperature": "the measurement",
        "Value": "the measurement",
        "UvIndex": "the measurement",
        "CloudCoverage": "the measurement",
        "Label": "the quantity, in the document's word",
        "Level": "the measurement",
        "Current": "the newest measure",
        "Title": "the recommendation",
        "Subtitle": "the recommendation",
        "IsForSpa": "the site",
        "LastMeasureDateTime": "the measurement",
        "PrivateName": "the site",
        "Volume": "the site",
        "AirTemperature": "the measurement",
        "MaxValue": "the measurements of the day",
        "MinValue": "the measurements of the day",
        "AvgValue": "the measurements of the day",
        "MedValue": "the measurements of the day",
        "MaxDeviation": "the measurements of the day, as `Deviation`",
        "MinDeviation": "the measurements of the day, as `Deviation`",
        "AvgDeviation": "the measurements of the day, as `Deviation`",
        "MedDeviation": "the measurements of the day, as `Deviation`",
        "Date": "the measurements of the day",
    },
    "baxo": {
        "logs.value": "the measurement",
        "timestamp": "the measurement",
        "deviceIdentifiant": "the device's id",
        "deviceIdentifier": "the device's id",
    },
}
"""Fields that follow from what is known, each with from what."""


def leaves(told: Any, path: str = "") -> Iterator[str]:
    """The dotted names of all values in an answer, lists left out."""
    if isinstance(told, list):
        for one in told:
            yield from leaves(one, path)
    elif isinstance(told, dict) and told:
        for name, value in told.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    elif path and told != [] and told != {}:
        yield path


def listed(face: str) -> list[str]:
    """The words in backquotes of the first column of the page's list."""
    page = (DOCS / f"{face}.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", page.partition(LIST[face])[2], flags=re.MULTILINE)[0]
    firsts = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ") and "---" not in line]
    return [word for first in firsts for word in re.findall(r"`([^`]+)`", first)]


def covers(word: str, leaf: str) -> bool:
    """Whether a word names a field, or what it stands in."""
    steps, sought = leaf.split("."), word.split(".")
    return any(steps[n : n + len(sought)] == sought for n in range(len(steps)))


async def fields(face: Party, *parties: Party) -> set[str]:
    """Every field that a face tells of these parties' probes."""
    found: set[str] = set()
    for party in parties:
        for moment in range(len(party.moments)):
            one = await (await house(party, moment=moment)).at(face)
            for path in await face.tour(one):
                found |= {f"{operation(path)}.{leaf}" for leaf in leaves(await one.json(path))}
    return found


def operation(path: str) -> str:
    """What of an address names what it tells."""
    address, _, _ = path.removeprefix("get=").partition("?")
    return address.strip("/") if "user/" in address else address.partition("&")[0].rpartition("/")[2]


@pytest.mark.parametrize("face", PARTIES, ids=lambda face: face.name)
async def test_every_field_of_a_foreign_probe_is_told_by_its_vendor_or_listed_as_invented(face: Party) -> None:
    words = [*listed(face.name), *TOLD[face.name]]
    found = await fields(face, *(party for party in PARTIES if party is not face))
    assert sorted(leaf for leaf in found if not any(covers(word, leaf) for word in words)) == []


@pytest.mark.parametrize("face", PARTIES, ids=lambda face: face.name)
async def test_what_is_listed_is_told_by_the_face(face: Party) -> None:
    """The first column has fields and paths only: nothing there may be out of date."""
    found = await fields(face, *PARTIES)
    words = [*listed(face.name), *TOLD[face.name]]
    assert sorted(word for word in words if not any(covers(word, leaf) for leaf in found)) == []
