"""BAMO: industrial instruments behind BAXO Connect, and its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Account, Probe, Site
from margelle.ports import Batch, Clock, Connector, Display, FaceContext, Http, Rate, Source, Tokens, Vendor
from margelle.vendors.baxo.clients import CLIENTS
from margelle.vendors.baxo.naming import NAMING
from margelle.vendors.baxo.profile import SETTINGS, Profile
from margelle.vendors.baxo.translate import remarks

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

# A collector does not load the web server, nor the server a collector: each half is imported when it is first wanted.


def _connect(base_url: str, http: Http, _clock: Clock) -> Connector:
    from margelle.vendors.baxo.client import BaxoConnector  # noqa: PLC0415

    return BaxoConnector(base_url, http)


def _configure(settings: Mapping[str, Any], catalogue: Catalogue) -> Callable[[Account, Http, Tokens], Source]:
    profile = Profile.of(settings, catalogue)

    def source(account: Account, http: Http, tokens: Tokens) -> Source:
        from margelle.vendors.baxo.client import BaxoSource  # noqa: PLC0415

        return BaxoSource(account, http, tokens, profile)

    return source


def _printed(body: bytes, probe: Probe, zone: tzinfo, settings: Mapping[str, Any], catalogue: Catalogue) -> Batch:
    from margelle.vendors.baxo.client import printed  # noqa: PLC0415

    return printed(body, probe, zone, Profile.of(settings, catalogue))


def _face(context: FaceContext) -> Sequence[BaseRoute]:
    from margelle.vendors.baxo.routes import routes  # noqa: PLC0415

    return routes(context)


def _display(settings: Mapping[str, Any], catalogue: Catalogue) -> Callable[[Site], Display]:
    from margelle.vendors.baxo.display import display  # noqa: PLC0415

    return display(settings, catalogue)


BAXO: Final = Vendor(
    name="baxo",
    title="BAMO BAXO Connect",
    base_url="https://api.bamo.fr",
    settings=SETTINGS,
    quota=(),
    pace=(Rate(2, 1), Rate(120, 3600)),
    connect=_connect,
    source=_configure({}, CATALOGUE),
    face=_face,
    printed=_printed,
    configure=_configure,
    remarks=remarks,
    display=_display,
    naming=NAMING,
    clients=CLIENTS,
)
