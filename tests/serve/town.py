"""A town with three sites of three vendors, and everybody who may have something to do with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from starlette.types import ASGIApp

from margelle.cli.house import House
from margelle.collect.actions import ForwardedActions
from margelle.config import load
from margelle.domain.access import Membership, Organisation, Role
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Disinfection, Person, Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn, mode_at, state_at
from margelle.domain.unit import Unit
from margelle.ports import Batch, Discovery
from margelle.serve.app import build
from margelle.serve.pages import FACE
from margelle.serve.sign_in import Attempts, FaceDesk, hash_password
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS

NOW = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
PASSWORD = "l'eau est claire"
HASH = hash_password(PASSWORD)
CONTRACT = "c0ffee00-0000-0000-0000-000000000000"

OWNER, TECHNICIAN, VIEWER = "owner@town.example", "technician@town.example", "viewer@town.example"
MEMBER, FORMER, STRANGER, OPERATOR = (
    "member@town.example",
    "former@town.example",
    "stranger@town.example",
    "operator@town.example",
)
EVERYBODY = (OWNER, TECHNICIAN, VIEWER, MEMBER, FORMER, STRANGER, OPERATOR)

PUMP = Switch("flipr:HB0001/hub", "flipr", "HB0001", firmware="1")
POOL = Site(
    "ondilo:234", "ondilo", "234", "Town pool", "pool", 375.0, Disinfection("chlorine"), time_zone="Europe/Paris"
)
SPA = Site("flipr:21BXYZ", "flipr", "21BXYZ", "Town spa", "spa", 4.0, Disinfection("bromine"), switches=(PUMP,))
PLANT = Site(
    "baxo:14587",
    "baxo",
    "14587",
    "Town plant",
    "plant",
    attributes={"contract": CONTRACT, "contract_reference": "CT1", "tags": "PH\nSET"},
)
FOREIGN = Site("ondilo:999", "ondilo", "999", "Elsewhere", "pool")
PROBES = {
    POOL.id: Probe("ondilo:234/ico", POOL.id, "ondilo", "234", "SN1", "uuid-1", "1.7"),
    SPA.id: Probe("flipr:21BXYZ/probe", SPA.id, "flipr", "21BXYZ", "21BXYZ", "", "4"),
    PLANT.id: Probe("baxo:14587/device", PLANT.id, "baxo", f"{CONTRACT}/14587", "14587"),
    FOREIGN.id: Probe("ondilo:999/ico", FOREIGN.id, "ondilo", "999", "SN9", "uuid-9", "1.7"),
}
ADVICE = Recommendation("ondilo:234/r7", POOL.id, "7", "Add pH minus", "300 g", NOW - timedelta(days=1), NOW)


class Cloud:
    """What collects, and remembers what it was told to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    async def discover(self, now: datetime) -> Discovery:
        raise AssertionError("nobody asked for that")

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        value = Measurement(probe.id, "baxo.SET", now, 25.0, "25", Unit.RATIO, "baxo/realtimes")
        return Batch((value,))

    async def recommendations(self, site: Site, now: datetime) -> list[Recommendation]:
        raise AssertionError("nobody asked for that")

    async def validate(self, recommendation: Recommendation, site: Site) -> None:
        self.done.append(("validate", recommendation.key))

    async def write(self, probe: Probe, parameter: str, value: str) -> None:
        self.done.append(("write", parameter, value))

    async def turn(self, switch: Switch, wanted: Turn) -> None:
        self.done.append(("turn", switch.key, wanted))

    async def standing(self, switch: Switch, now: datetime) -> Batch:
        return Batch((state_at(switch, now, on=True, origin="flipr/hub"), mode_at(switch, now, "manual", "flipr/hub")))


class Town(Struct):
    """The store and the hub over it; `now` may be moved."""

    store: MemoryStore
    cloud: Cloud
    app: ASGIApp
    now: list[datetime]

    def clock(self) -> datetime:
        return self.now[0]

    async def token(self, face: str, email: str) -> str:
        """An access token of this user at a face."""
        return await FaceDesk(face, self.store, self.clock, Attempts(self.store)).issue("access", email, life_s=86400)

    async def session(self, email: str) -> dict[str, str]:
        """The header that a signed-in browser of this user sends."""
        return {"cookie": f"margelle_session={await self.token(FACE, email)}"}


async def town(**settings: Any) -> Town:
    """Everybody and everything: the owner's three accounts belong to the town, whose member is a technician there; the former member's roles were taken back."""
    store, cloud, now = MemoryStore(), Cloud(), [NOW]
    for email in EVERYBODY:
        await store.put_user(User(email, HASH, email.partition("@")[0].title(), "", operator=email == OPERATOR))
    await store.put_organisation(Organisation("town", "The town"))
    for site in (POOL, SPA, PLANT):
        account = Account(site.vendor, site.vendor, OWNER, f"{site.vendor}-login", organisation="town")
        await store.put_account(account)
        await store.put_discovery(account.id, Discovery(Person(), (site,), (PROBES[site.id],)), NOW)
    await store.put_account(Account("elsewhere", "ondilo", STRANGER, "stranger-login", realm="elsewhere"))
    await store.put_discovery("elsewhere", Discovery(Person(), (FOREIGN,), (PROBES[FOREIGN.id],)), NOW)
    roles: tuple[tuple[str, Role], ...] = ((TECHNICIAN, "technician"), (VIEWER, "viewer"), (FORMER, "technician"))
    for email, role in roles:
        for site in (POOL, SPA, PLANT):
            await store.put_membership(Membership(email, "site", site.id, role, NOW, OWNER))
            if email == FORMER:
                await store.remove_membership(email, site.id)
    await store.put_membership(Membership(MEMBER, "organisation", "town", "technician", NOW, OPERATOR))
    await store.add(_measured(), NOW)
    await store.put_recommendation(ADVICE)
    actions = ForwardedActions(store, lambda _: cloud, lambda: now[0])
    told = {"baxo": {"writers": EVERYBODY}} | settings
    nowhere = {"data_dir": "/nowhere/margelle", "key_file": "/nowhere/key"}
    backstage = House(load(None, {}, nowhere), store, lambda: now[0]).backstage()
    app = build(store, list(VENDORS.values()), told, lambda: now[0], actions, backstage=backstage)
    return Town(store, cloud, app, now)


def _measured() -> list[Measurement]:
    at = NOW - timedelta(minutes=20)
    found = [
        Measurement(PROBES[site.id].id, "ph", at, 7.4, "7.4", Unit.PH, f"{site.vendor}/latest")
        for site in (POOL, SPA, PLANT, FOREIGN)
    ]
    temperature = Measurement(PROBES[SPA.id].id, "temperature", at, 34.0, "34", Unit.CELSIUS, "flipr/latest")
    setting = Measurement(PROBES[PLANT.id].id, "baxo.SET", at, 24.0, "24", Unit.RATIO, "baxo/realtimes")
    return [*found, temperature, setting, state_at(PUMP, at, on=False, origin="flipr/hub")]
