"""A hub with the pools that Ondilo's document prints, written by hand in our own words, and the face over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace
from starlette.applications import Starlette

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import (
    Account,
    Address,
    Band,
    Disinfection,
    Person,
    Probe,
    Recommendation,
    Share,
    Site,
    User,
)
from margelle.domain.switch import Switch, Turn
from margelle.domain.unit import Unit
from margelle.errors import MargelleError
from margelle.ports import Discovery, Store
from margelle.serve.app import build
from margelle.serve.sign_in import hash_password
from margelle.store.memory import MemoryStore
from margelle.vendors.ondilo import ONDILO
from tests.asgi import Response, call

API = "/ondilo/api/customer/v1"
TOKEN = "/ondilo/oauth2/token"
AUTHORIZE = "/ondilo/oauth2/authorize"
LOGIN, PASSWORD = "john@doe.org", "p&ss w+rd é"
OTHER_LOGIN = "eve@doe.org"
PASSWORD_HASH = hash_password(PASSWORD)
MEASURED_AT = datetime(2020, 3, 23, 16, 8, 51, tzinfo=UTC)
NOW = datetime(2020, 3, 23, 16, 30, tzinfo=UTC)
SITE = Site(
    id="ondilo:234",
    vendor="ondilo",
    key="234",
    name="John's Pool",
    kind="pool",
    volume_m3=15.0,
    disinfection=Disinfection("chlorine", uv=True, ozone=False),
    address=Address("162 Avenue Robert Schuman", "13760", "Saint-Cannat", "France", 43.612282, 5.3179397),
    bands={
        "temperature": Band(10, 30),
        "ph": Band(7.6, 8.5),
        "orp": Band(400, 900),
        "salt": Band(3000, 5000),
        "tds": Band(250, 2000),
    },
    shares=(Share("Jane", "Doe", "jane@doe.org", datetime(2019, 12, 6, 11, 29, 36, tzinfo=UTC)),),
    attributes={"type": "outdoor_inground_pool", "pool_guy_number": "0123456789", "maintenance_day": 2},
    updated_at=datetime(2019, 11, 27, 23, 0, 21, tzinfo=UTC),
)
PROBE = Probe("ondilo:234/ico", SITE.id, "ondilo", "234", "SN00001", "1234567890ABCDEF", "1.5.1-stable")
PERSON = Person(
    "John",
    "Doe",
    "john@doe.org",
    {
        "conductivity": "MICRO_SIEMENS_PER_CENTI_METER",
        "hardness": "FRENCH_DEGREE",
        "orp": "MILLI_VOLT",
        "pressure": "HECTO_PASCAL",
        "salt": "GRAM_PER_LITER",
        "speed": "METER_PER_SECOND",
        "temperature": "CELSIUS",
        "volume": "CUBIC_METER",
    },
)
RECOMMENDATION = Recommendation(
    id="ondilo:234/recommendation/10251",
    site=SITE.id,
    key="10251",
    title="Clean your filter",
    message="I recommend you to regularly clean your filter in order to evacuate the impurities retained and ensure its efficiency.",
    created_at=datetime(2020, 3, 25, 4, 9, 59, tzinfo=UTC),
    updated_at=datetime(2020, 3, 25, 4, 9, 59, tzinfo=UTC),
    deadline=datetime(2020, 3, 26, tzinfo=UTC),
)
_UNITS = {
    "temperature": Unit.CELSIUS,
    "ph": Unit.PH,
    "orp": Unit.MILLIVOLT,
    "salt": Unit.MG_PER_L,
    "tds": Unit.PPM,
    "battery": Unit.PERCENT,
    "rssi": Unit.PERCENT,
}


def point(
    quantity: str,
    value: float | None,
    at: datetime = MEASURED_AT,
    *,
    probe: str = PROBE.id,
    doubts: tuple[Doubt, ...] = (),
    origin: str = "ondilo/lastmeasures",
) -> Measurement:
    """A measurement; its raw text is the number's shortest."""
    raw = "null" if value is None else f"{value:g}"
    return Measurement(probe, quantity, at, value, raw, _UNITS.get(quantity, Unit.RATIO), origin, doubts)


