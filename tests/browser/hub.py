"""A hub on loopback with believable water, for a browser to look at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

from margelle.cli.server import bind
from margelle.collect.reviewing import Reviewer
from margelle.domain.site import User
from margelle.ports import Store
from margelle.serve.app import Api, build
from margelle.serve.pages import FACE
from margelle.serve.sign_in import Attempts, FaceDesk, hash_password
from margelle.simulate.actions import LocalActions
from margelle.simulate.people import NEIGHBOUR, OWNER
from margelle.simulate.pool import POOLS
from margelle.simulate.roster import Roster
from margelle.simulate.water import Water
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS
from tests.conftest import NOW
from tests.serve.api.hub import no_reports

PASSWORD = "l'eau claire"
DAYS = timedelta(days=35)
"""How far back the water was measured."""

T = TypeVar("T")


class BrowserHub:
    """A hub that serves at `url` from a thread of its own. `clock` stands still, at `now`, until a test moves it.

    `OWNER` (Camille) is its operator and has four pools, `NEIGHBOUR` (Lou) has one; `empty` hubs know nobody.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        self._loop, self.store, self.now, self.url = loop, store, NOW, ""

    def clock(self) -> datetime:
        """The hub's instant."""
        return self.now

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`, done in the hub's own thread: `hub.run(hub.store.put_event(...))`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def session(self, email: str) -> str:
        """The token of a new session of this user."""
        desk = FaceDesk(FACE, self.store, self.clock, Attempts(self.store))
        return self.run(desk.issue_named("access", email, "Firefox, Linux", life_s=86400))[0]


@contextmanager
def served(
    *,
    empty: bool = False,
    public: bool = False,
    store: Store | None = None,
    made: Callable[[BrowserHub], ASGIApp] | None = None,
) -> Iterator[BrowserHub]:
    """A hub until the end of the block; `made` puts another application together than one over a store alone."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hub", daemon=True)
    thread.start()
    hub = BrowserHub(loop, store or MemoryStore())
    if not empty:
        hub.run(furnish(hub.store, hub.now))
    app = (
        made(hub)
        if made
        else build(
            hub.store,
            list(VENDORS.values()),
            {name: {} for name in VENDORS},
            hub.clock,
            LocalActions(hub.store, hub.clock),
            public_page=public,
            time_zone="Europe/Paris",
            api=Api(no_reports),
        )
    )
    socket = bind("127.0.0.1", 0)
    hub.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    server.config.load()
    server.lifespan = config.lifespan_class(config)
    serving = asyncio.run_coroutine_threadsafe(server._serve([socket]), loop)
    try:
        yield hub
    finally:
        server.should_exit = server.force_exit = True
        serving.result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        socket.close()


async def furnish(store: Store, now: datetime) -> None:
    """Two people with the simulation's pools, and a month of their water."""
    secret = hash_password(PASSWORD)
    users = [User(OWNER, secret, "Camille", "Martin", operator=True), User(NEIGHBOUR, secret, "Lou", "Bernard", "fr")]
    roster = Roster(list(VENDORS.values()), users, POOLS)
    await roster.settle(store, now)
    for place in roster.places:
        water = Water("margelle", place.pool, place.probe.id)
        await store.add(list(water.measurements(now - DAYS, now)), now)
    async for _ in Reviewer(store, lambda: now).steps(again=True):
        """Judge it, as a hub does with what it collects."""
