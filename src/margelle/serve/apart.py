"""A store as one vendor's own cloud sees it: without the sites and accounts of all others."""

from __future__ import annotations

from typing import Any, cast

from margelle.domain.site import Account, Site
from margelle.ports import Store


class _Apart:
    """Passes everything on but the lists of what there is."""

    def __init__(self, store: Store, vendor: str) -> None:
        self._store = store
        self._vendor = vendor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def accounts(self, owner: str | None = None) -> list[Account]:
        """Those of the vendor."""
        return [account for account in await self._store.accounts(owner) if account.vendor == self._vendor]

    async def sites(self, *, seen_by: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        """Those of the vendor."""
        found = await self._store.sites(seen_by=seen_by, account=account, gone=gone)
        return [site for site in found if site.vendor == self._vendor]


def apart(store: Store, vendor: str) -> Store:
    """`store`, with the sites and accounts of `vendor` only."""
    return cast("Store", _Apart(store, vendor))
