"""Whose water it is, where, and by which probe it is measured."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct, field

from margelle.domain.switch import Switch

Scalar = str | int | float | bool | None

BLUETOOTH = "bluetooth:"

SiteKind = Literal["pool", "spa", "tank", "plant", "other"]
Disinfectant = Literal["chlorine", "bromine", "salt", "oxygen", "other"]

OWN: Final = "own"
"""The word that stands for a vendor where there is none: of what users add to the hub themselves, to be measured by hand or by what sends to it."""


class User(Struct, frozen=True):
    """A person who signs in to this hub. `password_hash` is an Argon2id hash in PHC form; empty: nobody can sign in with a password yet.

    `units` are those that the person prefers for a quantity, by its name (UCUM codes). An `operator` may manage the hub itself: its users,
    settings and organisations.
    """

    email: str
    password_hash: str
    firstname: str = ""
    lastname: str = ""
    language: str = "en"
    units: dict[str, str] = field(default_factory=dict)
    operator: bool = False


class Person(Struct, frozen=True):
    """How a vendor names the owner of an account, and the display units chosen there (vendor's words, as given)."""

    firstname: str = ""
    lastname: str = ""
    email: str = ""
    units: dict[str, str] = field(default_factory=dict)


class Account(Struct, frozen=True):
    """A login at a vendor's cloud from which this hub collects for one of its users.

    `base_url` is empty for the vendor's own host. `realm` is empty there too, and otherwise keeps the ids of another
    cloud (a test cloud, another hub) apart from the vendor's. Of a probe that is read over Bluetooth, `base_url` is its address behind
    `bluetooth:`, and `login` its serial. Where it belongs to an `organisation` (its id), that one's members see its sites too. While it is `paused`, nothing is
    asked of its cloud.
    """

    id: str
    vendor: str
    owner: str
    login: str
    base_url: str = ""
    realm: str = ""
    person: Person = Person()
    discovered_at: datetime | None = None
    organisation: str = ""
    paused: bool = False

    @property
    def nearby(self) -> str:
        """The Bluetooth address of the probe that is read without a cloud; empty where there is a cloud."""
        return self.base_url.removeprefix(BLUETOOTH) if self.base_url.startswith(BLUETOOTH) else ""

    @property
    def is_own(self) -> bool:
        """Whether there is no cloud behind it: its sites are the hub's own, and what they measure is sent here."""
        return self.vendor == OWN

    def own_id(self, key: str) -> str:
        """The id, unique over all vendors and realms, of what the vendor calls `key`: `ondilo:234`."""
        return f"{self.vendor}{'@' + self.realm if self.realm else ''}:{key}"


class Disinfection(Struct, frozen=True):
    """How the water is kept clean."""

    primary: Disinfectant = "other"
    uv: bool = False
    ozone: bool = False


class Address(Struct, frozen=True):
    """Where a site is; WGS 84 degrees, None where unknown."""

    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Band(Struct, frozen=True):
    """The limits that the owner set for a quantity, in its canonical unit; None where there is none on that side."""

    low: float | None = None
    high: float | None = None


class Share(Struct, frozen=True):
    """A person with whom a site is shared."""

    firstname: str
    lastname: str
    email: str
    since: datetime | None


class Site(Struct, frozen=True):
    """A body of water: a pool, a spa, a tank, a plant.

    `id` is ours; `key` is the vendor's. `bands` are by quantity name. `switches` are what can be switched there. `attributes` hold what only the vendor knows
    (its own words, as given), so that nothing it says is lost. `updated_at` is when its owner or the vendor changed it.
    """

    id: str
    vendor: str
    key: str
    name: str
    kind: SiteKind = "other"
    volume_m3: float | None = None
    disinfection: Disinfection = Disinfection()
    address: Address = Address()
    time_zone: str = "UTC"
    bands: dict[str, Band] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
    attributes: dict[str, Scalar] = field(default_factory=dict)
    updated_at: datetime | None = None
    switches: tuple[Switch, ...] = ()


class Probe(Struct, frozen=True):
    """A place in the water where a device measures.

    A probe stays the same when its device is replaced: `serial`, `hardware` (the vendor's unique id) and `firmware` are those of the
    device in it now, empty where there is none; the store keeps the earlier ones.
    """

    id: str
    site: str
    vendor: str
    key: str
    serial: str = ""
    hardware: str = ""
    firmware: str = ""


class Recommendation(Struct, frozen=True):
    """What a vendor advises the owner to do, in its own words. `status` is `waiting` until somebody has done it."""

    id: str
    site: str
    key: str
    title: str
    message: str
    created_at: datetime
    updated_at: datetime
    status: str = "waiting"
    deadline: datetime | None = None


PersonaKind = Literal["site", "probe", "recommendation"]
"""What has a persona. A switch counts as a probe: to the faces that show any, both are devices with a serial."""


class Persona(Struct, frozen=True):
    """The id under which a site, probe or recommendation (`subject`) shows itself on one vendor's face, for ever."""

    face: str
    kind: PersonaKind
    public_id: str
    subject: str
