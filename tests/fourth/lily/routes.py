"""The face: Lily's cloud as its clients see it, served from the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope

from margelle.domain.series import by_instant
from margelle.domain.site import Probe, Site, User
from margelle.errors import BadInput, Limited, MargelleError, NotFound, Refused
from margelle.ports import FaceContext
from margelle.vendors.endpoint import Endpoint, address, count, holder
from margelle.vendors.failure import OverQuota, answered, failure_of
from margelle.vendors.form import body, pairs, parameters
from margelle.vendors.owned import newest_of, past_of, preferred_id, sites_of
from tests.fourth.lily import wire
from tests.fourth.lily.translate import BY_QUANTITY, SENSORS, VENDOR, buoy_to, sample_to

MOST_HOURS: Final = 720
CODES: Final = {
    400: "bad_request",
    401: "bad_key",
    403: "wrong_login",
    404: "not_found",
    405: "bad_method",
    429: "too_many",
}


class Ask(Struct, frozen=True):
    """A request by `user` at `now`: the ids in its path, and its query."""

    user: User
    now: datetime
    ids: dict[str, str]
    query: dict[str, str]


class Api:
    """What each path answers."""

    def __init__(self, context: FaceContext) -> None:
        self._context = context
        self._reader = context.reader

    async def buoys(self, ask: Ask) -> list[wire.Buoy]:
        """3: every probe that the user has, as a buoy."""
        return [buoy_to(key, site, probe) for key, (site, probe) in (await self._buoys(ask.user)).items()]

    async def samples(self, ask: Ask) -> list[wire.Sample]:
        """4: the newest sample, or those of some hours."""
        _, probe = (await self._buoys(ask.user)).get(_number(ask.ids["buoy"]), (None, None))
        if probe is None:
            raise NotFound("There is no such buoy.")
        quantities = _quantities(ask.query.get("sensor"))
        if "hours" in ask.query:
            since = ask.now - timedelta(hours=_hours(ask.query["hours"]))
            past = await past_of(self._reader, probe, quantities, since, ask.now)
            return [sample_to(one.at, one.measurements) for one in by_instant(chain(*past.values()))]
        newest = await newest_of(self._reader, probe, quantities, VENDOR, ask.now)
        return [sample_to(max(point.at for point in newest.values()), newest)] if newest else []

    async def key(self, scope: Scope, receive: Receive) -> Response:
        """2: a key for a login."""
        if scope["method"] != "POST":
            return failure(405, "Post here.", allow="POST")
        form = parameters(await body(receive))
        try:
            user = await self._context.desk.sign_in(form.get("email", ""), form.get("password", ""), address(scope))
        except Refused:
            return failure(403, "E-mail and password do not belong together.")
        except Limited as error:
            raise OverQuota(error.what, retry_after_s=error.retry_after_s) from None
        return answered(wire.Key(await self._context.desk.issue("access", user.email, life_s=None)), 201)

    def got(self, operation: Callable[[Ask], Awaitable[Any]]) -> Endpoint:
        """The endpoint of an operation that a key opens."""

        async def answer(scope: Scope, _: Receive) -> Response:
            if scope["method"] not in {"GET", "HEAD"}:
                return failure(405, "Get this.", allow="GET, HEAD")
            user, now = await holder(scope, self._context.desk, "key"), self._context.clock()
            count(self._context, user, now)
            query = dict(pairs(scope["query_string"].decode("latin-1")))
            return answered(await operation(Ask(user, now, scope["path_params"], query)))

        return Endpoint(answer, failed)

    async def _buoys(self, user: User) -> dict[int, tuple[Site, Probe]]:
        found = {}
        for site in await sites_of(self._reader, user, VENDOR):
            for probe in await self._reader.probes(site.id):
                preferred = preferred_id(VENDOR, probe.vendor, probe.key)
                persona = await self._context.writer.persona(VENDOR, "probe", probe.id, preferred)
                found[int(persona.public_id)] = site, probe
        return found


def routes(context: FaceContext) -> list[BaseRoute]:
    """The routes below the face's prefix. Whatever else is asked for is answered in Lily's shape too."""
    api = Api(context)
    return [
        Route("/v1/buoys/{buoy}/samples", api.got(api.samples)),
        Route("/v1/buoys", api.got(api.buoys)),
        Route("/v1/keys", Endpoint(api.key, failed)),
        Route("/{path:path}", failure(404, "There is no such address.")),
    ]


def failure(status: int, detail: str, wait_s: float | None = None, **headers: str) -> Response:
    """An error in Lily's shape (1)."""
    return answered(wire.Problem(CODES.get(status, "unavailable"), detail), status, wait_s=wait_s, **headers)


def failed(error: MargelleError) -> Response:
    """What one of our own errors is to a client."""
    return failure(*failure_of(error))


def _quantities(sensor: str | None) -> list[str]:
    if sensor is not None and sensor not in SENSORS:
        raise BadInput(f"There is no sensor {sensor[:40]!r}.")
    return [quantity for quantity, term in BY_QUANTITY.items() if sensor in {None, term.sensor}]


def _hours(text: str) -> int:
    hours = _number(text)
    if not 1 <= hours <= MOST_HOURS:
        raise BadInput(f"hours must be from 1 to {MOST_HOURS}.")
    return hours


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise BadInput(f"{text[:40]!r} is no number.")
    return int(text)
