"""The operations of the API: who asks, in which language, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response
from starlette.types import Receive, Scope

from margelle.domain.site import User
from margelle.domain.switch import Turn
from margelle.errors import BadInput, NotFound
from margelle.ports import FaceContext
from margelle.ports.kept import Kept
from margelle.vendors.endpoint import Endpoint, count, holder
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.answers import failure, failure_of, success
from margelle.vendors.flipr.hubs import Forbidden, Hubs
from margelle.vendors.flipr.modules import Modules, Shown
from margelle.vendors.flipr.profile import Profile
from margelle.vendors.flipr.translate import (
    Language,
    View,
    alert_to,
    days_to,
    hub_to,
    manual_from,
    measure_to,
    measures_to,
    mode_from,
    module_to,
    not_a_hub,
    place_to,
    pool_to,
    resume_to,
    short_term_to,
    thresholds_to,
    time_to,
)
from margelle.vendors.form import pairs

MOST_HOURS: Final = 366 * 24
MOST_DAYS: Final = 366
"""What is asked for beyond a year is answered with a year."""

WEEK: Final = timedelta(days=7)


class Ask(Struct, frozen=True):
    """A request by `user` at `now`, to be answered in `language`: the ids in its path."""

    user: User
    now: datetime
    ids: dict[str, str]
    language: Language


Operation = Callable[[Ask], Awaitable[Any]]


class Api:
    """What each path answers: wire types."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._modules = Modules(context)
        self._hubs = Hubs(context, turned=profile.switch_pumps)
        self._levels = profile.conductivity == "level"

    async def modules(self, ask: Ask) -> list[wire.Module]:
        """GET /modules: the probes, then the hubs."""
        probes = [await self._module(shown, ask) for shown in (await self._modules.of(ask.user)).values()]
        return probes + [hub_to(hub.serial, hub.switch, hub.site) for hub in (await self._hubs.of(ask.user)).values()]

    async def last(self, ask: Ask) -> wire.Measure | dict[str, Any]:
        """GET /modules/{serial}/survey/last; an empty object where nothing has been measured."""
        shown = await self._shown(ask)
        points = await self._modules.latest(shown, ask.now)
        return measure_to(points, self._view(shown, ask)) if points else {}

    async def last_hours(self, ask: Ask) -> list[wire.Measure]:
        """GET /modules/{serial}/survey/LastHours/{hours}: the newest first."""
        hours = min(_count(ask.ids["hours"]), MOST_HOURS)
        return await self._measures(await self._shown(ask), ask, timedelta(hours=hours))

    async def stats_per_days(self, ask: Ask) -> list[wire.DayStatistics]:
        """GET /modules/{serial}/survey/statsPerDays/{days}: of so many UTC days up to today, those with a measure, the newest first."""
        days = min(_count(ask.ids["days"]), MOST_DAYS)
        shown = await self._shown(ask)
        midnight = ask.now.replace(hour=0, minute=0, second=0, microsecond=0)
        points = await self._modules.history(shown, midnight - timedelta(days=days - 1), ask.now)
        told = days_to(points, self._view(shown, ask))
        return [day for day in told if day.date <= time_to(midnight)]  # a fast clock is in tomorrow before midnight

    async def resume(self, ask: Ask) -> wire.Resume | dict[str, Any]:
        """GET /modules/{serial}/NewResume; an empty object where nothing has been measured."""
        shown = await self._shown(ask)
        points = await self._modules.latest(shown, ask.now)
        if not points:
            return {}
        return resume_to(points, await self._measures(shown, ask, WEEK), self._view(shown, ask))

    async def pool(self, ask: Ask) -> wire.Pool:
        """GET /modules/{serial}/pool."""
        return pool_to((await self._shown(ask)).site)

    async def short_term(self, ask: Ask) -> wire.ShortTerm:
        """GET /modules/{serial}/shortterm."""
        return short_term_to(await self._modules.air_temperature(await self._shown(ask), ask.now))

    async def thresholds(self, ask: Ask) -> wire.Thresholds:
        """GET /modules/{serial}/Thresholds."""
        return thresholds_to((await self._shown(ask)).site)

    async def places(self, ask: Ask) -> list[wire.Place]:
        """GET /place."""
        places = await self._modules.places(ask.user)
        probes, hubs = (await self._modules.of(ask.user)).values(), (await self._hubs.of(ask.user)).values()
        return [
            place_to(
                number,
                [one.serial for one in probes if one.site.id == site.id],
                [one.serial for one in hubs if one.switch in site.switches],
            )
            for number, site in places.items()
        ]

    async def alerts(self, ask: Ask) -> list[wire.Alert]:
        """GET /place/{id}/allAlerts: what the vendors recommend."""
        number = _count(ask.ids["place"])
        site = (await self._modules.places(ask.user)).get(number)
        if site is None:
            raise NotFound("There is no such place.")
        return [alert_to(key, one) for key, one in (await self._modules.alerts(site)).items()]

    async def hub_state(self, ask: Ask) -> wire.HubState:
        """GET /hub/{serial}/state."""
        return await self._hub(ask, None)

    async def hub_mode(self, ask: Ask) -> wire.HubState:
        """PUT /hub/{serial}/mode/{mode}."""
        return await self._hub(ask, _demanded(mode_from(ask.ids["mode"])))

    async def hub_manual(self, ask: Ask) -> wire.HubState:
        """POST /hub/{serial}/Manual/{on}: by hand from then on, also where the mode was another one."""
        return await self._hub(ask, _demanded(manual_from(ask.ids["on"])))

    async def _hub(self, ask: Ask, wanted: Turn | None) -> wire.HubState:
        """How a hub stands, after it was turned as is wanted, if so. No probe is a hub."""
        hub = await self._hubs.one(ask.user, ask.ids["serial"])
        if hub is None:
            return not_a_hub((await self._shown(ask)).serial)
        if wanted is not None:
            await self._hubs.turn(hub, wanted, ask.user, ask.now)
        return await self._hubs.standing(hub, ask.now)

    def _view(self, shown: Shown, ask: Ask) -> View:
        return View.of(shown.site, ask.language, levels=self._levels)

    async def _shown(self, ask: Ask) -> Shown:
        return await self._modules.one(ask.user, ask.ids["serial"])

    async def _module(self, shown: Shown, ask: Ask) -> wire.Module:
        points = await self._modules.latest(shown, ask.now)
        newest = max((point.at for point in points.values()), default=None)
        return module_to(shown.serial, shown.site, shown.probe, newest, like=await self._modules.is_like(shown))

    async def _measures(self, shown: Shown, ask: Ask, span: timedelta) -> list[wire.Measure]:
        points = await self._modules.history(shown, ask.now - span, ask.now)
        together = [point for of_one in points.values() for point in of_one]
        return measures_to(together, self._view(shown, ask))


