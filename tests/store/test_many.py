"""What is read of many at once is what is read of each, on every store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg.abc import QueryNoTemplate as Query

from margelle.domain.measurement import Doubt
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.ports import Store
from margelle.store import open_store
from margelle.store.postgres import PostgresStore
from margelle.store.postgres.asking import Bindings
from margelle.store.postgres.database import Database
from margelle.store.vault import Vault
from tests.store.things import HOUR, NOW, account, discovery, point, recommendation

MOMENT = timedelta(microseconds=1)
PROBES = ("ondilo:1/ico", "ondilo:2/ico", "ondilo:3/ico")
SERIES = [(probe, quantity) for probe in PROBES for quantity in ("ph", "temperature")]


async def fill(store: Store, hours: int = 30) -> None:
    for n, probe in enumerate(PROBES[:2]):
        for quantity in ("ph", "temperature")[: 2 - n]:
            points = [
                point(probe=probe, quantity=quantity, at=NOW + hour * HOUR, value=7.0 + hour) for hour in range(hours)
            ]
            await store.add(points, NOW)


async def agree(store: Store, hour: float) -> None:
    """Hold the answers of many against those of each, at so many hours after NOW."""
    now = NOW + hour * HOUR
    found = await store.latest_of(PROBES, now)
    assert {(probe, name): one for probe, points in found.items() for name, one in points.items()} == {
        series: known[-1]
        for series in SERIES
        if (known := await store.history(*series, None, now + CLOCK_TOLERANCE + MOMENT))
    }
    span = now - 24 * HOUR, now
    assert await store.columns_of(SERIES, *span) == {one: await store.columns(*one, *span) for one in SERIES}


@pytest.mark.parametrize("hour", [-1.0, 0.0, 11.5, 29.0, 100.0])
async def test_what_many_measured_is_what_each_measured(store: Store, hour: float) -> None:
    await fill(store)
    await agree(store, hour)
    await store.fold(everything=True)
    await agree(store, hour)


async def test_of_many_the_newest_follow_every_change(store: Store) -> None:
    await fill(store)
    probe, at = PROBES[0], NOW + 29 * HOUR
    await agree(store, 30)
    corrected = point(probe=probe, quantity="ph", at=at, value=6.5)
    late = point(probe=probe, quantity="ph", at=at - timedelta(minutes=30), value=7.7)
    newer = point(probe=probe, quantity="ph", at=at + timedelta(minutes=30), value=7.4)
    for change in (corrected, late, newer):
        await store.add([change], NOW)
        await agree(store, 30)
    judged = replace(newer, doubts=(Doubt("stuck", "the same for too long"),))
    await store.add([], NOW, [judged])
    assert (await store.latest_of([probe], NOW + 30 * HOUR))[probe]["ph"] == judged


async def test_of_many_a_point_ahead_of_the_clock_waits_and_what_comes_before_it_is_seen(store: Store) -> None:
    probe, ahead = PROBES[0], NOW + 2 * HOUR
    await store.add([point(probe=probe, at=NOW - HOUR, value=7.0), point(probe=probe, at=ahead, value=7.9)], NOW)
    assert (await store.latest_of([probe], NOW))[probe]["ph"].value == 7.0
    await store.add([point(probe=probe, at=NOW, value=7.2)], NOW)
    assert (await store.latest_of([probe], NOW))[probe]["ph"].value == 7.2
    assert (await store.latest_of([probe], ahead - CLOCK_TOLERANCE))[probe]["ph"].value == 7.9


@pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
async def test_of_many_what_another_process_kept_is_seen(store: Store, place: str, vault: Vault) -> None:
    await fill(store)
    await agree(store, 30)
    other = open_store(place, vault)
    await other.add([point(probe=PROBES[1], quantity="ph", at=NOW + 29.5 * HOUR, value=6.9)], NOW)
    expected = await other.latest(PROBES[1], NOW + 30 * HOUR)
    await other.close()
    assert dict((await store.latest_of(PROBES, NOW + 30 * HOUR))[PROBES[1]]) == expected


async def test_recommendations_of_many_sites_are_those_that_wait_at_each(store: Store) -> None:
    await store.put_account(account())
    await store.put_discovery("home", discovery(1, 2), NOW)
    await store.put_recommendation(recommendation())
    found = await store.recommendations_of(["ondilo:1", "ondilo:2", "ondilo:9"])
    assert found == {site: await store.recommendations(site) for site in ("ondilo:1", "ondilo:2", "ondilo:9")}
    assert any(found.values())
    await store.put_recommendations("ondilo:1", [])
    assert not any((await store.recommendations_of(["ondilo:1", "ondilo:2"])).values())


async def test_postgresql_is_asked_once_of_many(postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(postgres)
    statements: list[object] = []
    read = Database.read

    async def noted(database: Database, sql: Query, args: Bindings = ()) -> list[tuple[Any, ...]]:
        statements.append(sql)
        return await read(database, sql, args)

    monkeypatch.setattr(Database, "read", noted)
    await postgres.latest_of(PROBES, NOW + 30 * HOUR)
    await postgres.columns_of(SERIES, NOW, NOW + 30 * HOUR)
    await postgres.recommendations_of(["ondilo:1", "ondilo:2"])
    assert len(statements) == 3
