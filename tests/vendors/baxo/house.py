"""A hub with the devices that BAMO's document prints, written by hand in our own words, and the face over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.applications import Starlette

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Address, Person, Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn
from margelle.domain.unit import Unit
from margelle.errors import MargelleError
from margelle.ports import Discovery, Store
from margelle.serve.app import build
from margelle.serve.sign_in import hash_password
from margelle.store.memory import MemoryStore
from margelle.vendors.baxo import BAXO
from tests.asgi import Response, call

K1 = "/baxo/k1"
LOGIN, PASSWORD = "VOTREADRESSE", "VOTREMOTDEPASSE"
OTHER_LOGIN = "eve@doe.org"
HASH = hash_password(PASSWORD)
CONTRACT = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
NOW = datetime(2018, 5, 2, 16, 0, tzinfo=UTC)
NEWEST = datetime(2018, 5, 2, 15, 37, 18, tzinfo=UTC)
PAST = datetime(2018, 4, 25, 0, 0, 33, tzinfo=UTC)


def site(key: str, name: str, details: str, timezone: str, **more: Any) -> Site:
    """A device of the document's first contract."""
    attributes = {
        "contract": CONTRACT,
        "contract_reference": "CT001",
        "contract_company": "Contonso",
        "contract_details": "Contonso .Inc Contract",
        "contract_email": "admin@contonso.com",
        "details": details,
        "status": 0,
        "timezone": timezone,
        **more,
    }
    return Site(f"baxo:{key}", "baxo", key, name, "plant", attributes=attributes)


def probe(of: Site) -> Probe:
    return Probe(f"{of.id}/device", of.id, "baxo", f"{CONTRACT}/{of.key}", of.key)


FIRST = site("3219875446", "MyDevice1", "My device 1 details", "UTC", tags="TAG_1\nTAG_2")
SECOND = site(
    "14587", "MyDevice2", "My device 2 details", "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris", tags="TAG_2"
)
DEVICES = (FIRST, SECOND)
POOL = Site(
    "ondilo:234", "ondilo", "234", "John's Pool", "pool", address=Address(city="Lyon"), time_zone="Europe/Paris"
)
ICO = Probe("ondilo:234/ico", POOL.id, "ondilo", "234", "SN00001")


def point(
    of: str, quantity: str, raw: str, at: datetime = NEWEST, unit: Unit = Unit.RATIO, *doubts: Doubt, origin: str = ""
) -> Measurement:
    """A measurement of the probe with this id."""
    origin = origin or f"{of.partition(':')[0]}/realtimes"
    return Measurement(of, quantity, at, float(raw), raw, unit, origin, doubts)


class FakeActions:
    """Writes at once, or fails as told; remembers what it was asked."""

    def __init__(self) -> None:
        self.failure: MargelleError | None = None
        self.written: list[tuple[str, str, str, str]] = []

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        raise AssertionError("a device advises nothing")

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        if self.failure is not None:
            raise self.failure
        self.written.append((parameter, wanted.raw, probe.id, user.email))

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        raise AssertionError("a device is no switch")


class House(Struct):
    """The store, and the face over it at `now`, which a test may move."""

    store: Store
    actions: FakeActions
    app: Starlette
    now: list[datetime]

    async def ask(self, get: str, *pairs: tuple[str, str], client: str = "127.0.0.1", **given: str) -> Response:
        """POST a form with the login and these parameters."""
        form = {"username": LOGIN, "password": PASSWORD, "get": get, **given}
        body = urlencode([*((name, value) for name, value in form.items() if value), *pairs])
        return await self.post(body, client=client)

    async def post(self, body: str, query: str = "", *, kind: str = "", client: str = "127.0.0.1") -> Response:
        """POST a body."""
        headers = {"content-type": kind or "application/x-www-form-urlencoded"}
        return await call(self.app, "POST", f"{K1}?{query}" if query else K1, headers, body.encode(), client=client)

    async def get(self, query: str, *, client: str = "127.0.0.1", method: str = "GET") -> Response:
        """GET with a query."""
        return await call(self.app, method, f"{K1}?{query}", client=client)


async def empty_house(store: Store | None = None, **settings: Any) -> House:
    """A house with two users and nothing collected."""
    store, now, actions = store or MemoryStore(), [NOW], FakeActions()
    for login in (LOGIN, OTHER_LOGIN):
        await store.put_user(User(login, HASH, "Hub", "User"))
    app = build(store, [BAXO], {"baxo": settings}, lambda: now[0], actions, pages=False)
    return House(store, actions, app, now)


async def furnish(
    house: House, sites: Sequence[Site], probes: Sequence[Probe], vendor: str, owner: str = LOGIN
) -> None:
    """Collect an account of a vendor."""
    account = Account(f"{vendor}-{owner}", vendor, owner, owner)
    await house.store.put_account(account)
    await house.store.put_discovery(account.id, Discovery(Person(), tuple(sites), tuple(probes)), house.now[0])


async def documented_house(store: Store | None = None, **settings: Any) -> House:
    """The house as the document prints it."""
    house = await empty_house(store, **settings)
    await furnish(house, DEVICES, [probe(one) for one in DEVICES], "baxo")
    first, second = probe(FIRST).id, probe(SECOND).id
    await house.store.add(
        [
            point(first, "baxo.TAG_1", "1224", PAST, origin="baxo/historics"),
            point(first, "baxo.TAG_1", "24"),
            point(first, "baxo.TAG_2", "2587"),
            point(second, "baxo.TAG_2", "2587"),
        ],
        NOW,
    )
    return house


async def pool_house(**settings: Any) -> House:
    """The documented house, with a pool of another vendor."""
    house = await documented_house(**settings)
    await furnish(house, [POOL], [ICO], "ondilo")
    doubt = Doubt("vendor", "out of the water")
    await house.store.add(
        [
            point(ICO.id, "temperature", "12.5", PAST, Unit.CELSIUS),
            point(ICO.id, "temperature", "13", NEWEST, Unit.CELSIUS),
            point(ICO.id, "tds", "1147", NEWEST, Unit.PPM),
            point(ICO.id, "ph", "7.2", NEWEST, Unit.PH, doubt),
        ],
        NOW,
    )
    return house