class Path(Endpoint):
    """One path of the API."""

    def __init__(
        self, context: FaceContext, profile: Profile, kept: Kept, operation: Operation, method: str = "GET"
    ) -> None:
        super().__init__(self._answered, failure_of)
        self._context = context
        self._methods = ("GET", "HEAD") if method == "GET" else (method,)
        self._language = profile.language
        self._kept = kept
        self._operation = operation

    async def _answered(self, scope: Scope, _: Receive) -> Response:
        method = scope["method"]
        if method not in self._methods:
            what = f"The requested resource does not support http method {method[:20]!r}."
            return failure(405, what, allow=", ".join(self._methods))
        user = await holder(scope, self._context.desk)
        now = self._context.clock()
        count(self._context, user, now)
        language = _language(scope, user) if self._language == "auto" else self._language
        ask = Ask(user, now, scope["path_params"], language)
        if "GET" not in self._methods:
            return await self._made(ask)
        key = (user.email, scope["path"].casefold(), language)
        version = await self._context.reader.version()
        return await self._kept.or_made(version, key, now, lambda: self._made(ask))

    async def _made(self, ask: Ask) -> Response:
        try:
            return success(await self._operation(ask))
        except Forbidden:
            return failure(403, "Pumps are not switched through this hub.")


def _language(scope: Scope, user: User) -> Language:
    """As `?l=` asks, else as Accept-Language does, else the user's."""
    asked = dict(pairs(scope["query_string"].decode("latin-1"))).get("l", "")
    headers = dict(scope["headers"])
    for word in (asked, headers.get(b"accept-language", b"").decode("latin-1"), user.language):
        start = word.strip()[:2].lower()
        if start in {"fr", "en"}:
            return "fr" if start == "fr" else "en"
    return "en"


def _demanded(turn: Turn | None) -> Turn:
    if turn is None:
        raise BadInput("The request is invalid.")
    return turn


def _count(text: str) -> int:
    """A whole number in a path. Raises BadInput."""
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise BadInput("The request is invalid.")
    return int(text)
