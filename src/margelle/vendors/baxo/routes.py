"""The face: BAXO Connect as its clients see it, served from the store."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute, Route

from margelle.ports import FaceContext
from margelle.vendors.baxo.answers import failure
from margelle.vendors.baxo.api import Services
from margelle.vendors.baxo.profile import Profile

PATH: Final = "/k1"


def routes(context: FaceContext) -> list[BaseRoute]:
    """The routes below the face's prefix: one, with or without a slash at its end; whatever else is asked for is answered in JSON too."""
    services = Services(context, Profile.of(context.settings, context.catalogue))
    return [
        Route(PATH, services, name="k1"),
        Route(f"{PATH}/", services, name="k1/"),
        Route("/{path:path}", failure(404, "There is no such page."), name="nowhere"),
    ]