class FakeActions:
    """Validates at once, or fails as told; remembers what it was asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failure: MargelleError | None = None
        self.validated: list[tuple[str, str, str]] = []
        self.switched: list[tuple[str, Turn, str, str]] = []

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        if self.failure is not None:
            raise self.failure
        self.validated.append((recommendation.id, site.id, user.email))
        await self._store.put_recommendation(replace(recommendation, status="ok"))

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        raise AssertionError("a pool has no parameters")

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        """What a hub does at once where it is obeyed."""
        if self.failure is not None:
            raise self.failure
        self.switched.append((switch.id, wanted, site.id, user.email))


class House(Struct):
    """The store, and the face over it at `now`, which a test may move."""

    store: Store
    actions: FakeActions
    app: Starlette
    now: list[datetime]
    tokens: dict[str, Any] = field(default_factory=dict)

    def at(self, now: datetime) -> None:
        """Let it be `now`."""
        self.now[0] = now

    async def get(self, path: str, query: str = "", *, token: str | None = None, method: str = "GET") -> Response:
        """Ask the API."""
        target = f"{API}{path}?{query}" if query else API + path
        return await call(self.app, method, target, bearer(token or self.tokens["access_token"]))

    async def authorize(self, query: str, *, password: str = PASSWORD, accept: str = "*/*") -> Response:
        """Post the login form, without having looked at it."""
        form = urlencode({"login": LOGIN, "password": password, "locale": "en", "proceed": "Authorize"})
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": accept}
        return await call(self.app, "POST", f"{AUTHORIZE}?{query}", headers, form.encode())

    async def token(self, body: str | bytes, headers: dict[str, str] | None = None) -> Response:
        """Post to the token endpoint."""
        data = body.encode() if isinstance(body, str) else body
        return await call(
            self.app, "POST", TOKEN, headers or {"content-type": "application/x-www-form-urlencoded"}, data
        )

    async def code(self, login_query: str = "") -> str:
        """A fresh code."""
        query = login_query or "response_type=code&client_id=customer_api&redirect_uri=https%3A%2F%2Fexample.com%2Fapi"
        answer = await self.authorize(query)
        assert answer.status == 302, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    async def sign_in(self) -> dict[str, Any]:
        """Sign John in; the tokens are kept."""
        answer = await self.token(f"grant_type=authorization_code&client_id=customer_api&code={await self.code()}")
        assert answer.status == 200, answer.text
        self.tokens = answer.json()
        return self.tokens


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    """The header that a client sends."""
    return {"authorization": f"{scheme} {token}", "accept": "application/json", "accept-encoding": "gzip, deflate"}


def account(owner: str = LOGIN, name: str = "ondilo-1", vendor: str = "ondilo") -> Account:
    """An account that was never discovered."""
    return Account(name, vendor, owner, owner)


async def empty_house(store: Store | None = None, *, quotas: bool = False, **settings: Any) -> House:
    """A house with two users and nothing collected."""
    store, now = store or MemoryStore(), [NOW]
    actions = FakeActions(store)
    for login in (LOGIN, OTHER_LOGIN):
        await store.put_user(User(login, PASSWORD_HASH, "Hub", "User"))
    app = build(store, [ONDILO], {"ondilo": settings}, lambda: now[0], actions, pages=False, quotas=quotas)
    return House(store, actions, app, now)


async def furnish(
    house: House,
    *,
    sites: Sequence[Site] = (SITE,),
    probes: Sequence[Probe] = (PROBE,),
    owner: Account | None = None,
    person: Person = PERSON,
) -> None:
    """Collect John's account."""
    of = owner or account()
    await house.store.put_account(of)
    await house.store.put_discovery(of.id, Discovery(person, tuple(sites), tuple(probes)), house.now[0])


async def documented_house(store: Store | None = None, *, quotas: bool = False, **settings: Any) -> House:
    """John's house as the document prints it, signed in."""
    house = await empty_house(store, quotas=quotas, **settings)
    await furnish(house)
    day_before = datetime(2020, 3, 22, 16, 8, 51, tzinfo=UTC)
    await house.store.add(
        [
            point("temperature", 12.5, day_before),
            point("temperature", 12.6, datetime(2020, 3, 22, 17, 9, 13, tzinfo=UTC)),
            point("temperature", 12.5),
            point("orp", 523.0),
        ],
        NOW,
    )
    await house.store.put_recommendations(SITE.id, [RECOMMENDATION])
    await house.sign_in()
    return house


HOUR = timedelta(hours=1)
