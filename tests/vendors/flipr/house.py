"""A hub with the probe that Flipr's document prints, written by hand in our own words, and the face over it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import uvicorn
from msgspec import Struct
from msgspec.structs import replace
from starlette.applications import Starlette

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Disinfection, Person, Probe, Site, User
from margelle.domain.switch import Switch, SwitchMode, Turn, state_of
from margelle.domain.unit import Unit
from margelle.ports import Discovery, Store
from margelle.serve.app import build
from margelle.serve.sign_in import hash_password
from margelle.store.memory import MemoryStore
from margelle.vendors.flipr import FLIPR
from tests.asgi import Response, call
from tests.vendors.ondilo.house import FakeActions

LOGIN, PASSWORD = "john@doe.org", "p&ss w+rd é"
OTHER_LOGIN = "eve+pool@doe.org"
PASSWORD_HASH = hash_password(PASSWORD)
FORM = {"content-type": "application/x-www-form-urlencoded"}
MEASURED_AT = datetime(2018, 1, 9, 9, 30, 5, 558277, tzinfo=UTC)
NOW = datetime(2018, 1, 9, 10, 0, tzinfo=UTC)
SITE = Site(
    id="flipr:21BXYZ",
    vendor="flipr",
    key="21BXYZ",
    name="Piscine",
    kind="pool",
    volume_m3=45.0,
    disinfection=Disinfection("chlorine"),
    attributes={"built_year": 2012, "commercial_type": "Pro", "place": 4711},
)
PROBE = Probe("flipr:21BXYZ/probe", SITE.id, "flipr", "21BXYZ", "21BXYZ", "", "4")
HUB = Switch("flipr:HB0001/hub", "flipr", "HB0001", firmware="1")
DOCUMENTED: dict[str, tuple[float, str, Unit]] = {
    "temperature": (21.06, "21.06", Unit.CELSIUS),
    "ph": (3.14, "3.14", Unit.PH),
    "orp": (181.0, "181", Unit.MILLIVOLT),
    "conductivity": (31920.0, "31920", Unit.MICROSIEMENS_PER_CM),
    "uv_index": (0.0, "0", Unit.UV_INDEX),
    "cloud_cover": (76.0, "0.76", Unit.RATIO),
    "battery": (100.0, "1", Unit.RATIO),
    "flipr.ph_deviation": (-10.15, "-10.15", Unit.RATIO),
    "flipr.disinfectant_deviation": (-1.28, "-1.28", Unit.RATIO),
}
"""What the document's measure tells, in our words."""


def point(
    quantity: str,
    value: float | None,
    at: datetime = MEASURED_AT,
    *,
    raw: str = "",
    unit: Unit = Unit.RATIO,
    probe: str = PROBE.id,
    origin: str = "flipr/survey/last",
    doubts: tuple[Doubt, ...] = (),
) -> Measurement:
    """A measurement."""
    return Measurement(probe, quantity, at, value, raw or f"{value:g}", unit, origin, doubts)


def documented(at: datetime = MEASURED_AT) -> list[Measurement]:
    """The document's measure."""
    return [point(name, value, at, raw=raw, unit=unit) for name, (value, raw, unit) in DOCUMENTED.items()]


def stands(*, on: bool, mode: str, at: datetime = MEASURED_AT, switch: Switch = HUB) -> list[Measurement]:
    """How a hub stands, as the cloud told it."""
    value = float(("manual", "auto", "planning").index(mode.partition(" ")[0]))
    return [
        Measurement(switch.id, "switch.state", at, float(on), str(int(on)), Unit.STATE, "flipr/hub"),
        Measurement(switch.id, "switch.mode", at, value, mode, Unit.STATE, "flipr/hub"),
    ]


class ObedientActions(FakeActions):
    """Switches at once."""

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        await super().switch(switch, wanted, site, user)
        known = state_of(await self._store.latest(switch.id, NOW))
        mode: SwitchMode = "manual" if wanted == "on" or wanted == "off" else wanted
        on = wanted == "on" if wanted in {"on", "off"} else known is not None and known.on
        await self._store.add(stands(on=on, mode=mode, at=NOW, switch=switch), NOW)


class House(Struct):
    """The store, and the face over it at `now`, which a test may move."""

    store: Store
    app: Starlette
    now: list[datetime]
    actions: FakeActions
    access: str = ""
    refresh: str = ""

    async def get(
        self, path: str, query: str = "", *, method: str = "GET", scheme: str = "Bearer", **headers: str
    ) -> Response:
        """Ask the API."""
        sent = {"authorization": f"{scheme} {self.access}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await call(self.app, method, f"/flipr{path}" + (f"?{query}" if query else ""), sent)

    async def token(self, body: str, path: str = "/OAuth2/token", method: str = "POST") -> Response:
        """Ask for a token."""
        return await call(self.app, method, f"/flipr{path}", FORM, body.encode())

    async def sign_in(self, login: str = LOGIN) -> None:
        """Sign somebody in."""
        answer = await self.token(urlencode({"grant_type": "password", "username": login, "password": PASSWORD}))
        assert answer.status == 200, answer.text
        self.access, self.refresh = answer.json()["access_token"], answer.json()["refresh_token"]

    async def furnish(self, *sites: tuple[Site, Probe], vendor: str = "flipr", name: str = "flipr-1") -> None:
        """Collect an account of John's."""
        account = Account(name, vendor, LOGIN, LOGIN)
        await self.store.put_account(account)
        found = Discovery(Person(), tuple(site for site, _ in sites), tuple(probe for _, probe in sites))
        await self.store.put_discovery(account.id, found, self.now[0])


async def empty_house(store: Store | None = None, **settings: Any) -> House:
    """A house with two users and nothing collected."""
    store, now = store or MemoryStore(), [NOW]
    for login, language in ((LOGIN, "fr"), (OTHER_LOGIN, "en")):
        await store.put_user(User(login, PASSWORD_HASH, "Hub", "User", language))
    actions = ObedientActions(store)
    app = build(store, [FLIPR], {"flipr": settings}, lambda: now[0], actions, pages=False)
    return House(store, app, now, actions)


async def documented_house(store: Store | None = None, points: Sequence[Measurement] = (), **settings: Any) -> House:
    """John's house as the document prints it, signed in."""
    house = await empty_house(store, **settings)
    await house.furnish((SITE, PROBE))
    await house.store.add(points or documented(), NOW)
    await house.sign_in()
    return house


async def pumped_house(store: Store | None = None, **settings: Any) -> House:
    """The document's house, with a hub whose pump runs by hand."""
    house = await documented_house(store, **settings)
    await house.furnish((replace(SITE, switches=(HUB,)), PROBE))
    await house.store.add(stands(on=True, mode="manual"), NOW)
    return house


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[str]:
    """The base URL of the house's hub, while the block lasts, under the server that the hub runs under."""
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="critical", ws="none", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        served = asyncio.create_task(server.serve([door]))
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            await served
