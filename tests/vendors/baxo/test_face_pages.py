"""Pages of 10 000 rows: none is lost, none comes twice, whatever happens between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from margelle.vendors.baxo import pages
from margelle.vendors.baxo.translate import seconds_to
from tests.vendors.baxo.house import CONTRACT, FIRST, NOW, SECOND, House, documented_house, point, probe

BOTH = f"{FIRST.key},{SECOND.key}"
START = NOW - timedelta(days=300)


async def house_with(*counts: int) -> House:
    """The house with so many rows of TAG_A, TAG_B, … of the first device, and as many of the second."""
    house = await documented_house()
    for of in (FIRST, SECOND):
        for n, count in enumerate(counts):
            tag = f"baxo.TAG_{chr(65 + n)}"
            await house.store.add(
                [point(probe(of).id, tag, str(k), START + timedelta(seconds=k)) for k in range(count)], NOW
            )
    return house


async def read(house: House, **asked: Any) -> list[list[tuple[str, str, str]]]:
    """The rows of every page: device, tag, value."""
    given: dict[str, Any] = {"contractId": CONTRACT, "startTime": str(seconds_to(START)), **asked}
    answer, found = await house.ask("devices-historics", **given), []
    while True:
        assert answer.status == 200, answer.text
        told = answer.json()
        found.append(
            [
                (table.get("deviceIdentifier", ""), table["tagReference"], row["value"])
                for table in told["historics"]
                for row in table["logs"]
            ]
        )
        if "next" not in told:
            return found
        answer = await house.get(urlsplit(told["next"]).query)


async def test_10_000_rows_are_one_page_and_one_more_is_another() -> None:
    house = await house_with(10_000)
    (whole,) = await read(house, deviceId=FIRST.key, tagReferences="TAG_A")
    assert len(whole) == 10_000
    later = START + timedelta(seconds=10_000)
    await house.store.add([point(probe(FIRST).id, "baxo.TAG_A", "10000", later)], NOW)
    first, second = await read(house, deviceId=FIRST.key, tagReferences="TAG_A")
    assert (len(first), len(second)) == (10_000, 1)
    assert [int(value) for _, _, value in first + second] == list(range(10_001))


async def test_rows_are_counted_over_all_tags_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 100)
    house = await house_with(70, 70)
    found = await read(house, deviceIdentifiers=BOTH, tagReferences="TAG_B,TAG_A")
    assert [len(rows) for rows in found] == [100, 100, 80]
    every = [row for rows in found for row in rows]
    assert every == [
        (of, tag, str(n)) for of in (FIRST.key, SECOND.key) for tag in ("TAG_B", "TAG_A") for n in range(70)
    ]


async def test_what_comes_between_two_pages_changes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 10)
    house = await house_with(15, 5)
    given: dict[str, Any] = {"contractId": CONTRACT, "deviceId": FIRST.key, "startTime": str(seconds_to(START))}
    first = (await house.ask("devices-historics", **given)).json()
    await house.store.add([point(probe(FIRST).id, "baxo.TAG_A", "-1", START + timedelta(milliseconds=1500))], NOW)
    await house.store.add([point(probe(FIRST).id, "baxo.TAG_0", "0", START)], NOW)
    second = (await house.get(urlsplit(first["next"]).query)).json()
    assert second["historics"][0]["tagReference"] == "TAG_A"
    values = [
        row["value"]
        for page in (first, second)
        for t in page["historics"]
        for row in t["logs"]
        if t["tagReference"] == "TAG_A"
    ]
    assert values == [str(n) for n in range(15)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 12), min_size=1, max_size=3), st.integers(1, 9))
async def test_any_size_of_page_tells_every_row_once(counts: list[int], size: int) -> None:
    house = await house_with(*counts)
    usual, pages.PAGE = pages.PAGE, size  # type: ignore[misc]
    try:
        found = await read(house, deviceIdentifiers=BOTH, tagReferences="TAG_A,TAG_B,TAG_C")
    finally:
        pages.PAGE = usual  # type: ignore[misc]
    assert all(len(rows) == size for rows in found[:-1])
    every = [row for rows in found for row in rows]
    assert len(every) == len(set(every)) == 2 * sum(counts)
