"""A whole hub for a browser: put together as `margelle serve` does, with a collector, beside simulated clouds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from starlette.types import ASGIApp

from margelle.cli.house import House
from margelle.collect.loop import Collector
from margelle.config import load
from margelle.domain.site import User
from margelle.ports import Rate
from margelle.serve.sign_in import hash_password
from margelle.simulate.people import OWNER
from margelle.testing import Sky, clouds
from tests.browser.hub import PASSWORD, BrowserHub, served
from tests.conftest import NOW

LOU = "lou@here.example"
PACE = (Rate(100, 1),)
"""As the demo's: nobody waits for clouds on this machine to be spared."""


class Whole(Struct):
    """A hub, the house behind it, and the clouds where its accounts are."""

    hub: BrowserHub
    house: House
    sky: Sky
    collector: Collector

    def connect(self, vendor: str, owner: str = OWNER) -> str:
        """An account of the clouds' login, connected and collected once; its id."""
        return self.hub.run(self._connected(vendor, owner))

    async def _connected(self, vendor: str, owner: str) -> str:
        from margelle.cli.connections import HubConnections

        made = await HubConnections(self.house).sign_in(vendor, owner, self.sky.login, self.sky.password)
        await self.collector.round()
        return made.account.id


@contextmanager
def whole(folder: Path, *, nobody: bool = False, collects: bool = False, file: str = "") -> Iterator[Whole]:
    """With `OWNER`, its operator, and Lou as users, or nobody; with `collects`, a collector is at work. It is always the same day there, in which time passes."""
    settings_file = folder / "margelle.toml"
    settings_file.write_text(file or "")
    settings = load(
        settings_file, {}, {"data_dir": str(folder), "key_file": str(folder / "key"), "time_zone": "Europe/Paris"}
    )
    houses: list[House] = []
    begun = time.monotonic()

    def clock() -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - begun)

    def made(hub: BrowserHub) -> ASGIApp:
        houses.append(House(settings, hub.store, clock, PACE))
        return houses[0].app()

    with clouds(now=NOW, past=timedelta(days=3)) as sky, served(empty=True, made=made) as hub:
        house = houses[0]
        house.clouds = {vendor: sky.base_url(vendor) for vendor in house.vendors}
        if not nobody:
            secret = hash_password(PASSWORD)
            for user in (User(OWNER, secret, "Camille", "Martin", operator=True), User(LOU, secret, "Lou")):
                hub.run(hub.store.put_user(user))
        stop, collector = asyncio.Event(), house.collector()
        collecting = asyncio.run_coroutine_threadsafe(collector.run(stop), hub._loop) if collects else None
        try:
            yield Whole(hub, house, sky, collector)
        finally:
            if collecting is not None:
                hub._loop.call_soon_threadsafe(stop.set)
                collecting.result(20)
            hub.run(house.close())
