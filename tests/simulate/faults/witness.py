"""PyPI's `ondilo`, unmodified, in a process of its own: what its users see of each fault, printed as one JSON object.

Run as `python witness.py CLOUDS TOKEN NAME...`: for each fault it chooses it by the control API, asks, and ends it.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import ondilo.ondilo as library  # type: ignore[import-untyped]
import requests


def attempt(call: Any, *arguments: Any) -> Any:
    """What a method returns, or the error that it raises."""
    try:
        return call(*arguments)
    except library.OndiloError as error:
        return {"error": error.status_code, "message": error.message}
    except Exception as error:  # as its users see it
        return {"raised": type(error).__name__}


def main() -> None:
    """The command line."""
    clouds, token, *names = sys.argv[1:]
    library.API_HOST = f"{clouds}/ondilo"
    library.API_URL = f"{clouds}/ondilo/api/customer/v1"
    told = {}
    for name in names:
        client = library.Ondilo(token={**json.loads(token), "expires_at": time.time() + 3000})
        pool = client.get_pools()[0]["id"]
        chosen = requests.put(f"{clouds}/clouds/faults/{name}", timeout=10)
        assert chosen.status_code == 200, chosen.text
        told[name] = {
            "pools": attempt(client.get_pools),
            "last": attempt(client.get_last_pool_measures, pool),
            "measures": attempt(client.get_pool_histo, pool, "temperature", "day"),
            "renewed": attempt(client.refresh_tokens),
        }
        requests.delete(f"{clouds}/clouds/faults/{name}", timeout=10)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
