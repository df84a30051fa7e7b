"""The vendors' clouds on this machine: their faces over a store of their own, which fills itself with believable water."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from margelle.domain.site import User
from margelle.errors import BadInput, Conflict, StoreError
from margelle.ports import Clock, Reader, Store, Vendor
from margelle.serve.app import build
from margelle.simulate.actions import LocalActions
from margelle.simulate.faults import Faults, Log
from margelle.simulate.faults.control import Control
from margelle.simulate.faults.middleware import Faulty, Pause
from margelle.simulate.feed import PAST, Feed, Progress
from margelle.simulate.pool import POOLS, Pool
from margelle.simulate.pump import Drive
from margelle.simulate.roster import Roster
from margelle.simulate.station import STATIONS, Station
from margelle.simulate.telemetry import Telemetry
from margelle.waiting import pause

PAUSE_S: Final = 5.0
"""Between two looks at the clock."""

MEMO: Final = "clouds"

_log = logging.getLogger(__name__)


class _Claim(Struct, frozen=True):
    """What makes a store a cloud's: the seed of its water, and when it was started for the first time."""

    seed: str
    started: datetime


class Clouds:
    """Simulated clouds for `vendors` over `store`, which they have for themselves.

    `users` come with their password hashes; `pools[n]` and `stations[n]` are those of `users[n]`. The water follows from `seed`; at their first start
    the clouds know the time `past` before it. Before anything else, `start()`.
    """

    def __init__(
        self,
        store: Store,
        vendors: Sequence[Vendor],
        clock: Clock,
        *,
        seed: str,
        users: Sequence[User],
        pools: Sequence[Sequence[Pool]] = POOLS,
        stations: Sequence[Sequence[Station]] = STATIONS,
        past: timedelta = PAST,
    ) -> None:
        if len({user.email.casefold() for user in users}) < len(users):
            raise BadInput("Two users of the simulated clouds have the same e-mail.", hint="Give each their own.")
        self._store, self._vendors, self._clock, self._seed = store, tuple(vendors), clock, seed
        self._roster = Roster(vendors, users, pools, stations)
        self._past = past
        self._feeds: list[Feed | Telemetry | Drive] = []
        self._pumps: dict[str, Drive] = {}
        self._ready = False
        self._turn = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether the store has everything up to the present, as it was when `start()` began."""
        return self._ready

    async def start(self, told: Callable[[float], None] | None = None) -> None:
        """Fill the store with the time up to now, or with what is missing since an earlier start; `told` hears the share that is done.

        Raises Conflict where the store belongs to another seed or to a hub.
        """
        claim = await self._claim()
        await self._roster.settle(self._store, self._clock())
        begun = (self._seed, claim.started, self._past)
        waters = [Feed(self._store, place, *begun) for place in self._roster.places]
        self._feeds = [*waters]
        self._feeds += [Telemetry(self._store, post, *begun) for post in self._roster.posts]
        self._pumps |= {
            switch.id: Drive(self._store, place, switch, water, begun[1:])  # after the pools, whose warmth it needs
            for place, water in zip(self._roster.places, waters, strict=True)
            for switch in place.site.switches
        }
        self._feeds += self._pumps.values()
        for feed in self._feeds:
            await feed.open()
        await self.advance(told)
        self._ready = True

    async def advance(self, told: Callable[[float], None] | None = None) -> None:
        """Keep what has been measured up to now. Where the clock has gone back, nothing happens until it is there again."""
        async with self._turn:
            now = self._clock()
            for n, feed in enumerate(self._feeds):
                await feed.advance(now, partial(self._tell, told, n))

    async def restart(self, vendor: str) -> None:
        """Restart the devices in all pools of a vendor: each measures at once, and every ten minutes for an hour."""
        async with self._turn:
            now = self._clock()
            for feed in self._feeds:
                if isinstance(feed, Feed) and feed.vendor == vendor:
                    await feed.advance(now, lambda _: None)
                    await feed.restart(now)
                    await feed.advance(now, lambda _: None)

    def _tell(self, told: Callable[[float], None] | None, done: int, share: float) -> None:
        if told:
            told((done + share) / len(self._feeds))

    async def run(self, stop: asyncio.Event, pause_s: float = PAUSE_S) -> None:
        """Go on with the clock until `stop` is set. A store that cannot be written is tried again."""
        while not stop.is_set():
            try:
                await self.advance()
            except StoreError as error:
                _log.error("The clouds cannot keep what was measured, and try again: %s", error)
            await pause(pause_s, stop)

    def app(
        self,
        face_settings: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        quotas: bool = True,
        faults: Faults | None = None,
        log: Log | None = None,
        pause: Pause = asyncio.sleep,
    ) -> Starlette:
        """The web application: each vendor's face, with its documented quotas, and at `/` what can be had here.

        With `faults` the faces can fail as they say, what is asked and told is kept in `log`, and both are controlled under `/clouds`; `pause`
        lets time pass for slow answers.
        """
        actions = LocalActions(self._store, self._clock, self._pumps)
        app = build(
            self._store,
            self._vendors,
            face_settings or {},
            self._clock,
            actions,
            pages=False,
            quotas=quotas,
            own_sites=True,
            title="Margelle clouds",
            ready=lambda: self.ready,
        )
        app.router.routes.append(Route("/", self._index(app)))
        if faults is not None:
            kept = Log() if log is None else log
            hosts = {urlsplit(vendor.base_url).hostname or "": vendor.name for vendor in self._vendors}
            app.router.routes.extend(Control(faults, kept).routes())
            app.user_middleware.append(
                Middleware(Faulty, faults, kept, self._clock, hosts=hosts, pause=pause, restart=self.restart)
            )  # within the gate
        return app

    async def _claim(self) -> _Claim:
        said = await self._store.memo(MEMO)
        if said is None:
            if await self._store.accounts() or await self._store.count():
                raise Conflict(
                    "This store holds what a hub has collected.",
                    hint="Give the simulated clouds a data directory of their own.",
                )
            claim = _Claim(self._seed, self._clock())
            await self._store.put_memo(MEMO, msgspec.json.encode(claim))
            return claim
        claim = msgspec.json.decode(said, type=_Claim)
        if claim.seed != self._seed:
            raise Conflict(
                f"This store holds the water of seed {claim.seed!r}, not {self._seed!r}.",
                hint="Use that seed, or give these clouds a data directory of their own.",
            )
        return claim

    def _index(self, app: Starlette) -> Callable[[Request], Any]:
        """The first page, in JSON: what this is, who can sign in, and where."""
        faces = {
            vendor.name: {"title": vendor.title, "base": f"/{vendor.name}", "paths": _paths(app, vendor.name)}
            for vendor in self._vendors
        }
        users = [
            {
                "login": user.email,
                "pools": [place.site.name for place in self._roster.of(user)],
                "stations": [post.site.name for post in self._roster.posts if post.owner == user],
            }
            for user in self._roster.users
        ]

        async def index(_: Request) -> Response:
            what = "Simulated clouds of water probe vendors: no real cloud, no real water."
            body = {"what": what, "now": self._clock(), "ready": self.ready, "vendors": faces, "users": users}
            return Response(msgspec.json.format(msgspec.json.encode(body)), media_type="application/json")

        return index


async def reached(reader: Reader) -> datetime | None:
    """Where the clock of an earlier run stood when it last kept something: a fast clock goes on from there. None for a store that is new."""
    told = [
        msgspec.json.decode(said, type=Progress).now
        for site in await reader.sites()
        if (said := await reader.memo(f"{MEMO}/{site.id}"))
    ]
    return max(told, default=None)


def _paths(app: Starlette, vendor: str) -> list[str]:
    """The paths of a vendor's face, without the one that catches all others."""
    mounts = [mount for mount in app.routes if isinstance(mount, Mount) and mount.path == f"/{vendor}"]
    found = {f"{mount.path}{getattr(route, 'path', '')}" for mount in mounts for route in mount.routes}
    return sorted(path for path in found if not path.endswith(":path}"))
