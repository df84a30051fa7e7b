"""A hub with its own API, asked without a server between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette

from margelle.domain.access import Scope
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, User
from margelle.domain.unit import Unit
from margelle.ports import Store
from margelle.serve.api import NAME
from margelle.serve.app import Api, build
from margelle.serve.sign_in import FaceDesk
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.house import ANNA, GARDEN, furnish
from tests.serve.vendors import NoActions

HOUR = timedelta(hours=1)


async def no_reports(_: Sequence[Account]) -> Sequence[Any]:
    """The reports of a hub that collects nothing."""
    return []


class Hub:
    """A hub, and Anna's key to it."""

    def __init__(self, store: Store, token: str, **options: Any) -> None:
        self.store, self.token, self.now = store, token, NOW
        api = options.pop("api", Api(no_reports, requests_per_minute=0))
        given: dict[str, Any] = {"pages": False, "actions": NoActions()} | options
        self.app: Starlette = build(
            store, given.pop("vendors", []), {}, lambda: self.now, given.pop("actions"), api=api, **given
        )

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Response:
        """Ask with Anna's key."""
        return await self.call("GET", path, headers=headers, **query)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
        **query: Any,
    ) -> Response:
        """Any request below `/api/v1`, with a key."""
        given = {"authorization": f"Bearer {token or self.token}", **(headers or {})}
        sent = b"" if body is None else json.dumps(body).encode()
        if sent:
            given.setdefault("content-type", "application/json")
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        return await call(self.app, method, f"/api/v1{path}{asked}", given, sent)

    async def key(self, *scopes: Scope, user: str = ANNA) -> str:
        """Another key."""
        desk = FaceDesk(NAME, self.store, lambda: NOW)
        return (await desk.issue_named("access", user, "other", life_s=None, scopes=scopes))[0]


async def furnished(store: Store, **options: Any) -> Hub:
    """A hub with two users, each with a site of their own, and ten hours of Anna's water."""
    await store.put_user(User(ANNA, "x", "Anna"))
    await furnish(store, NOW)
    await furnish(store, NOW, owner="ben@example.org", account="own-2", key="bath")
    await store.add([*water(GARDEN), *water("own:bath/probe")], NOW)
    hub = Hub(store, "", **options)
    hub.token = await hub.key("read", "measure", "intervene", "control", "manage")
    return hub


def water(probe: str, hours: int = 10) -> list[Measurement]:
    """pH and temperature of the hours before now, the newest half an hour ago."""
    begin = NOW.replace(minute=0) - (hours - 1) * HOUR
    return [
        Measurement(probe, quantity, begin + n * HOUR, value, f"{value:g}", unit, "own/http")
        for n in range(hours)
        for quantity, value, unit in (("ph", 7 + n / 100, Unit.PH), ("temperature", 20.0 + n, Unit.CELSIUS))
    ]
