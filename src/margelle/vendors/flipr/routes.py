"""The face: Flipr's cloud as its clients see it, served from the store."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from margelle.ports import FaceContext
from margelle.ports.kept import Kept
from margelle.vendors.flipr.answers import failure
from margelle.vendors.flipr.api import Api, Operation, Path
from margelle.vendors.flipr.grants import TokenEndpoint
from margelle.vendors.flipr.profile import Profile


class BlindRoute(Route):
    """A route as the vendor's server has them: blind for case, and for slashes that are doubled or at the end."""

    def __init__(self, path: str, endpoint: Callable[..., Any], name: str) -> None:
        super().__init__(path, endpoint, name=name)
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this route answers the request, by any method."""
        path = re.sub("/+", "/", get_route_path(scope)) if scope["type"] == "http" else ""
        found = self.path_regex.match(path if path == "/" else path.rstrip("/"))
        if not found:
            return Match.NONE, {}
        return Match.FULL, {
            "endpoint": self.endpoint,
            "path_params": {**scope.get("path_params", {}), **found.groupdict()},
        }


def routes(context: FaceContext) -> list[BaseRoute]:
    """The routes below the face's prefix, the busiest first. Whatever else is asked for is answered in JSON too."""
    profile = Profile.of(context.settings)
    api = Api(context, profile)
    kept = Kept()

    def route(path: str, operation: Operation, method: str = "GET") -> BlindRoute:
        return BlindRoute(path, Path(context, profile, kept, operation, method), operation.__name__)

    return [
        route("/modules/{serial}/survey/last", api.last),
        route("/modules/{serial}/NewResume", api.resume),
        route("/modules", api.modules),
        route("/modules/{serial}/survey/LastHours/{hours}", api.last_hours),
        route("/modules/{serial}/survey/statsPerDays/{days}", api.stats_per_days),
        route("/modules/{serial}/pool", api.pool),
        route("/modules/{serial}/shortterm", api.short_term),
        route("/modules/{serial}/Thresholds", api.thresholds),
        route("/place", api.places),
        route("/place/{place}/allAlerts", api.alerts),
        route("/hub/{serial}/state", api.hub_state),
        route("/hub/{serial}/mode/{mode}", api.hub_mode, "PUT"),
        route("/hub/{serial}/Manual/{on}", api.hub_manual, "POST"),
        BlindRoute("/OAuth2/token", TokenEndpoint(context, profile), "token"),
        Route("/{path:path}", failure(404, "No HTTP resource was found that matches the request URI."), name="nowhere"),
    ]
