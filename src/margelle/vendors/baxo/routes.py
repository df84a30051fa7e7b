"""The face: BAXO Connect as its clients see it, served from the store."""

from __future__ import annotations

from typing import Final

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from margelle.ports import FaceContext
from margelle.vendors.baxo.answers import failure
from margelle.vendors.baxo.api import Endpoint
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.rest import rest

PATH: Final = "/k1"


def routes(context: FaceContext) -> list[BaseRoute]:
    """The routes below the face's prefix: one, with or without a slash at its end; whatever else is asked for is answered in JSON too."""
    endpoint = Endpoint(context, Profile.of(context.settings, context.catalogue))
    return [
        Route(PATH, endpoint, name="k1"),
        Route(f"{PATH}/", endpoint, name="k1/"),
        rest(_Nowhere()),
    ]


class _Nowhere:
    """Every other path. (A class, as the others: Starlette then leaves every method to it.)"""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await failure(404, "There is no such page.")(scope, receive, send)
