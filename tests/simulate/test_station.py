"""Stations report regularly, the same at every start, and only what is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from margelle.domain.site import User
from margelle.simulate.clouds import Clouds, reached
from margelle.simulate.station import STATIONS
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS

NOW = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)
OWNER = User("owner@clouds.example", "hash")
MONTH = timedelta(days=30)


async def clouds(store: MemoryStore, now: datetime, **more: Any) -> Clouds:
    options: dict[str, Any] = {"seed": "s", "users": [OWNER], "past": MONTH, "pools": ()} | more
    made = Clouds(store, list(VENDORS.values()), lambda: now, **options)
    await made.start()
    return made


async def everything(store: MemoryStore) -> list[Any]:
    return [
        point
        for probe in await store.probes()
        for quantity in await store.quantities(probe.id)
        for point in await store.history(probe.id, quantity)
    ]


def test_two_contracts_have_four_devices_with_six_tags_each() -> None:
    stations = [station for own in STATIONS for station in own]
    assert len({station.contract.id for station in stations}) == 2
    assert len({station.key for station in stations}) == 4
    for station in stations:
        assert len({signal.reference for signal in station.signals} | {station.event}) == 6


def test_every_day_each_signal_reports_every_hour_and_the_event_comes_and_goes() -> None:
    station = STATIONS[0][0]
    reported = list(station.day("s", NOW.date()))
    assert [at for at, _, _ in reported] == sorted(at for at, _, _ in reported)
    for signal in station.signals:
        values = [float(text) for _, tag, text in reported if tag == signal.reference]
        assert len(values) == 24
        assert all(0.2 * signal.mean < value < 2 * signal.mean for value in values)
    assert [text for _, tag, text in reported if tag == station.event] == ["1", "0"]
    assert reported == list(station.day("s", NOW.date()))
    assert reported != list(station.day("t", NOW.date()))


async def test_a_cloud_that_goes_on_is_as_one_that_was_there_all_the_time() -> None:
    whole, halved = MemoryStore(), MemoryStore()
    await clouds(whole, NOW)
    await clouds(halved, NOW - timedelta(days=9, hours=5), past=MONTH - timedelta(days=9, hours=5))
    await clouds(halved, NOW)
    assert await everything(halved) == await everything(whole)
    assert all(NOW - MONTH <= point.at < NOW for point in await everything(whole))
    assert await reached(halved) == NOW


async def test_the_owner_sees_the_stations_and_another_does_not() -> None:
    store, other = MemoryStore(), User("neighbour@clouds.example", "hash")
    await clouds(store, NOW, users=[OWNER, other])
    assert len(await store.sites(seen_by=OWNER.email)) == 4
    assert await store.sites(seen_by=other.email) == []
