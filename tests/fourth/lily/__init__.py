"""Lily: a buoy for pools, and its cloud. Invented, to show what adding a vendor takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from margelle.domain.site import Account
from margelle.ports import Clock, Connector, FaceContext, Http, Rate, Source, Tokens, Vendor

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

# A collector does not load the web server, nor the server a collector: each half is imported when it is first wanted.


def _connect(base_url: str, http: Http, _clock: Clock) -> Connector:
    from tests.fourth.lily.client import LilyConnector

    return LilyConnector(base_url, http)


def _source(account: Account, http: Http, tokens: Tokens) -> Source:
    from tests.fourth.lily.client import LilySource

    return LilySource(account, http, tokens)


def _face(context: FaceContext) -> Sequence[BaseRoute]:
    from tests.fourth.lily.routes import routes

    return routes(context)


LILY: Final = Vendor(
    name="lily",
    title="Lily",
    base_url="https://api.lily.example",
    settings=(),
    quota=(Rate(60, 3600),),  # what the document allows
    pace=(Rate(1, 1), Rate(40, 3600)),  # what we allow ourselves
    connect=_connect,
    source=_source,
    face=_face,
)
