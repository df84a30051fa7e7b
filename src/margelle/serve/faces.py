"""The vendors' faces, each below a prefix of its own, and at the root for who asks for the vendor's own host."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.ports import Actions, Clock, FaceContext, Siblings, Store, Vendor
from margelle.serve.apart import apart
from margelle.serve.calls import FACE
from margelle.serve.quota import FaceQuota
from margelle.serve.sign_in import Attempts, FaceDesk

_HOST: Final = re.compile(r"([a-z0-9.-]*[a-z0-9-])\.?(?::\d{0,5})?", re.ASCII)


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
    siblings: Siblings | None = None,
) -> list[BaseRoute]:
    """Each vendor's routes under `/<its name>`, and at the root of its own host, for clients that cannot be told another; `settings` are by vendor, and what they leave out has its default; where they hold another object for a vendor later, its face is made anew.

    With `own_sites` a face shows only its own vendor's sites, as the vendor's cloud would. Paths are exact: no client is sent from `/x` to `/x/` unless the face does so itself.
    """
    faces: list[BaseRoute] = []
    hosts: list[BaseRoute] = []  # after the prefixes, which most clients use
    for vendor in vendors:
        desk = FaceDesk(vendor.name, store, clock, attempts)
        quota = FaceQuota(vendor.quota if quotas else (), vendor.name, siblings)
        reader = apart(store, vendor.name) if own_sites else store
        context = FaceContext(reader, store, desk, quota, actions, clock, {}, catalogue)
        face = _Face(vendor, context, settings)
        faces.append(of_any_path(_Prefix(f"/{vendor.name}", app=face, name=vendor.name)))
        hosts.append(_VendorHost(vendor.host, app=face, name=vendor.name))
    return faces + hosts


class _Face:
    """A vendor's routes, which are made anew where its settings have become others while the hub runs."""

    def __init__(self, vendor: Vendor, context: FaceContext, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self._vendor, self._context, self._settings = vendor, context, settings
        self._given = settings.get(vendor.name)
        self._routed = self._router()

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes as they are now."""
        return self._routed.routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if self._settings.get(self._vendor.name) is not self._given:
            self._given = self._settings.get(self._vendor.name)
            self._routed = self._router()
        return self._routed(scope, receive, send)

    def _router(self) -> Router:
        vendor = self._vendor
        usual = {setting.name.removeprefix(f"{vendor.name}."): setting.default for setting in vendor.settings}
        routes = vendor.face(replace(self._context, settings=usual | dict(self._given or {})))
        return Router([of_any_path(route) for route in routes], redirect_slashes=False)


class _Prefix(Mount):
    """A prefix that notes whose face it leads to."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request's path begins with it."""
        match, child = super().matches(scope)
        if match is not Match.NONE:
            child[FACE] = self.name
        return match, child


class _VendorHost(Host):
    """A host as clients write it: in any case, with any port or an empty one, and with the dot at its end that makes it absolute."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for this host. One that names two hosts is for neither."""
        told = {value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"}
        found = _HOST.fullmatch(told.pop().lower()) if len(told) == 1 else None
        if found is None or found[1] != self.host:
            return Match.NONE, {}
        params = dict(scope.get("path_params", {}))
        return Match.FULL, {"path_params": params, "endpoint": self.app, FACE: self.name}


def of_any_path(route: BaseRoute) -> BaseRoute:
    """The route, to which a line break in a path is a character like any other: what is nowhere gets the face's own answer."""
    if isinstance(route, (Route, Mount)):
        whole = route.path_regex.pattern.removesuffix("$") + r"\Z"
        route.path_regex = re.compile(whole, route.path_regex.flags | re.DOTALL)
    return route
