"""The hub's web application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from margelle import __version__
from margelle.domain.limits import Regime
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.ports import Actions, Backstage, Clock, Store, Vendor
from margelle.serve.api import API
from margelle.serve.api.problem import details
from margelle.serve.calls import Calls
from margelle.serve.faces import mounts
from margelle.serve.gate import Gate, too_large, too_large_batch
from margelle.serve.problem import problem, unavailable
from margelle.serve.sign_in import Attempts


def build(
    store: Store,
    vendors: Sequence[Vendor],
    face_settings: Mapping[str, Mapping[str, Any]],
    clock: Clock,
    actions: Actions,
    *,
    pages: bool = True,
    quotas: bool = False,
    own_sites: bool = False,
    push: bool = True,
    title: str = "Margelle",
    public_page: bool = False,
    public_url: str = "",
    catalogue: Catalogue = CATALOGUE,
    time_zone: str = "UTC",
    regime: Regime = "private",
    ready: Callable[[], bool] | None = None,
    mark: str = "",
    backstage: Backstage | None = None,
    demo: bool = False,
) -> Starlette:
    """The application: a face for each vendor under `/<its name>`, `/healthz`, with `push` the hub's own API for measurements, and with `pages` what people see at `/`.

    `quotas` holds clients to the vendors' documented request quotas; with `own_sites` each face shows only its own vendor's sites. With `public_page`, whoever reaches the hub sees every site
    without signing in: for loopback and demonstrations only. `public_url` is where others reach the hub, if not where they
    ask; `catalogue` has the installation's quantities; `time_zone` is that of sites whose own is not known; `regime` says which limits hold. `/healthz` answers 503 until `ready()`.
    `backstage` is what the pages may use of the hub behind the store: without it they show water and people only. With `demo` every page says that its water is simulated. `mark` is what this hub's own collector knows it by, should it be led back here.
    """
    attempts, calls = Attempts(), Calls(clock)
    routes: list[BaseRoute] = [
        *mounts(
            store,
            vendors,
            face_settings,
            clock,
            actions,
            quotas=quotas,
            attempts=attempts,
            catalogue=catalogue,
            own_sites=own_sites,
        ),
        Route("/healthz", _health(store, ready)),
    ]
    if push:
        from margelle.serve.api.measurements import routes as api_routes  # noqa: PLC0415 - a cloud takes none

        routes += api_routes(store, clock, attempts, catalogue)
    if pages:
        from margelle.serve.pages import Look, Shown  # noqa: PLC0415 - a cloud without pages does not load them
        from margelle.serve.pages import routes as page_routes  # noqa: PLC0415

        displays = {one.name: Shown(one, face_settings, catalogue) for one in vendors if one.display is not None}
        look = Look(title, public_page, public_url, catalogue, time_zone, displays, regime, demo)
        routes += page_routes(
            store, vendors, clock, attempts, actions=actions, look=look, backstage=backstage, calls=calls
        )
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Gate, mark=mark, calls=calls)],
        exception_handlers={HTTPException: _refusal},
    )
    app.router.redirect_slashes = False
    return app


def _health(store: Store, ready: Callable[[], bool] | None) -> Callable[[Request], Any]:
    async def healthz(_: Request) -> Response:
        if ready is not None and not ready():
            return unavailable("Starting: not ready yet.", 1)
        await store.version()  # a store that cannot be read raises, and that is answered with 503
        return Response(msgspec.json.encode({"status": "ok", "version": __version__}), media_type="application/json")

    return healthz


async def _refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, HTTPException)
    if request.url.path.startswith(API):
        return too_large_batch if refusal.status_code == 413 else details(refusal.status_code, headers=refusal.headers)
    if refusal.status_code == 413:
        return too_large
    return problem(refusal.status_code, refusal.detail, headers=refusal.headers)
