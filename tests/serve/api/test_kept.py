"""What is told again is never older than the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.access import Membership
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Probe, Site
from margelle.domain.unit import Unit
from margelle.ports import Discovery
from margelle.ports.kept import Kept
from margelle.serve.api.answering import LARGEST_KEPT
from margelle.serve.app import Api, build
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.conftest import NOW
from tests.house import GARDEN
from tests.serve.api.hub import HOUR, Hub, furnished, no_reports
from tests.serve.vendors import NoActions
from tests.store.things import KEY

HOURS = 1400
BEGIN = NOW - HOURS * HOUR
ASKED: dict[str, Any] = {"probe": GARDEN, "quantity": "orp", "limit": 10_000}


def orp(n: int, value: float) -> Measurement:
    return Measurement(GARDEN, "orp", BEGIN + n * HOUR, value, f"{value:g}", Unit.MILLIVOLT, "own/http")


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub whose points are folded, and that has told all of them before."""
    store = SqliteStore(tmp_path / "margelle.sqlite", Vault(KEY))
    found = await furnished(store)
    await store.add([orp(n, 600.0 + n % 7) for n in range(HOURS - 5) if n != 450], NOW)
    while (await store.fold(everything=True)).more:
        pass
    for path in ("/measurements", "/latest", "/statistics/days"):
        assert (await found.get(path, probe=GARDEN, quantity="orp")).status == 200
    await told(found)
    yield found
    await store.close()


async def told(hub: Hub, **more: Any) -> dict[str, dict[str, Any]]:
    """By instant, what the hub tells of the series."""
    answer = await hub.get("/measurements", **ASKED | more)
    assert len(answer.body) > LARGEST_KEPT  # it is put together from fragments
    return {row["at"]: row for row in answer.json()["items"]}


def name(n: int) -> str:
    return f"{BEGIN + n * HOUR:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_corrected_point_is_told_as_it_is_now(hub: Hub) -> None:
    before = await told(hub)
    await hub.store.add([orp(100, 777.0)], NOW)
    now = await told(hub)
    assert now[name(100)]["value"] == 777.0
    assert now == before | {name(100): now[name(100)]}


async def test_a_point_that_was_judged_anew_is_told_with_its_doubt(hub: Hub) -> None:
    before = await told(hub)
    judged = replace(orp(100, 602.0), doubts=(Doubt("jump", "too fast"),))
    await hub.store.add([], NOW, [judged])
    now = await told(hub)
    assert (now[name(100)]["valid"], now[name(100)]["reason"]) == (False, "too fast")
    assert now == before | {name(100): now[name(100)]}


async def test_a_late_point_is_told_in_its_place(hub: Hub) -> None:
    before = await told(hub)
    await hub.store.add([orp(450, 1.0)], NOW)
    for _ in range(2):  # as a piece, then in a chunk
        now = await told(hub)
        assert [*now] == sorted([*before, name(450)])
        while (await hub.store.fold(everything=True)).more:
            pass


async def test_the_newest_first_is_the_same_the_other_way_round(hub: Hub) -> None:
    assert [*(await told(hub, order="newest"))] == [*(await told(hub))][::-1]


async def test_a_new_point_changes_the_latest_and_the_statistics_at_once(hub: Hub) -> None:
    asked: dict[str, Any] = {"probe": GARDEN, "quantity": "orp"}
    first = (await hub.get("/latest", **asked)).json()["items"][0]
    days = (await hub.get("/statistics/days", **asked)).json()["items"]
    await hub.store.add([orp(HOURS - 4, 333.0)], NOW)
    assert (await hub.get("/latest", **asked)).json()["items"][0]["value"] == 333.0 != first["value"]
    now = (await hub.get("/statistics/days", **asked)).json()["items"]
    assert sum(day["count"] for day in now) == sum(day["count"] for day in days) + 1


async def test_what_was_told_to_one_is_not_told_to_another(hub: Hub) -> None:
    stranger = await hub.key("read", user="ben@example.org")
    answer = await hub.call("GET", "/latest", token=stranger, probe=GARDEN)
    assert answer.status == 404
    await hub.store.put_membership(Membership("ben@example.org", "site", "own:garden", "viewer", NOW))
    assert (await hub.call("GET", "/latest", token=stranger, probe=GARDEN)).status == 200
    await hub.store.remove_membership("ben@example.org", "own:garden")
    assert (await hub.call("GET", "/latest", token=stranger, probe=GARDEN)).status == 404


