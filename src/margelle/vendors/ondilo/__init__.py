"""Ondilo: the ICO, floating in pools and spas, and its Customer API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from margelle.domain.site import Account
from margelle.ports import Clock, Connector, FaceContext, Http, Rate, Setting, Source, Tokens, Vendor

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

# A collector does not load the web server, nor the server a collector: each half is imported when it is first wanted.


def _connect(base_url: str, http: Http, _clock: Clock) -> Connector:
    from margelle.vendors.ondilo.client import OndiloConnector  # noqa: PLC0415

    return OndiloConnector(base_url, http)


def _source(account: Account, http: Http, tokens: Tokens) -> Source:
    from margelle.vendors.ondilo.client import OndiloSource  # noqa: PLC0415

    return OndiloSource(account, http, tokens)


def _face(context: FaceContext) -> Sequence[BaseRoute]:
    from margelle.vendors.ondilo.routes import routes  # noqa: PLC0415

    return routes(context)


SETTINGS: Final = (
    Setting(
        "ondilo.types_default",
        str,
        "all",
        "What `lastmeasures` answers when a client names no types: every type, or nothing as Ondilo's cloud does since 2024.",
        choices=("all", "none"),
    ),
    Setting(
        "ondilo.lastmeasures_time",
        str,
        "current",
        "How `lastmeasures` writes times: `current` as Ondilo's cloud does since 2024 (2026-07-14 12:30:00, UTC), `documented` as its document says (2026-07-14T12:30:00+0000).",
        choices=("current", "documented"),
    ),
    Setting(
        "ondilo.measures_time",
        str,
        "documented",
        "How `measures` writes times; as for `ondilo.lastmeasures_time`.",
        choices=("current", "documented"),
    ),
    Setting(
        "ondilo.redirect_uris",
        list[str],
        [],
        "Where clients may send users back after signing in: redirect URIs, or beginnings of them that end in `*`. Empty allows any.",
    ),
    Setting("ondilo.token_life_s", float, 3600.0, "How long an access token is good for, in seconds."),
    Setting(
        "ondilo.limit_status",
        int,
        429,
        "The status of an answer beyond the quota: 429, or 400 as Ondilo's cloud has been seen to answer.",
        choices=("429", "400"),
    ),
)

ONDILO: Final = Vendor(
    name="ondilo",
    title="Ondilo ICO",
    base_url="https://interop.ondilo.com",
    settings=SETTINGS,
    quota=(Rate(5, 1), Rate(30, 3600)),
    pace=(Rate(2, 1), Rate(20, 3600)),
    connect=_connect,
    source=_source,
    face=_face,
)
