"""Whether a process takes requests, as a load balancer hears it."""

from __future__ import annotations

import asyncio

from margelle.serve.readiness import Readiness
from tests.asgi import call
from tests.serve.test_app import hub


async def test_a_process_is_ready_once_all_its_servers_listen_and_until_it_ends() -> None:
    told: list[str] = []
    readiness = Readiness(2, lambda: told.append("ready"))
    app = hub(readiness=readiness)
    for _ in range(2):
        starting = await call(app, "GET", "/readyz")
        assert (starting.status, starting.headers["retry-after"], told) == (503, "1", [])
        readiness.listens()
    assert told == ["ready"]
    assert (await call(app, "GET", "/readyz")).status == 200
    readiness.end()
    assert (await call(app, "GET", "/readyz")).status == 503
    for path in ("/healthz", "/livez"):
        assert (await call(app, "GET", path)).status == 200, "it is still answered"


async def test_a_process_whose_store_cannot_be_asked_is_alive_and_not_ready() -> None:
    from margelle.errors import StoreError
    from margelle.store.memory import MemoryStore

    class Broken(MemoryStore):
        async def version(self, *, but_points: bool = False) -> int:
            raise StoreError("The disk is gone.")

    app = hub(store=Broken())
    assert (await call(app, "GET", "/readyz")).status == 503
    assert (await call(app, "GET", "/livez")).status == 200


async def test_what_never_ends_is_told_once_that_it_does() -> None:
    readiness, told = Readiness(), list[str]()
    readiness.at_close(lambda: told.append("closed"))
    readiness.end()
    assert told == []
    readiness.close()
    readiness.close()
    readiness.end()
    assert (told, readiness.state) == (["closed"], "closed")
    await asyncio.sleep(0)
