"""PyPI's `flipr-api`, unmodified, in a process of its own: it signs in, calls what Home Assistant calls, and prints what it got as one JSON object.

Run as `python witness.py HOST LOGIN PASSWORD`. The library has its host in two module constants; they are pointed at HOST, with the slash
at the end that versions up to 1.5 had where SLASH is set. With HUBS it switches pumps too, which takes some seconds.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import flipr_api.session  # type: ignore[import-untyped]
import requests
from flipr_api import FliprAPIRestClient
from flipr_api.exceptions import FliprError  # type: ignore[import-untyped]


def attempt(call: Any, *arguments: Any) -> Any:
    """What a method returns, or the error that it raises."""
    try:
        return call(*arguments)
    except (FliprError, requests.HTTPError) as error:
        return {"error": type(error).__name__, "message": str(error)}


def switched(client: FliprAPIRestClient, hub: str) -> dict[str, Any]:
    """How a hub stands, and then after each of Home Assistant's acts: three modes to select, and a switch."""
    return {
        "found": client.get_hub_state(hub),
        **{mode: client.set_hub_mode(hub, mode) for mode in ("auto", "planning", "manual")},
        "off": client.set_hub_state(hub, False),
        "on": client.set_hub_state(hub, True),
    }


def main() -> None:
    """The command line."""
    host, login, password = sys.argv[1:]
    flipr_api.session.FLIPR_AUTH_URL = host + "/OAuth2/token"
    flipr_api.session.FliprClientSession.host = host + os.environ.get("SLASH", "")
    client = FliprAPIRestClient(login, password)
    everything = client.search_all_ids()
    told = {
        "all": everything,
        "measures": {serial: attempt(client.get_pool_measure_latest, serial) for serial in everything["flipr"]},
        "hub": attempt(client.get_hub_state, everything["flipr"][0]),
        "hubs": [switched(client, hub) for hub in everything["hub"] if os.environ.get("HUBS")],
        "foreign": attempt(client.get_pool_measure_latest, "ZZZZZZ"),
        "refused": attempt(FliprAPIRestClient(login, "wrong").search_all_ids),
    }
    sys.stdout.write(json.dumps(told, default=str))


if __name__ == "__main__":
    main()
