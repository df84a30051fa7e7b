"""All that can be asked of the hub's own API, and its routes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from margelle.domain.quantity import Catalogue
from margelle.export.fragment import Fragments
from margelle.ports import Actions, Clock, Reports, Siblings, Store
from margelle.ports.kept import Kept
from margelle.serve.api import (
    API,
    NAME,
    collected,
    explorer,
    happened,
    measured,
    measurements,
    openapi,
    people,
    plotted,
    stream,
    water,
)
from margelle.serve.api.answering import LARGEST_KEPT, MOST_KEPT, Path
from margelle.serve.api.batches import MOST_BYTES, Intake
from margelle.serve.api.endpoint import Endpoint, Rooms
from margelle.serve.api.live import Watcher
from margelle.serve.api.reading import in_path
from margelle.serve.api.seen import Lookout
from margelle.serve.api.visitor import Visitors
from margelle.serve.faces import of_any_path
from margelle.serve.glance import Showing
from margelle.serve.readiness import Readiness
from margelle.serve.sign_in import Attempts, FaceDesk

if TYPE_CHECKING:
    from margelle.serve.pages.session import Sessions

TABLE: Final[tuple[Endpoint, ...]] = (
    *people.ENDPOINTS[:1],
    *water.ENDPOINTS,
    *measured.ENDPOINTS,
    *plotted.ENDPOINTS,
    *measurements.ENDPOINTS,
    *stream.ENDPOINTS,
    *happened.ENDPOINTS,
    *collected.ENDPOINTS,
    *people.ENDPOINTS[1:],
)
"""Every endpoint, in the order of the docs."""

REQUESTS_PER_MINUTE: Final = 600


def routes(
    store: Store,
    clock: Clock,
    catalogue: Catalogue,
    *,
    visitors: Visitors,
    actions: Actions,
    reports: Reports,
    lookout: Lookout,
    showing: Showing,
    origins: Sequence[str] = (),
    readiness: Readiness | None = None,
    most_bytes: int = MOST_BYTES,
) -> list[BaseRoute]:
    """The routes of the API. `origins` are the sites whose scripts may call it; live streams end with the `readiness`, and at most `most_bytes` of what is sent are under way."""
    watcher = Watcher(store, clock, catalogue)
    fragments = Fragments(catalogue)
    intake = Intake(store, clock, catalogue, most_bytes)
    if readiness is not None:
        readiness.at_close(watcher.end)
    rooms = Rooms(
        store, clock, catalogue, actions, reports, lookout, showing, watcher, fragments, intake, visitors.again
    )
    by_path: defaultdict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in TABLE:
        by_path[endpoint.path].append(endpoint)
    kept = Kept(LARGEST_KEPT, MOST_KEPT)
    paths = {
        path: Path(endpoints, rooms, visitors, frozenset(origins), API.rstrip("/"), kept=kept)
        for path, endpoints in by_path.items()
    }
    return [
        _Exact({_template(path): answer for path, answer in paths.items() if not in_path(path)}),
        Route(API, explorer.page),
        Route(f"{API}explorer/{{name}}", explorer.asset),
        Route(f"{API}openapi.json", _document),
        Route(f"{API}openapi-3.0.json", _older_document),
        *(
            of_any_path(Route(_template(path), answer))
            for path, answer in sorted(paths.items(), key=_is_open)
            if in_path(path)
        ),
    ]


class _Exact(BaseRoute):
    """Paths without parameters: found at once, however many there are."""

    def __init__(self, by_path: Mapping[str, ASGIApp]) -> None:
        self._by_path = by_path

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is for one of them."""
        answer = self._by_path.get(scope["path"]) if scope["type"] == "http" else None
        return (Match.FULL, {"endpoint": answer, "path_params": {}}) if answer is not None else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        await scope["endpoint"](scope, receive, send)


def visitors(
    store: Store,
    clock: Clock,
    attempts: Attempts,
    sessions: Sessions | None = None,
    requests_per_minute: int = REQUESTS_PER_MINUTE,
    *,
    siblings: Siblings | None = None,
) -> Visitors:
    """Who may call. Refused logins count with those at the faces and pages that share `attempts`."""
    return Visitors(
        store, clock, FaceDesk(NAME, store, clock, attempts), sessions, requests_per_minute, siblings=siblings
    )


def _is_open(path: tuple[str, Path]) -> bool:
    """Whether a path ends in an id, which may have slashes in it: others come first."""
    return path[0].endswith("}")


def _template(path: str) -> str:
    """The path as the router has it: an id may have slashes in it."""
    for name in in_path(path):
        path = path.replace(f"{{{name}}}", f"{{{name}:path}}")
    return API.rstrip("/") + path


@cache
def _told(*, old: bool) -> bytes:
    told: dict[str, Any] = openapi.document(TABLE)
    return msgspec.json.encode(openapi.older(told) if old else told)


async def _document(_: Request) -> Response:
    return Response(_told(old=False), headers={"cache-control": "no-cache"}, media_type="application/json")


async def _older_document(_: Request) -> Response:
    return Response(_told(old=True), headers={"cache-control": "no-cache"}, media_type="application/json")
