"""What an account has at Ondilo's cloud, asked for within a small number of requests.

A discovery costs one request for the pools, two for the user, and three for each of at most `POOLS_A_DAY` pools: their device,
configuration and shares. With more pools than that each day has its turn, so that ten pools are read whole in four days and never take more
than 12 of the 30 requests that the cloud allows an hour. What was not asked for is `unread`, and stays as it is known. The very first
discovery of so many asks for their devices alone: a pool without a device is none to Home Assistant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct, field

from margelle.domain.site import Account, Person, Probe, Site
from margelle.errors import Limited, MargelleError, Unreachable
from margelle.ports import Discovery, Fault
from margelle.vendors.answer import entries, entry, few, value
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.cloud import Cloud
from margelle.vendors.ondilo.translate import person_from, probe_from, site_from

T = TypeVar("T")
Read: TypeAlias = tuple[T, list[Fault]]

POOLS_A_DAY: Final = 3
DEVICES_AT_FIRST: Final = 9

# What of ours comes from which part of theirs, and stays as it is known where that part was not read.
NAMES: Final = ("firstname", "lastname", "email")
DEVICE: Final = ("serial", "hardware", "firmware")
CONFIGURATION: Final = ("bands", "attributes")
SHARES: Final = ("shares",)
OF_POOL: Final[dict[str, tuple[str, ...]]] = {
    "name": ("name",),
    "type": ("kind", "attributes"),
    "volume": ("volume_m3",),
    "disinfection": ("disinfection", "attributes"),
    "address": ("address",),
    "updated_at": ("updated_at",),
}


class Survey(Struct):
    """A discovery in progress, perhaps the account's first: what went wrong so far, what was left unread, and whether to ask no more."""

    cloud: Cloud
    account: Account
    first: bool = False
    faults: list[Fault] = field(default_factory=list)
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: bool = False

    async def discovered(self, now: datetime) -> Discovery:
        """Everything. Raises where the list of pools cannot be read; every later failure is a fault."""
        pools = await self._pools()
        person = await self._person()
        turn, devices = self._turn(list(pools), now)
        found = [await self._pool(pool, key in devices, key in turn) for key, pool in pools.items()]
        sites, probes = tuple(site for site, _ in found), tuple(probe for _, probe in found)
        return Discovery(person, sites, probes, few(self.faults), self.unread)

    async def _pools(self) -> dict[int, wire.Pool]:
        """By id. An empty list is doubted: an account without any pool is rarer than a cloud that has lost its list for a while."""
        listed = entries((await self.cloud.get("pools", "/pools")).body, wire.Pool, "pools")
        self.faults.extend(listed.lost)
        if not listed.read:
            self.faults.append(Fault("pools", "the cloud lists no pool at all"))
        for pool, wrong in zip(listed.read, listed.wrong, strict=True):
            names = [fault.where.rpartition(".")[2] for fault in wrong]
            self._leave(self._own_id(pool), [ours for theirs in names for ours in OF_POOL.get(theirs, ())], wrong)
        return {pool.id: pool for pool in listed.read}

    async def _person(self) -> Person:
        info = await self._part("person", NAMES, self._info)
        units = await self._part("person", ("units",), self._units)
        return person_from(info or wire.UserInfo(), units or {})

    def _turn(self, pools: list[int], now: datetime) -> tuple[set[int], set[int]]:
        """The pools to read whole, and those whose device is asked for."""
        turn = todays(pools, now)
        if self.first and len(turn) < len(pools):
            return set(), set(sorted(pools)[:DEVICES_AT_FIRST])
        return turn, turn

    async def _pool(self, pool: wire.Pool, device_asked: bool, asked: bool) -> tuple[Site, Probe]:
        own_id, path = self._own_id(pool), f"/pools/{pool.id}"
        device = await self._part(f"{own_id}/ico", DEVICE, self._device, path, asked=device_asked)
        configuration = await self._part(own_id, CONFIGURATION, self._configuration, path, asked=asked)
        shares = await self._part(own_id, SHARES, self._shares, path, asked=asked)
        site = site_from(self.account, pool, configuration, shares or ())
        return site, probe_from(site, device)

    async def _info(self) -> Read[wire.UserInfo]:
        return entry((await self.cloud.get("user/info", "/user/info")).body, wire.UserInfo, "user/info")

    async def _units(self) -> Read[dict[str, str]]:
        given = value((await self.cloud.get("user/units", "/user/units")).body, dict[str, object], "user/units")
        return {name: unit for name, unit in given.items() if isinstance(unit, str)}, []

    async def _device(self, path: str) -> Read[wire.Device]:
        body = (await self.cloud.get("device", f"{path}/device")).body
        if body.strip() in {b"", b"null", b"{}", b"[]"}:  # a pool without an ICO
            return wire.Device(), []
        return entry(body, wire.Device, f"{path[1:]}/device")

    async def _configuration(self, path: str) -> Read[wire.Configuration]:
        answer = await self.cloud.get("configuration", f"{path}/configuration")
        return entry(answer.body, wire.Configuration, f"{path[1:]}/configuration")

    async def _shares(self, path: str) -> Read[list[wire.Share]]:
        listed = entries((await self.cloud.get("shares", f"{path}/shares")).body, wire.Share, f"{path[1:]}/shares")
        return listed.read, listed.faults

    async def _part(
        self,
        subject: str,
        ours: tuple[str, ...],
        ask: Callable[..., Awaitable[Read[T]]],
        *path: str,
        asked: bool = True,
    ) -> T | None:
        """A part of the discovery; where it fails, or parts of it do, `ours` of the subject are left as they are known."""
        if not asked or self.stopped:
            self._leave(subject, ours)
            return None
        try:
            part, faults = await ask(*path)
        except MargelleError as error:
            self.stopped = isinstance(error, (Limited, Unreachable))
            self._leave(subject, ours, [] if isinstance(error, Limited) else [Fault("", str(error))])
            return None
        if faults:
            self._leave(subject, ours, faults)
        return part

    def _leave(self, subject: str, ours: Iterable[str], faults: Iterable[Fault] = ()) -> None:
        """Leave what is known, because it was not asked for or for these faults, which are the subject's."""
        left = dict.fromkeys((*self.unread.get(subject, ()), *ours))
        self.unread |= {subject: tuple(left)} if left else {}
        self.faults += [Fault(subject, f"{one.where}: {one.what}" if one.where else one.what) for one in faults]

    def _own_id(self, pool: wire.Pool) -> str:
        return self.account.own_id(str(pool.id))


def todays(pools: list[int], now: datetime) -> set[int]:
    """The pools whose turn it is: `POOLS_A_DAY` of them, another few every day, in order of their ids."""
    ordered = sorted(pools)
    start = now.toordinal() * POOLS_A_DAY
    return {ordered[(start + n) % len(ordered)] for n in range(min(POOLS_A_DAY, len(ordered)))}
