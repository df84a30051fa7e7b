"""The operations of the customer API: who asks, whether they may, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from starlette.responses import Response
from starlette.types import Receive, Scope

from margelle.domain.site import Site, User
from margelle.errors import Malformed, Refused
from margelle.ports import FaceContext
from margelle.ports.kept import Kept
from margelle.vendors.endpoint import Endpoint, holder
from margelle.vendors.ondilo import query, wire
from margelle.vendors.ondilo.answers import failure, failure_of, limited, options, success
from margelle.vendors.ondilo.pools import Pools
from margelle.vendors.ondilo.profile import Profile
from margelle.vendors.ondilo.translate import (
    BY_TYPE,
    absence_to,
    configuration_to,
    device_to,
    legacy_order,
    measure_to,
    pool_to,
    recommendation_to,
    shares_to,
    units_to,
    user_to,
)


class Ask(Struct, frozen=True):
    """A request by `user` at `now`: the ids in its path, and its query, still encoded."""

    user: User
    now: datetime
    ids: dict[str, str]
    query: str


Operation = Callable[[Ask], Awaitable[Any]]


class Api:
    """What each path answers: wire types."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._pools = Pools(context)
        self._actions = context.actions
        self._profile = profile

    async def user_info(self, ask: Ask) -> wire.UserInfo:
        """GET /user/info."""
        return user_to(await self._pools.person(ask.user))

    async def user_units(self, ask: Ask) -> wire.UserUnits:
        """GET /user/units."""
        return units_to(await self._pools.units(ask.user))

    async def pools(self, ask: Ask) -> list[wire.Pool]:
        """GET /pools."""
        sites = await self._pools.of(ask.user)
        return [pool_to(site, int(key), await self._pools.changed_at(site, ask.now)) for key, site in sites.items()]

    async def device(self, ask: Ask) -> wire.Device | None:
        """GET /pools/{id}/device; null where there is no ICO."""
        site = await self._site(ask)
        devices = await self._pools.devices(site)
        if not devices:
            await self._pools.demand_survey(site)
        return device_to(devices[0]) if devices else None

    async def configuration(self, ask: Ask) -> wire.Configuration:
        """GET /pools/{id}/configuration."""
        return configuration_to(await self._site(ask))

    async def shares(self, ask: Ask) -> list[wire.Share]:
        """GET /pools/{id}/shares."""
        return shares_to(await self._pools.shares(await self._site(ask), ask.user))

    async def lastmeasures(self, ask: Ask) -> list[wire.Measure]:
        """GET /pools/{id}/lastmeasures: an entry for every type asked, in that order, null where there is no measure."""
        site = await self._site(ask)
        types = query.types(ask.query) or self._unasked(site)
        latest = await self._pools.latest(site, ask.now)
        newest = max((point.at for point in latest.values()), default=ask.now)
        style = self._profile.lastmeasures_time
        points = [(data_type, latest.get(BY_TYPE[data_type].quantity)) for data_type in types]
        return [
            measure_to(point, data_type, style) if point else absence_to(data_type, newest, style)
            for data_type, point in points
        ]

    async def measures(self, ask: Ask) -> list[wire.Measure]:
        """GET /pools/{id}/measures: all there is in the period, oldest first."""
        site = await self._site(ask)
        data_type, period = query.type_and_period(ask.query)
        points = await self._pools.history(site, BY_TYPE[data_type].quantity, period, ask.now)
        return [measure_to(point, data_type, self._profile.measures_time) for point in points]

    async def recommendations(self, ask: Ask) -> list[wire.Recommendation]:
        """GET /pools/{id}/recommendations: those that wait."""
        waiting = await self._pools.recommendations(await self._site(ask))
        return [recommendation_to(one, int(key)) for key, one in waiting.items()]

    async def validate(self, ask: Ask) -> str:
        """PUT /pools/{id}/recommendations/{id}: carried to where it comes from, before it is said to be done."""
        site = await self._site(ask)
        recommendation = await self._pools.recommendation(site, ask.ids["recommendation"])
        try:
            await self._actions.validate(recommendation, site, ask.user)
        except Refused as error:  # their own token is good: a 401 would only make the client renew it, again and again
            raise Malformed(error.what, hint=error.hint) from error
        return "Done"

    async def _site(self, ask: Ask) -> Site:
        return await self._pools.site(ask.user, ask.ids["pool"])

    def _unasked(self, site: Site) -> tuple[wire.DataType, ...]:
        return legacy_order(site.disinfection.primary) if self._profile.types_default == "all" else ()


class Path(Endpoint):
    """One path of the API."""

    def __init__(self, context: FaceContext, profile: Profile, kept: Kept, method: str, operation: Operation) -> None:
        super().__init__(self._answered, failure_of)
        self._context = context
        self._limit_status = profile.limit_status
        self._kept = kept
        self._operation = operation
        self._methods = ("GET", "HEAD", "OPTIONS") if method == "GET" else (method, "OPTIONS")
        self._keeps = method == "GET"

    async def _answered(self, scope: Scope, _: Receive) -> Response:
        method = scope["method"]
        if method not in self._methods:
            return failure(405, f"{method[:20]} is not allowed here.", allow=", ".join(self._methods))
        if method == "OPTIONS":
            return options(*self._methods)
        user = await holder(scope, self._context.desk)
        now = self._context.clock()
        wait_s = self._context.quota.take(user.email, now)
        if wait_s is not None:
            return limited(self._limit_status, wait_s)
        if not self._keeps:
            return await self._made(scope, user, now)
        key = (user.email, scope["path"], scope["query_string"])
        version = await self._context.reader.version()
        return await self._kept.or_made(version, key, now, lambda: self._made(scope, user, now))

    async def _made(self, scope: Scope, user: User, now: datetime) -> Response:
        ask = Ask(user, now, scope["path_params"], scope["query_string"].decode("latin-1"))
        return success(await self._operation(ask))
