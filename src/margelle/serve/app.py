"""The hub's web application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from margelle import __version__
from margelle.domain.limits import Regime
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.ports import Actions, Backstage, Clock, NoSiblings, Reports, Siblings, Staged, Store, Vendor
from margelle.serve.api import API
from margelle.serve.api.problem import details
from margelle.serve.calls import Calls
from margelle.serve.faces import mounts
from margelle.serve.gate import Gate, too_large, too_large_batch
from margelle.serve.glance import Showing
from margelle.serve.problem import problem, unavailable
from margelle.serve.readiness import Readiness
from margelle.serve.repeats import Repeats
from margelle.serve.sign_in import Attempts, FaceDesk
from margelle.serve.traffic import Traffic

if TYPE_CHECKING:
    from margelle.serve.pages.session import Sessions


class Api(Struct, frozen=True):
    """How the hub's own API is: how the collection stands, the sites whose scripts may call it, and how often in a minute each caller may (0: any number).

    With `metrics` there is `/metrics` as well; `size_bytes` tells what the store takes on the disk.
    """

    reports: Reports
    origins: tuple[str, ...] = ()
    requests_per_minute: int = 600
    lookback_s: float = 7200.0
    """How long a measurement counts as present in PromQL."""
    metrics: bool = False
    most_bytes: int = 64 << 20
    """How much of what is sent may be under way in this process."""
    size_bytes: Callable[[], int] | None = None


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
    api: Api | None = None,
    title: str = "Margelle",
    public_page: bool = False,
    public_url: str = "",
    catalogue: Catalogue = CATALOGUE,
    time_zone: str = "UTC",
    regime: Regime = "private",
    ready: Callable[[], bool] | None = None,
    readiness: Readiness | None = None,
    siblings: Siblings | None = None,
    mark: str = "",
    backstage: Backstage | None = None,
    demo: Staged = "",
) -> Starlette:
    """The application: a face for each vendor under `/<its name>`, `/healthz`, with `api` the hub's own API, and with `pages` what people see at `/`.

    `quotas` holds clients to the vendors' documented request quotas; with `own_sites` each face shows only its own vendor's sites. With `public_page`, whoever reaches the hub sees every site
    without signing in: for loopback and demonstrations only. `public_url` is where others reach the hub, if not where they
    ask; `catalogue` has the installation's quantities; `time_zone` is that of sites whose own is not known; `regime` says which limits hold. `/healthz` answers 503 until `ready()`, and `/readyz` until then and from the moment when `readiness` ends. `siblings` are the other processes of the same hub.
    `backstage` is what the pages may use of the hub behind the store: without it they show water and people only. A `demo` says on every page that its water is simulated: one that is the whole `hub`, or a `room` in another that one goes back to. `mark` is what this hub's own collector knows it by, should it be led back here.
    """
    attempts, calls = Attempts(store), Calls(clock, siblings)
    showing = Showing.of(vendors, face_settings, catalogue, regime)
    traffic = Traffic(vendor.name for vendor in vendors) if api is not None and api.metrics else None
    repeats = Repeats(store, clock, traffic) if api is not None else None
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
            siblings=siblings,
        ),
        Route("/livez", _alive),
        Route("/healthz", _health(store, ready)),
        Route("/readyz", _ready(store, ready, readiness)),
    ]
    if api is not None:
        sessions = _sessions(store, clock, attempts, public_url) if pages else None
        routes += _api_routes(
            _Front(
                store,
                clock,
                attempts,
                catalogue,
                showing,
                actions,
                traffic,
                sessions,
                siblings or NoSiblings(),
                readiness,
            ),
            api,
        )
    if pages:
        from margelle.serve.pages import Look  # noqa: PLC0415 - a cloud without pages does not load them
        from margelle.serve.pages import routes as page_routes  # noqa: PLC0415

        look = Look(title, public_page, public_url, catalogue, time_zone, showing, demo)
        routes += page_routes(
            store, vendors, clock, attempts, actions=actions, look=look, backstage=backstage, calls=calls
        )
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Gate, mark=mark, calls=calls, traffic=traffic, repeats=repeats)],
        exception_handlers={HTTPException: _refusal},
    )
    app.router.redirect_slashes = False
    app.state.repeats = repeats
    return app


class _Front(NamedTuple):
    """What all rooms share."""

    store: Store
    clock: Clock
    attempts: Attempts
    catalogue: Catalogue
    showing: Showing
    actions: Actions
    traffic: Traffic | None
    sessions: Sessions | None
    siblings: Siblings
    readiness: Readiness | None


def _api_routes(front: _Front, api: Api) -> list[BaseRoute]:
    """The hub's own API, the same in PromQL, and its metrics."""
    from margelle.serve.api import routes as own  # noqa: PLC0415 - a cloud has none
    from margelle.serve.api.seen import Lookout  # noqa: PLC0415
    from margelle.serve.prometheus import routes as prometheus  # noqa: PLC0415

    store, clock, catalogue = front.store, front.clock, front.catalogue
    visitors = own.visitors(
        store, clock, front.attempts, front.sessions, api.requests_per_minute, siblings=front.siblings
    )
    lookout = Lookout(store)
    found = [
        *own.routes(
            store,
            clock,
            catalogue,
            visitors=visitors,
            actions=front.actions,
            reports=api.reports,
            lookout=lookout,
            showing=front.showing,
            origins=api.origins,
            readiness=front.readiness,
            most_bytes=api.most_bytes,
        ),
        *prometheus.routes(store, clock, catalogue, visitors=visitors, lookout=lookout, lookback_s=api.lookback_s),
    ]
    if front.traffic is not None:
        from margelle.serve.metrics import Metrics  # noqa: PLC0415

        told = Metrics(
            store,
            clock,
            traffic=front.traffic,
            visitors=visitors,
            reports=api.reports,
            size_bytes=api.size_bytes,
            siblings=front.siblings,
        )
        found += told.routes()
    return found


def _sessions(store: Store, clock: Clock, attempts: Attempts, public_url: str) -> Sessions:
    from margelle.serve.pages import FACE as PAGES  # noqa: PLC0415
    from margelle.serve.pages.session import Sessions  # noqa: PLC0415

    return Sessions(FaceDesk(PAGES, store, clock, attempts), public_url)


def _health(store: Store, ready: Callable[[], bool] | None) -> Callable[[Request], Any]:
    async def healthz(_: Request) -> Response:
        if ready is not None and not ready():
            return unavailable("Starting: not ready yet.", 1)
        await store.version()  # a store that cannot be read raises, and that is answered with 503
        return _status("ok")

    return healthz


def _ready(store: Store, ready: Callable[[], bool] | None, readiness: Readiness | None) -> Callable[[Request], Any]:
    async def readyz(_: Request) -> Response:
        if readiness is not None and readiness.state in {"ending", "closed"}:
            return unavailable("Ending: send nobody here any more.", 1)
        if (readiness is not None and readiness.state == "starting") or (ready is not None and not ready()):
            return unavailable("Starting: not ready yet.", 1)
        await store.version()
        return _status("ready")

    return readyz


async def _alive(_: Request) -> Response:
    """It answers, whatever else is wrong: to start the process again would mend nothing."""
    return _status("alive")


def _status(said: str) -> Response:
    return Response(msgspec.json.encode({"status": said, "version": __version__}), media_type="application/json")


async def _refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, HTTPException)
    if request.url.path.startswith(API):
        return too_large_batch if refusal.status_code == 413 else details(refusal.status_code, headers=refusal.headers)
    if refusal.status_code == 413:
        return too_large
    return problem(refusal.status_code, refusal.detail, headers=refusal.headers)
