"""A hub's pages over a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, Address, Band, Disinfection, Person, Probe, Site, User
from margelle.ports import Discovery
from margelle.serve.app import build
from margelle.serve.sign_in import hash_password
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.serve.vendors import NoActions, vendor

PASSWORD = "l'eau + 100 % & l’été"
HASH = hash_password(PASSWORD)

POOL = Site(
    "bluewater:1",
    "bluewater",
    "1",
    "Le <grand> bassin",
    "pool",
    52.5,
    Disinfection("salt", uv=True),
    Address(city="Aix"),
    "Europe/Paris",
    {"ph": Band(7.2, 7.6), "orp": Band(650, None)},
)


def measured(
    quantity: str,
    value: float | None,
    *doubts: Doubt,
    ago: timedelta = timedelta(minutes=12),
    probe: str = "bluewater:1/p",
    raw: str | None = None,
) -> Measurement:
    """A measurement so long before NOW."""
    unit = CATALOGUE[quantity].unit
    return Measurement(
        probe, quantity, NOW - ago, value, str(value) if raw is None else raw, unit, "bluewater/latest", doubts
    )


class Hub:
    """A store, and a hub over it that anybody may look at (`public`) or that asks who they are."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.now = NOW

    def clock(self) -> datetime:
        return self.now

    def app(self, *, public: bool = True, **options: Any) -> ASGIApp:
        face = [vendor(lambda _: [])]
        return build(self.store, face, {}, self.clock, NoActions(), public_page=public, **options)

    async def own(self, owner: str, *sites: Site) -> None:
        """Give `owner` an account that reaches these sites, each with a probe `p`."""
        await self.store.put_user(User(owner, HASH, owner.partition("@")[0].title()))
        account = Account(f"bluewater-{owner}", "bluewater", owner, owner)
        await self.store.put_account(account)
        probes = tuple(Probe(f"{site.id}/p", site.id, "bluewater", site.key) for site in sites)
        await self.store.put_discovery(account.id, Discovery(Person(), sites, probes), NOW)

    async def add(self, measurements: Iterable[Measurement]) -> None:
        await self.store.add(list(measurements), NOW)

    async def page(self, language: str = "en") -> str:
        answer = await call(self.app(), "GET", f"/?lang={language}")
        assert answer.status == 200
        return answer.text

    async def sign_in(self, app: ASGIApp, login: str, password: str = PASSWORD, **headers: str) -> Response:
        form = urlencode({"login": login, "password": password}).encode()
        return await call(app, "POST", "/sign-in", headers, form)


@pytest.fixture
def hub() -> Hub:
    return Hub()


Cookie = Callable[[Response], str]


def cookie(answer: Response) -> str:
    """What a browser would send back."""
    return answer.headers["set-cookie"].partition(";")[0]
