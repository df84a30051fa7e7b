"""The face: Ondilo's cloud as its clients see it, served from the store."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute, Route

from margelle.ports import FaceContext
from margelle.ports.kept import Kept
from margelle.vendors.ondilo.answers import failure
from margelle.vendors.ondilo.api import Api, Operation, Path
from margelle.vendors.ondilo.authorize import AuthorizePage
from margelle.vendors.ondilo.grants import TokenEndpoint
from margelle.vendors.ondilo.profile import Profile

PREFIX: Final = "/api/customer/v1"


def routes(context: FaceContext) -> list[BaseRoute]:
    """The routes below the face's prefix, the busiest first. Paths are exact, and whatever else is asked for is answered in JSON too."""
    profile = Profile.of(context.settings)
    api = Api(context, profile)
    kept = Kept()

    def route(method: str, path: str, operation: Operation) -> Route:
        return Route(PREFIX + path, Path(context, profile, kept, method, operation), name=operation.__name__)

    return [
        route("GET", "/pools/{pool}/lastmeasures", api.lastmeasures),
        route("GET", "/pools", api.pools),
        route("GET", "/pools/{pool}/measures", api.measures),
        route("GET", "/pools/{pool}/recommendations", api.recommendations),
        route("GET", "/pools/{pool}/device", api.device),
        route("GET", "/pools/{pool}/configuration", api.configuration),
        route("GET", "/pools/{pool}/shares", api.shares),
        route("GET", "/user/info", api.user_info),
        route("GET", "/user/units", api.user_units),
        route("PUT", "/pools/{pool}/recommendations/{recommendation}", api.validate),
        Route("/oauth2/token", TokenEndpoint(context, profile), name="token"),
        Route("/oauth2/authorize", AuthorizePage(context, profile), name="authorize"),
        Route("/{path:path}", failure(404, "There is no such page."), name="nowhere"),
    ]
