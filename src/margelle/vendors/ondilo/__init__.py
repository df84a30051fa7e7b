"""Ondilo: the ICO, floating in pools and spas, and its Customer API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Account, Probe
from margelle.ports import Batch, Clock, Connector, FaceContext, Http, Rate, Source, Tokens, Vendor
from margelle.vendors.ondilo.clients import CLIENTS
from margelle.vendors.ondilo.profile import SETTINGS

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

# A collector does not load the web server, nor the server a collector: each half is imported when it is first wanted.


def _connect(base_url: str, http: Http, _clock: Clock) -> Connector:
    from margelle.vendors.ondilo.client import OndiloConnector  # noqa: PLC0415

    return OndiloConnector(base_url, http)


def _source(account: Account, http: Http, tokens: Tokens) -> Source:
    from margelle.vendors.ondilo.client import OndiloSource  # noqa: PLC0415

    return OndiloSource(account, http, tokens)


def _printed(body: bytes, probe: Probe, _zone: tzinfo, _settings: Mapping[str, Any], _catalogue: Catalogue) -> Batch:
    from margelle.vendors.ondilo.client import printed  # noqa: PLC0415

    return printed(body, probe)


def _face(context: FaceContext) -> Sequence[BaseRoute]:
    from margelle.vendors.ondilo.routes import routes  # noqa: PLC0415

    return routes(context)


ONDILO: Final = Vendor(
    name="ondilo",
    title="Ondilo ICO",
    base_url="https://interop.ondilo.com",
    settings=SETTINGS,
    quota=(Rate(5, 1), Rate(30, 3600)),
    pace=(Rate(2, 1), Rate(22, 3600)),
    connect=_connect,
    source=_source,
    face=_face,
    printed=_printed,
    signs_in="browser",
    clients=CLIENTS,
)
