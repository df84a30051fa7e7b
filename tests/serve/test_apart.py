"""A simulated cloud's face knows its own vendor's sites only."""

from __future__ import annotations

from margelle.domain.site import Account, Person, Probe, Site
from margelle.ports import Discovery
from margelle.serve.apart import apart
from margelle.store.memory import MemoryStore
from tests.conftest import NOW


async def test_a_store_apart_has_one_vendors_sites_and_accounts() -> None:
    store = MemoryStore()
    for vendor in ("blue", "green"):
        site = Site(f"{vendor}:1", vendor, "1", vendor)
        await store.put_account(Account(vendor, vendor, "anna", "anna"))
        probe = Probe(f"{site.id}/p", site.id, vendor, "1")
        await store.put_discovery(vendor, Discovery(Person(), (site,), (probe,)), NOW)
    blue = apart(store, "blue")
    assert [site.id for site in await blue.sites(seen_by="anna")] == ["blue:1"]
    assert [account.id for account in await blue.accounts("anna")] == ["blue"]
    assert len(await store.sites(seen_by="anna")) == 2
    assert await blue.probes("blue:1") == await store.probes("blue:1")
    assert await blue.version() == await store.version()
