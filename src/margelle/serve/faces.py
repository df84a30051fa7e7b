"""The vendors' faces, each below a prefix of its own, and at the root for who asks for the vendor's own host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.routing import BaseRoute, Host, Mount, Router

from margelle.domain.site import Site
from margelle.ports import Actions, Clock, FaceContext, Reader, Store, Vendor
from margelle.serve.quota import FaceQuota
from margelle.serve.sign_in import Attempts, FaceDesk


def mounts(
    store: Store,
    vendors: Sequence[Vendor],
    settings: Mapping[str, Mapping[str, Any]],
    clock: Clock,
    actions: Actions,
    *,
    quotas: bool,
    attempts: Attempts,
    own_sites: bool = False,
) -> list[BaseRoute]:
    """Each vendor's routes under `/<its name>`, and at the root of its own host, for clients that cannot be told another; `settings` are by vendor, and what they leave out has its default.

    With `own_sites` a face shows only its own vendor's sites, as the vendor's cloud would. Paths are exact: no client is sent from `/x` to `/x/` unless the face does so itself.
    """
    faces: list[BaseRoute] = []
    hosts: list[BaseRoute] = []  # after the prefixes, which most clients use
    for vendor in vendors:
        own = {setting.name.removeprefix(f"{vendor.name}."): setting.default for setting in vendor.settings} | dict(
            settings.get(vendor.name, {})
        )
        desk = FaceDesk(vendor.name, store, clock, attempts)
        quota = FaceQuota(vendor.quota if quotas else ())
        reader = cast("Reader", OwnSites(store, vendor.name)) if own_sites else store
        routes = vendor.face(FaceContext(reader, store, desk, quota, actions, clock, own))
        face = Router(routes, redirect_slashes=False)
        faces.append(Mount(f"/{vendor.name}", app=face, name=vendor.name))
        hosts.append(Host(urlsplit(vendor.base_url).hostname or "", app=face))
    return faces + hosts


class OwnSites:
    """A reader that knows of one vendor's sites only."""

    def __init__(self, reader: Reader, vendor: str) -> None:
        self._reader, self._vendor = reader, vendor

    def __getattr__(self, name: str) -> Any:
        """Whatever else a reader tells."""
        return getattr(self._reader, name)

    async def sites(self, *, owner: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        """As of a reader."""
        found = await self._reader.sites(owner=owner, account=account, gone=gone)
        return [site for site in found if site.vendor == self._vendor]
