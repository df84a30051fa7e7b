"""Who has which pool at a simulated cloud, as the cloud itself knows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from margelle.domain.site import Account, Disinfection, Person, Probe, Share, Site, User
from margelle.domain.switch import Switch
from margelle.ports import Discovery, Store, Vendor
from margelle.simulate.pool import Pool
from margelle.simulate.station import Station

SETTLED_AT: Final = datetime(2024, 4, 6, 9, 12, 40, tzinfo=UTC)
"""When the owners told the cloud about their pools, and shared them."""


class Place(Struct, frozen=True):
    """A pool at its cloud: `position` is its place among all pools, `owner` the user whose it is."""

    pool: Pool
    site: Site
    probe: Probe
    owner: User
    position: int


class Post(Struct, frozen=True):
    """A station at its cloud."""

    station: Station
    site: Site
    probe: Probe
    owner: User


class Roster:
    """The users and the pools and stations of each (`pools[n]` are those of `users[n]`), for the vendors that are simulated.

    A user has one account for each vendor; it owns the user's pools, and reaches those that others share with them. Users beyond the
    list of pools have none; pools beyond the list of users are left out.
    """

    def __init__(
        self,
        vendors: Sequence[Vendor],
        users: Sequence[User],
        pools: Sequence[Sequence[Pool]],
        stations: Sequence[Sequence[Station]] = (),
    ) -> None:
        self.users = tuple(users)
        self._vendors = tuple(vendor.name for vendor in vendors)
        owned = [(user, pool) for user, own in zip(self.users, pools, strict=False) for pool in own]
        self.places = tuple(
            self._place(pool, user, position)
            for position, (user, pool) in enumerate(owned)
            if pool.vendor in self._vendors
        )
        self.posts = tuple(
            _post(station, user)
            for user, own in zip(self.users, stations, strict=False)
            for station in own
            if station.vendor in self._vendors
        )

    async def settle(self, store: Store, now: datetime) -> None:
        """Make the store know these users, accounts, sites and probes, and no other users. Raises what the store raises."""
        await self._leave(store)
        for user in self.users:
            await store.put_user(user)
            for vendor in self._vendors:
                await store.put_account(account_of(vendor, user))
                await store.put_discovery(account_of(vendor, user).id, self._discovery(vendor, user), now)

    def of(self, user: User) -> list[Place]:
        """The pools that a user sees: their own and those shared with them."""
        return [place for place in self.places if place.owner == user or user in self._guests(place.pool)]

    async def _leave(self, store: Store) -> None:
        """Users of an earlier start who are not on the list any more."""
        staying = {user.email.casefold() for user in self.users}
        for user in await store.users():
            if user.email.casefold() not in staying:
                for account in await store.accounts(user.email):
                    await store.remove_account(account.id)
                await store.remove_user(user.email)

    def _discovery(self, vendor: str, user: User) -> Discovery:
        places = [place for place in self.of(user) if place.pool.vendor == vendor]
        posts = [post for post in self.posts if (post.station.vendor, post.owner) == (vendor, user)]
        person = Person(user.firstname, user.lastname, user.email)
        every: list[Place | Post] = [*places, *posts]
        return Discovery(person, tuple(one.site for one in every), tuple(one.probe for one in every))

    def _guests(self, pool: Pool) -> list[User]:
        return [self.users[n] for n in pool.shared_with if n < len(self.users)]

    def _place(self, pool: Pool, owner: User, position: int) -> Place:
        guests = [guest for guest in self._guests(pool) if guest != owner]
        shares = tuple(Share(guest.firstname, guest.lastname, guest.email, SETTLED_AT) for guest in guests)
        site = Site(
            id=account_of(pool.vendor, owner).own_id(pool.own_key),
            vendor=pool.vendor,
            key=pool.own_key,
            name=pool.name,
            kind=pool.kind,
            volume_m3=float(pool.basin.volume_m3),
            disinfection=Disinfection(pool.disinfectant, uv=pool.uv),
            address=pool.address,
            time_zone=pool.time_zone,
            bands=pool.bands,
            shares=shares,
            attributes=pool.attributes
            or {
                "type": pool.wire_type,
                "pool_guy_number": pool.service_phone,
                "maintenance_day": pool.habits.maintenance_day,
            },
            updated_at=SETTLED_AT,
            switches=_switches(pool, owner),
        )
        probe = Probe(
            f"{site.id}/{pool.place}", site.id, pool.vendor, site.key, pool.serial, pool.hardware, pool.firmware
        )
        return Place(pool, site, probe, owner, position)


def _switches(pool: Pool, owner: User) -> tuple[Switch, ...]:
    if pool.pump is None:
        return ()
    serial = pool.pump.serial
    own_id = account_of(pool.vendor, owner).own_id(serial)
    return (Switch(f"{own_id}/hub", pool.vendor, serial, firmware=pool.pump.firmware),)


def _post(station: Station, owner: User) -> Post:
    contract = station.contract
    site = Site(
        id=account_of(station.vendor, owner).own_id(station.key),
        vendor=station.vendor,
        key=station.key,
        name=station.name,
        kind="plant",
        time_zone=station.time_zone,
        attributes={
            "contract": contract.id,
            "contract_reference": contract.reference,
            "contract_company": contract.company,
            "contract_details": contract.details,
            "contract_email": contract.email,
            "details": station.details,
            "status": 0,
            "timezone": station.timezone,
            "tags": "\n".join((*(signal.reference for signal in station.signals), station.event)),
            "events": station.event,
        },
        updated_at=SETTLED_AT,
    )
    probe = Probe(f"{site.id}/device", site.id, station.vendor, f"{contract.id}/{station.key}", station.key)
    return Post(station, site, probe, owner)


def account_of(vendor: str, user: User) -> Account:
    """The account that marks what is a user's at a vendor's simulated cloud."""
    return Account(f"{vendor}/{user.email.casefold()}", vendor, user.email, user.email)
