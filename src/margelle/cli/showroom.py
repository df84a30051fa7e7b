"""A demo within a hub: simulated pools in a store of their own in memory, which only reads, apart from all that is real."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from margelle.ports import Clock, Vendor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

    from margelle.ports import Store
    from margelle.simulate.roster import Roster

PAST: Final = timedelta(days=21)
STEP: Final = timedelta(hours=1)


class Showroom:
    """Implements `ports.Demo`: furnished when somebody first looks, and kept up to the hour while they do."""

    def __init__(self, vendors: Sequence[Vendor], clock: Clock) -> None:
        self._vendors, self._clock = tuple(vendors), clock
        self._turn = asyncio.Lock()
        self._app: ASGIApp | None = None
        self._store: Store | None = None
        self._roster: Roster | None = None
        self._until: datetime | None = None

    async def app(self) -> ASGIApp:
        """The demo's pages."""
        async with self._turn:
            if self._app is None:
                self._app = await self._made()
            await self._fill()
            return self._app

    async def _made(self) -> ASGIApp:
        from margelle.cli.demo import TAGS
        from margelle.domain.site import User
        from margelle.serve import app
        from margelle.simulate import people
        from margelle.simulate.actions import LocalActions
        from margelle.simulate.pool import POOLS
        from margelle.simulate.roster import Roster
        from margelle.store.memory import MemoryStore

        store = self._store = MemoryStore()
        users = [User(people.OWNER, "", "Camille", "Martin"), User(people.NEIGHBOUR, "", "Lou", "Bernard")]
        self._roster = Roster(list(self._vendors), users, POOLS)
        await self._roster.settle(store, self._clock())
        return app.build(
            store,
            self._vendors,
            {"baxo": {"tags": TAGS}},
            self._clock,
            LocalActions(store, self._clock),
            public_page=True,
            time_zone="Europe/Paris",
            demo="room",
        )

    async def _fill(self) -> None:
        """Add what was measured since the last time."""
        from margelle.simulate.water import Water

        now = self._clock()
        since = self._until or now - PAST
        if self._until is not None and since <= now < since + STEP:
            return
        assert self._roster is not None
        assert self._store is not None
        for place in self._roster.places:
            water = Water("margelle", place.pool, place.probe.id)
            await self._store.add(list(water.measurements(min(since, now), now)), now)
            await asyncio.sleep(0)  # the hub serves others meanwhile
        self._until = now
