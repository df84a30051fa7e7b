"""Flipr: the AnalysR and Start, floating in pools and spas, and the API of the phone's app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Account, Site
from margelle.ports import Clock, Connector, Display, FaceContext, Http, Rate, Source, Tokens, Vendor
from margelle.vendors.flipr.profile import SETTINGS

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

# A collector does not load the web server, nor the server a collector: each half is imported when it is first wanted.


def _connect(base_url: str, http: Http, _clock: Clock) -> Connector:
    from margelle.vendors.flipr.client import FliprConnector  # noqa: PLC0415

    return FliprConnector(base_url, http)


def _source(account: Account, http: Http, tokens: Tokens) -> Source:
    from margelle.vendors.flipr.client import FliprSource  # noqa: PLC0415

    return FliprSource(account, http, tokens)


def _face(context: FaceContext) -> Sequence[BaseRoute]:
    from margelle.vendors.flipr.routes import routes  # noqa: PLC0415

    return routes(context)


def _display(_settings: Mapping[str, Any], _catalogue: Catalogue) -> Callable[[Site], Display]:
    from margelle.vendors.flipr.display import DISPLAY  # noqa: PLC0415

    return lambda _: DISPLAY


FLIPR: Final = Vendor(
    name="flipr",
    title="Flipr",
    base_url="https://apis.goflipr.com",
    settings=SETTINGS,
    quota=(),  # none is documented
    pace=(Rate(2, 1), Rate(30, 3600)),
    connect=_connect,
    source=_source,
    face=_face,
    display=_display,
)
