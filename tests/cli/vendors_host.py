"""PyPI's `ondilo`, unmodified and with its own addresses, in a process of its own: it finds the hub where it looks for Ondilo's cloud.

Run as `python -m tests.cli.vendors_host PORT LOGIN PASSWORD`, with REQUESTS_CA_BUNDLE. The name leads to this machine as a line in the hosts file has it, and
port 443 to PORT as a rule of the packet filter has it; both are the machine's, and neither is known to the library.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import ondilo.ondilo as library  # type: ignore[import-untyped]

from tests.vendors.ondilo.witness import REDIRECT, sign_in

HOST = "interop.ondilo.com"


def redirect(port: int) -> None:
    """Lead the vendor's host to `port` of this machine."""
    look_up = socket.getaddrinfo

    def led(host: Any, service: Any, *rest: Any, **named: Any) -> Any:
        return (
            look_up("127.0.0.1", port, *rest, **named)
            if (host, service) == (HOST, 443)
            else look_up(host, service, *rest, **named)
        )

    vars(socket)["getaddrinfo"] = led


def main() -> None:
    """The command line."""
    port, login, password = sys.argv[1:]
    redirect(int(port))
    kept: list[Any] = []
    client = library.Ondilo(redirect_uri=REDIRECT, token_updater=kept.append)
    first = client.request_token(authorization_response=sign_in(client, login, password))
    told = {
        "host": library.API_HOST,
        "user_info": client.get_user_info(),
        "pools": client.get_pools(),
        "device": client.get_ICO_details(234),
        "configuration": client.get_pool_config(234),
        "lastmeasures": client.get_last_pool_measures(234),
        "recommendations": client.get_pool_recommendations(234),
        "renewed": client.refresh_tokens()["refresh_token"] == first["refresh_token"],
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
