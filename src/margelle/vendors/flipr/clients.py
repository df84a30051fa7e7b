"""Programs that speak to Flipr's cloud, and where each keeps its address (docs/clients/)."""

from __future__ import annotations

from typing import Final

from margelle.ports import Client

_LIBRARY: Final = """\
import flipr_api.session as vendor

vendor.FLIPR_AUTH_URL = "{face}/OAuth2/token"
vendor.FliprClientSession.host = "{face}\""""
_CURL: Final = "curl {face}/OAuth2/token -d grant_type=password --data-urlencode username=… --data-urlencode password=…"

CLIENTS: Final = (
    Client("home-assistant", "Flipr", "custom_components/flipr/__init__.py", _LIBRARY),
    Client("openhab", "HTTP binding", "", 'baseURL="{face}/modules/SERIAL/survey/last"'),
    Client("homey", "Flipr", "lib/Client.js", "API_URL = '{face}'\nTOKEN_URL = '{face}/oauth2/token'"),
    Client("node", "homebridge"),
    Client("python", "flipr-api", "", _LIBRARY),
    Client("curl", "curl", "", _CURL),
)
