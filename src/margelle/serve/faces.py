"""The vendors' faces, each below a prefix of its own, and at the root for who asks for the vendor's own host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Host, Mount, Router

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.ports import Actions, Clock, FaceContext, Store, Vendor
from margelle.serve.apart import apart
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
    catalogue: Catalogue = CATALOGUE,
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
        reader = apart(store, vendor.name) if own_sites else store
        routes = vendor.face(FaceContext(reader, store, desk, quota, actions, clock, own, catalogue))
        face = Router(routes, redirect_slashes=False)
        mount = Mount(f"/{vendor.name}", app=face, name=vendor.name)
        mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)  # a path may have a line break
        faces.append(mount)
        hosts.append(Host(vendor.host, app=face))
    return faces + hosts
