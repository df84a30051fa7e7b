"""A cloud that answers at once what an ICO would tell now, by a clock kept in a file: `python -m bench.cloud PORT CLOCK`."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES = ("temperature", "ph", "orp", "tds", "battery", "rssi")


def newest(pool: int, now: datetime) -> datetime:
    """When the pool's probe last measured: hourly, each at a second of its own."""
    offset = timedelta(seconds=pool * 37 % 3600)
    return (now - offset).replace(minute=0, second=0, microsecond=0) + offset


def main() -> None:
    """Serve until killed."""
    port, clock = int(sys.argv[1]), Path(sys.argv[2])

    def now() -> datetime:
        return datetime.fromtimestamp(float(clock.read_text()), UTC)

    async def latest(request: Request) -> Response:
        pool = int(request.path_params["pool"])
        at = newest(pool, now())
        shared = {"value_time": f"{at:%Y-%m-%dT%H:%M:%S}+0000", "is_valid": True, "exclusion_reason": None}
        told = [{"data_type": name, "value": 7 + (pool + at.hour) % 50 / 100, **shared} for name in TYPES]
        return Response(json.dumps(told), media_type="application/json")

    async def nothing(_: Request) -> Response:
        return Response("[]", media_type="application/json")

    prefix = "/api/customer/v1/pools/{pool:int}"
    app = Starlette(
        routes=[
            Route(f"{prefix}/lastmeasures", latest),
            Route(f"{prefix}/recommendations", nothing),
            Route("/", nothing),
        ]
    )
    uvicorn.run(app, port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
