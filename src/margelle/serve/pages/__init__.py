"""What people see. Each area (the water, the door, ...) is a module with its routes; `hall` is what they share, `visit` one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from margelle.errors import NotFound
from margelle.ports import Actions, Backstage, Clock, Store, Vendor
from margelle.serve.calls import Calls
from margelle.serve.pages import (
    acts,
    audit,
    board,
    by_hand,
    collection,
    connect,
    door,
    faces,
    first,
    installation,
    interventions,
    invitation,
    keys,
    me,
    organisations,
    overview,
    people,
    shares,
    site,
    tags,
)
from margelle.serve.pages.hall import Area, Hall, Look
from margelle.serve.pages.paper import asset, demand_built, manifest, worker
from margelle.serve.pages.session import Sessions
from margelle.serve.pages.visit import Visit
from margelle.serve.sign_in import Attempts, FaceDesk

__all__ = ["AREAS", "FACE", "Look", "routes"]

FACE: Final = "pages"
"""The face to which sessions belong."""

AREAS: Final[tuple[Area, ...]] = (
    overview.AREA,
    site.AREA,
    collection.AREA,
    connect.AREA,
    tags.AREA,
    by_hand.AREA,
    interventions.AREA,
    acts.AREA,
    shares.AREA,
    people.AREA,
    organisations.AREA,
    audit.AREA,
    me.AREA,
    keys.AREA,
    board.AREA,
    invitation.AREA,
    faces.AREA,
    installation.AREA,
    first.AREA,
    door.AREA,
)
"""In the order of the navigation."""


def routes(
    store: Store,
    vendors: Sequence[Vendor],
    clock: Clock,
    attempts: Attempts,
    *,
    actions: Actions,
    look: Look,
    backstage: Backstage | None = None,
    calls: Calls | None = None,
) -> list[BaseRoute]:
    """The pages' routes, to stand behind all others. Raises ConfigError where their style and scripts have not been built."""
    demand_built()
    sessions = Sessions(FaceDesk(FACE, store, clock, attempts), look.public_url)
    hall = Hall(
        store,
        vendors,
        clock,
        sessions=sessions,
        actions=actions,
        look=look,
        areas=[area for area in AREAS if backstage is not None or not area.backstage],
        backstage=backstage,
        calls=calls,
    )
    files = [
        Route("/static/{name}", asset),
        Route("/worker.js", worker),
        hall.page("/manifest.webmanifest", _manifest, door=True),
    ]
    return [*hall.routes(), *files, hall.page("/{path:path}", _lost, door=True)]


async def _manifest(visit: Visit) -> Response:
    return manifest(visit.hall.look.title, visit.words.language)


async def _lost(visit: Visit) -> Response:
    """Every other address: a page for people, JSON for programs."""
    if "text/html" not in visit.request.headers.get("accept", ""):
        raise HTTPException(404)
    raise NotFound("There is nothing at this address.")
