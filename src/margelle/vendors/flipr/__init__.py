"""Flipr: the AnalysR and Start, floating in pools and spas, and the API of the phone's app."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Account, Probe, Site
from margelle.ports import Batch, Clock, Connector, Display, FaceContext, Http, Nearby, Rate, Source, Tokens, Vendor
from margelle.vendors.flipr.clients import CLIENTS
from margelle.vendors.flipr.profile import SETTINGS

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

# A collector does not load the web server, nor the server a collector: each half is imported when it is first wanted.


def _connect(base_url: str, http: Http, _clock: Clock) -> Connector:
    from margelle.vendors.flipr.client import FliprConnector  # noqa: PLC0415

    return FliprConnector(base_url, http)


def _configure(settings: Mapping[str, Any], _catalogue: Catalogue) -> Callable[[Account, Http, Tokens], Source]:
    from margelle.vendors.flipr.calibration import calibrations  # noqa: PLC0415

    known = calibrations(settings.get("calibration", {}))

    def source(account: Account, http: Http, tokens: Tokens) -> Source:
        from margelle.vendors.flipr.client import FliprSource  # noqa: PLC0415
        from margelle.vendors.flipr.nearby import NearbyFlipr  # noqa: PLC0415

        return NearbyFlipr(account, known) if account.nearby else FliprSource(account, http, tokens)

    return source


async def _nearby(which: str) -> Nearby:
    from margelle.vendors.flipr.nearby import heard  # noqa: PLC0415

    return await heard(which)


def _printed(body: bytes, probe: Probe, _zone: tzinfo, _settings: Mapping[str, Any], _catalogue: Catalogue) -> Batch:
    from margelle.vendors.flipr.client import printed  # noqa: PLC0415

    return printed(body, probe)


def _face(context: FaceContext) -> Sequence[BaseRoute]:
    from margelle.vendors.flipr.routes import routes  # noqa: PLC0415

    return routes(context)


def _display(settings: Mapping[str, Any], _catalogue: Catalogue) -> Callable[[Site], Display]:
    from margelle.vendors.flipr.display import display  # noqa: PLC0415

    shown = display(settings)
    return lambda _: shown


FLIPR: Final = Vendor(
    name="flipr",
    title="Flipr",
    base_url="https://apis.goflipr.com",
    settings=SETTINGS,
    quota=(),  # none is documented
    pace=(Rate(2, 1), Rate(30, 3600)),
    connect=_connect,
    source=_configure({}, CATALOGUE),
    face=_face,
    configure=_configure,
    nearby=_nearby,
    printed=_printed,
    display=_display,
    clients=CLIENTS,
)
