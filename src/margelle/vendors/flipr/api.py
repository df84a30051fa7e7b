"""The operations of the API: who asks, in which language, and what is answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from margelle.domain.site import User
from margelle.errors import BadInput, MargelleError, NotFound, Refused, StoreError
from margelle.ports import FaceContext
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.answers import failure, failure_of, success
from margelle.vendors.flipr.modules import Modules, Shown
from margelle.vendors.flipr.profile import Profile
from margelle.vendors.flipr.translate import (
    Language,
    View,
    alert_to,
    days_to,
    measure_to,
    measures_to,
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
from margelle.vendors.kept import Kept
from margelle.vendors.refusal import seconds

_log: Final = logging.getLogger(__name__)

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

    def __init__(self, context: FaceContext) -> None:
        self._modules = Modules(context)

    async def modules(self, ask: Ask) -> list[wire.Module]:
        """GET /modules."""
        return [await self._module(shown, ask) for shown in (await self._modules.of(ask.user)).values()]

    async def last(self, ask: Ask) -> wire.Measure | dict[str, Any]:
        """GET /modules/{serial}/survey/last; an empty object where nothing has been measured."""
        shown = await self._shown(ask)
        points = await self._modules.latest(shown, ask.now)
        return measure_to(points, View.of(shown.site, ask.language)) if points else {}

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
        told = days_to(points, View.of(shown.site, ask.language))
        return [day for day in told if day.date <= time_to(midnight)]  # a fast clock is in tomorrow before midnight

    async def resume(self, ask: Ask) -> wire.Resume | dict[str, Any]:
        """GET /modules/{serial}/NewResume; an empty object where nothing has been measured."""
        shown = await self._shown(ask)
        points = await self._modules.latest(shown, ask.now)
        if not points:
            return {}
        return resume_to(points, await self._measures(shown, ask, WEEK), View.of(shown.site, ask.language))

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
        return [place_to(number, [one.serial for one in shown]) for number, shown in places.items()]

    async def alerts(self, ask: Ask) -> list[wire.Alert]:
        """GET /place/{id}/allAlerts: what the vendors recommend."""
        number = _count(ask.ids["place"])
        shown = (await self._modules.places(ask.user)).get(number)
        if not shown:
            raise NotFound("There is no such place.")
        return [alert_to(key, one) for key, one in (await self._modules.alerts(shown[0].site)).items()]

    async def hub_state(self, ask: Ask) -> wire.HubState:
        """GET /hub/{serial}/state: no probe is a hub."""
        return not_a_hub((await self._shown(ask)).serial)

    async def _shown(self, ask: Ask) -> Shown:
        return await self._modules.one(ask.user, ask.ids["serial"])

    async def _module(self, shown: Shown, ask: Ask) -> wire.Module:
        points = await self._modules.latest(shown, ask.now)
        newest = max((point.at for point in points.values()), default=None)
        return module_to(shown.serial, shown.site, shown.probe, newest, like=await self._modules.is_like(shown))

    async def _measures(self, shown: Shown, ask: Ask, span: timedelta) -> list[wire.Measure]:
        points = await self._modules.history(shown, ask.now - span, ask.now)
        together = [point for of_one in points.values() for point in of_one]
        return measures_to(together, View.of(shown.site, ask.language))


class Endpoint:
    """One path of the API, as an ASGI application."""

    def __init__(self, context: FaceContext, profile: Profile, kept: Kept, operation: Operation) -> None:
        self._context = context
        self._language = profile.language
        self._kept = kept
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope)
        except MargelleError as error:
            answer = failure_of(error)
            if isinstance(error, StoreError):
                _log.error("%s: %s", self._operation.__name__, error)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        method = scope["method"]
        if method not in {"GET", "HEAD"}:
            return failure(
                405, f"The requested resource does not support http method {method[:20]!r}.", allow="GET, HEAD"
            )
        user = await self._user(scope)
        now = self._context.clock()
        wait_s = self._context.quota.take(user.email, now)
        if wait_s is not None:
            return failure(429, "Too many requests.", retry_after=seconds(wait_s))
        language = _language(scope, user) if self._language == "auto" else self._language
        version = await self._context.reader.version()
        key = (user.email, scope["path"].casefold(), language)
        answer = self._kept.get(version, key, now)
        if answer is None:
            answer = success(await self._operation(Ask(user, now, scope["path_params"], language)))
            self._kept.put(version, key, now, answer)
        return answer

    async def _user(self, scope: Scope) -> User:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.decode("latin-1").strip().partition(" ")
                user = await self._context.desk.holder("access", token.strip()) if scheme.lower() == "bearer" else None
                if user is not None:
                    return user
        raise Refused("The access token is missing, invalid or has expired.")


def _language(scope: Scope, user: User) -> Language:
    """As `?l=` asks, else as Accept-Language does, else the user's."""
    asked = dict(pairs(scope["query_string"].decode("latin-1"))).get("l", "")
    headers = dict(scope["headers"])
    for word in (asked, headers.get(b"accept-language", b"").decode("latin-1"), user.language):
        start = word.strip()[:2].lower()
        if start in {"fr", "en"}:
            return "fr" if start == "fr" else "en"
    return "en"


def _count(text: str) -> int:
    """A whole number in a path. Raises BadInput."""
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise BadInput("The request is invalid.")
    return int(text)
