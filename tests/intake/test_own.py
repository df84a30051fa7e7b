"""Sites of the hub's own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.domain.site import User
from margelle.errors import BadInput, Conflict, NotFound
from margelle.intake import own
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import ANNA, furnish


async def hub() -> MemoryStore:
    store = MemoryStore()
    await store.put_user(User(ANNA, "x"))
    return store


async def test_a_site_is_added_described_anew_and_removed_and_keeps_its_probe() -> None:
    store = await hub()
    site, probe = await own.add(store, ANNA, own.described(" Piscine d'été ", "pool", 48.5, "Europe/Paris"), NOW)
    assert (site.id, site.name, probe.id) == ("own:piscine-d-ete", "Piscine d'été", "own:piscine-d-ete/probe")
    other, _ = await own.add(store, ANNA, own.described("Spa", "spa", None, "UTC"), NOW)
    later = NOW + timedelta(days=1)
    changed = await own.describe(store, site.id, own.described("Bassin", "tank", None, "UTC"), later)
    assert await store.site(site.id) == changed
    assert (changed.key, changed.kind, changed.volume_m3, changed.updated_at) == (site.key, "tank", None, later)
    assert [one.id for one in await store.probes(site.id)] == [probe.id]
    assert {one.id for one in await store.sites()} == {site.id, other.id}
    await own.remove(store, site.id, later)
    assert [one.id for one in await store.sites()] == [other.id]


async def test_the_same_id_twice_is_refused() -> None:
    store = await hub()
    wanted = own.described("Spa", "spa", None, "UTC")
    await own.add(store, ANNA, wanted, NOW)
    with pytest.raises(Conflict):
        await own.add(store, ANNA, wanted, NOW)


async def test_a_site_of_a_cloud_is_none_of_the_hubs_own() -> None:
    store = await hub()
    await furnish(store, NOW)
    with pytest.raises(NotFound):
        await own.describe(store, "ondilo:1", own.described("Spa", "spa", None, "UTC"), NOW)
    with pytest.raises(NotFound):
        await own.remove(store, "ondilo:1", NOW)


@pytest.mark.parametrize(
    ("name", "kind", "volume", "zone", "said"),
    [
        ("  ", "pool", None, "UTC", "has a name"),
        ("x" * 101, "pool", None, "UTC", "at most 100"),
        ("a\nb", "pool", None, "UTC", "hidden"),
        ("Bath", "sea", None, "UTC", "no kind of site"),
        ("Bath", "pool", -1.0, "UTC", "cubic metres"),
        ("Bath", "pool", float("nan"), "UTC", "cubic metres"),
        ("Bath", "pool", None, "../etc/passwd", "no time zone"),
    ],
)
def test_what_cannot_be_is_said(name: str, kind: str, volume: float | None, zone: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        own.described(name, kind, volume, zone)
