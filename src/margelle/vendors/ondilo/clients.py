"""Programs that speak to Ondilo's cloud, and where each keeps its address (docs/clients/)."""

from __future__ import annotations

from typing import Final

from margelle.ports import Client

_LIBRARY: Final = """\
import ondilo.ondilo as vendor

vendor.API_HOST = "{face}"
vendor.API_URL = vendor.API_HOST + "/api/customer/v1\""""

CLIENTS: Final = (
    Client("home-assistant", "Ondilo ICO", "custom_components/ondilo_ico/__init__.py", _LIBRARY),
    Client("openhab", "Ondilo binding"),
    Client(
        "homey", "Ondilo ICO", "lib/Client.js", "{face}/api/customer/v1\n{face}/oauth2/authorize\n{face}/oauth2/token"
    ),
    Client("node", "ioBroker.ico-cloud", "src/lib/api.ts", 'baseURL: "{face}"'),
    Client("jeedom", "Ondilo", "core/class/ondilo.api.class.php", "$url = '{face}';"),
    Client("python", "ondilo", "", _LIBRARY),
)
