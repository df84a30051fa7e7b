"""A house that listens on loopback, under the server that the hub runs under."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from tests.vendors.ondilo.house import House


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[str]:
    """The base URL of the house's face, while the block lasts."""
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="critical", ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:  # who knocks before the server is up waits in its queue
        served = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/ondilo"
        finally:
            server.should_exit = True
            await served
