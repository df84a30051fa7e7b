"""Programs that speak to BAXO Connect, and where each keeps its address (docs/clients/)."""

from __future__ import annotations

from typing import Final

from margelle.ports import Client

_REST: Final = """\
rest:
  - resource: {face}/k1?get=devices-realtimes&contractId=CONTRACT&deviceId=DEVICE
    method: POST
    headers:
      Content-Type: application/x-www-form-urlencoded
    payload: username=…&password=…"""
_HTTP: Final = """\
baseURL="{face}/k1?get=devices-realtimes&contractId=CONTRACT&deviceId=DEVICE"
stateMethod="POST"
contentType="application/x-www-form-urlencoded\""""
_SCRIPT: Final = (
    "const answer = await fetch('{face}/k1', { method: 'POST', body: new URLSearchParams({ ...asked, ...login }) });"
)

CLIENTS: Final = (
    Client("home-assistant", "RESTful", "configuration.yaml", _REST),
    Client("openhab", "HTTP binding", "", _HTTP),
    Client("homey", "HomeyScript", "", _SCRIPT),
    Client("jeedom", "Script", "", "'{face}/k1'"),
    Client("python", "requests", "", 'K1 = "{face}/k1"'),
    Client(
        "curl", "curl", "", "curl {face}/k1 -d get=contracts --data-urlencode username=… --data-urlencode password=…"
    ),
)