async def test_an_answer_that_is_told_again_has_its_tag_and_nobody_elses_headers(hub: Hub) -> None:
    first = await hub.get("/latest", probe=GARDEN)
    again = await hub.get("/latest", probe=GARDEN)
    assert (again.body, again.headers) == (first.body, first.headers)
    same = await hub.get("/latest", {"if-none-match": first.headers["etag"]}, probe=GARDEN)
    assert (same.status, same.body) == (304, b"")
    assert (await hub.get("/latest", probe=GARDEN)).status == 200


async def test_a_key_that_was_taken_back_opens_nothing_that_was_told_before(hub: Hub) -> None:
    key = await hub.key("read")
    assert (await hub.call("GET", "/latest", token=key, probe=GARDEN)).status == 200
    (grant,) = [one for one in await hub.store.grants(user="anna@example.org") if one.scopes == ("read",)]
    await hub.store.take_grant(grant.digest)
    assert (await hub.call("GET", "/latest", token=key, probe=GARDEN)).status == 401


async def test_an_answer_ends_with_its_second(hub: Hub) -> None:
    """What is ahead of the clock is not told, until the clock has come to it."""
    clock, later = [NOW], Hub(hub.store, hub.token)
    api = Api(no_reports, requests_per_minute=0)
    later.app = build(hub.store, [], {}, lambda: clock[0], NoActions(), api=api, pages=False)
    await hub.store.add([replace(orp(0, 5.0), at=NOW + HOUR)], NOW)
    for passed, value in (
        (timedelta(), 600.0 + (HOURS - 6) % 7),
        (timedelta(seconds=0.9), 600.0 + (HOURS - 6) % 7),
        (HOUR, 5.0),
    ):
        clock[0] = NOW + passed
        assert (await later.get("/latest", probe=GARDEN, quantity="orp")).json()["items"][0]["value"] == value


async def test_who_sees_what_is_not_found_out_anew_after_a_reading_but_after_all_else(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, sites = [0], hub.store.sites

    async def counted(**asked: Any) -> Any:
        looked[0] += 1
        return await sites(**asked)

    monkeypatch.setattr(hub.store, "sites", counted)
    for n in range(3):
        await hub.store.add([orp(HOURS + n, 700.0 + n)], NOW)
        assert (await hub.get("/latest", probe=GARDEN)).status == 200
    assert looked == [0]
    (own,) = await hub.store.accounts("anna@example.org")
    await hub.store.put_discovery(
        own.id,
        Discovery(
            own.person,
            (Site("own:new", "own", "new", "New", "pool"),),
            (Probe("own:new/probe", "own:new", "own", "new"),),
        ),
        NOW,
    )
    await hub.store.add([replace(orp(0, 5.0), probe="own:new/probe")], NOW)
    assert (await hub.get("/latest", probe="own:new/probe")).json()["items"][0]["value"] == 5.0
    assert looked == [1]


async def test_a_quantity_that_is_measured_for_the_first_time_is_there_at_once(hub: Hub) -> None:
    assert (await hub.get("/measurements", probe=GARDEN, quantity="tds")).json()["items"] == []
    await hub.store.add([replace(orp(0, 900.0), quantity="tds", raw_unit=Unit.MG_PER_L)], NOW)
    assert len((await hub.get("/measurements", probe=GARDEN, quantity="tds")).json()["items"]) == 1


async def test_the_answers_of_all_paths_have_one_limit(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Kept] = []

    class Counted(Kept):
        def __init__(self, *limits: int) -> None:
            super().__init__(*limits)
            made.append(self)

    monkeypatch.setattr("margelle.serve.api.routes.Kept", Counted)
    build(hub.store, [], {}, lambda: NOW, NoActions(), api=Api(no_reports), pages=False)
    assert len(made) == 1


async def test_what_is_asked_with_a_long_head_is_answered_and_not_kept(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, latest = [0], hub.store.latest

    async def counted(*args: Any, **more: Any) -> Any:
        asked[0] += 1
        return await latest(*args, **more)

    monkeypatch.setattr(hub.store, "latest", counted)
    for tag, times in (("x" * 500, 1), ("x" * 5000, 3)):
        for _ in range(3):
            assert (await hub.get("/latest", headers={"if-none-match": f'"{tag}"'}, probe=GARDEN)).status == 200
        assert asked.pop() == times
        asked.append(0)
