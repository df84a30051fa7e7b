"""What an account has at BAXO Connect: its contracts, their devices, and which tags each device tells.

A discovery costs one request, one for each contract, and one for each of at most `DEVICES_A_DAY` devices. The tags of the others are left as they are known.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from margelle.domain.site import Account, Person, Probe, Site
from margelle.errors import Limited, MargelleError, Unreachable
from margelle.ports import Discovery, Fault
from margelle.vendors.answer import few
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.cloud import Cloud, envelope, listed
from margelle.vendors.baxo.translate import probe_from, site_from
from margelle.vendors.survey import Findings, Read, turn_of

DEVICES_A_DAY: Final = 20

TAGS: Final = ("attributes",)
"""What of ours comes from asking a device for its tags."""


class Survey(Findings, kw_only=True):
    """A discovery in progress."""

    cloud: Cloud
    account: Account

    async def discovered(self, now: datetime) -> Discovery:
        """Everything. Raises where the list of contracts cannot be read; every later failure is a fault."""
        devices = [
            (contract, device) for contract in await self._contracts() for device in await self._devices(contract)
        ]
        turn = todays(len(devices), now)
        sites = tuple([await self._site(*one, asked=n in turn) for n, one in enumerate(devices)])
        probes: tuple[Probe, ...] = tuple(map(probe_from, sites))
        return Discovery(Person(email=self.account.login), sites, probes, few(self.faults), self.unread)

    async def _contracts(self) -> list[wire.Contract]:
        """An empty list is doubted: an account without any contract is rarer than a cloud that has lost its list for a while."""
        answer = await self.cloud.ask("contracts", "contracts")
        found = listed(envelope(answer, wire.Contracts, "contracts").contracts, wire.Contract, "contracts")
        self.faults += found.faults
        if not found.read:
            self.faults.append(Fault("contracts", "the cloud lists no contract at all"))
        return found.read

    async def _devices(self, contract: wire.Contract) -> list[wire.Device]:
        where = f"devices of {contract.reference or contract.id}"
        if self.stopped:
            self.faults.append(Fault(where, "not asked for"))
            return []
        try:
            answer = await self.cloud.ask("devices", "devices", (("contractId", str(contract.id)),))
            found = listed(envelope(answer, wire.Devices, where).devices, wire.Device, where)
        except MargelleError as error:
            self.stopped = isinstance(error, (Limited, Unreachable))
            self.faults.append(Fault(where, str(error)))
            return []
        self.faults += found.faults
        return found.read

    async def _site(self, contract: wire.Contract, device: wire.Device, *, asked: bool) -> Site:
        own_id, ids = self.account.own_id(str(device.id)), (str(contract.id), str(device.id))
        logs = await self.part(own_id, TAGS, self._logs, *ids, asked=asked)
        return site_from(self.account, contract, device, logs)

    async def _logs(self, contract: str, device: str) -> Read[list[wire.Log]]:
        answer = await self.cloud.ask(
            "realtimes", "devices-realtimes", (("contractId", contract), ("deviceId", device))
        )
        found = listed(envelope(answer, wire.Logs, "realtimes").logs, wire.Log, "realtimes")
        return found.read, found.faults


def todays(count: int, now: datetime) -> set[int]:
    """Which of so many devices are asked for their tags: `DEVICES_A_DAY` of them, others every day."""
    return turn_of(range(count), DEVICES_A_DAY, now)
