"""What an account has at Ondilo's cloud, asked for within a small number of requests.

A discovery costs one request for the pools, two for the user, and three for each of at most `POOLS_A_DAY` pools: their device,
configuration and shares. With more pools than that each day has its turn, so that ten pools are read whole in four days and never take more
than 12 of the 30 requests that the cloud allows an hour. What was not asked for is `unread`, and stays as it is known. The very first
discovery of so many asks for their devices alone: a pool without a device is none to Home Assistant.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from margelle.domain.site import Account, Person, Probe, Site
from margelle.ports import Discovery
from margelle.vendors.answer import entries, entry, few, value
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.cloud import Cloud
from margelle.vendors.ondilo.translate import person_from, probe_from, site_from
from margelle.vendors.survey import Findings, Read, turn_of

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


class Survey(Findings, kw_only=True):
    """A discovery in progress, perhaps the account's first."""

    cloud: Cloud
    account: Account
    first: bool = False

    async def discovered(self, now: datetime) -> Discovery:
        """Everything. Raises where the list of pools cannot be read; every later failure is a fault."""
        pools = await self._pools()
        person = await self._person()
        turn, devices = self._turn(list(pools), now)
        found = [await self._pool(pool, key in devices, key in turn) for key, pool in pools.items()]
        sites, probes = tuple(site for site, _ in found), tuple(probe for _, probe in found)
        return Discovery(person, sites, probes, few(self.faults), self.unread)

    async def _pools(self) -> dict[int, wire.Pool]:
        """By id."""
        listed = entries((await self.cloud.get("pools", "/pools")).body, wire.Pool, "pools")
        return {pool.id: pool for pool in self.take(listed, "pool", self._own_id, OF_POOL)}

    async def _person(self) -> Person:
        info = await self.part("person", NAMES, self._info)
        units = await self.part("person", ("units",), self._units)
        return person_from(info or wire.UserInfo(), units or {})

    def _turn(self, pools: list[int], now: datetime) -> tuple[set[int], set[int]]:
        """The pools to read whole, and those whose device is asked for."""
        turn = turn_of(sorted(pools), POOLS_A_DAY, now)
        if self.first and len(turn) < len(pools):
            return set(), set(sorted(pools)[:DEVICES_AT_FIRST])
        return turn, turn

    async def _pool(self, pool: wire.Pool, device_asked: bool, asked: bool) -> tuple[Site, Probe]:
        own_id, path = self._own_id(pool), f"/pools/{pool.id}"
        device = await self.part(f"{own_id}/ico", DEVICE, self._device, path, asked=device_asked)
        configuration = await self.part(own_id, CONFIGURATION, self._configuration, path, asked=asked)
        shares = await self.part(own_id, SHARES, self._shares, path, asked=asked)
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

    def _own_id(self, pool: wire.Pool) -> str:
        return self.account.own_id(str(pool.id))
