"""What an account has at BAXO Connect: its contracts, their devices, and which tags each device tells.

A discovery costs one request, one for each contract, and one for each of at most `DEVICES_A_DAY` devices. The tags of the others are left as they are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from margelle.domain.site import Account, Person, Probe, Site
from margelle.errors import Limited, MargelleError, Unreachable
from margelle.phrase import Phrase
from margelle.ports import Discovery, Fault
from margelle.vendors.answer import few
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.cloud import Cloud, envelope, listed
from margelle.vendors.baxo.records import logs_in, page_in
from margelle.vendors.baxo.translate import (
    Finding,
    Said,
    finding,
    offset_s,
    probe_from,
    said_from,
    site_from,
    with_finding,
)
from margelle.vendors.survey import Findings, Read, turn_of

DEVICES_A_DAY: Final = 20

TAGS_COMPARED: Final = 4
LOOK_BACK_S: Final = 3 * 3600
"""How much of the past is compared with the values of now, of so many tags."""

TAGS: Final = ("attributes",)
"""What of ours comes from asking a device for its tags."""


class Survey(Findings, kw_only=True):
    """A discovery in progress."""

    cloud: Cloud
    account: Account
    looks_at_clocks: bool = True
    """Whether to find out in which time each device's past is told."""

    async def discovered(self, now: datetime) -> Discovery:
        """Everything. Raises where the list of contracts cannot be read; every later failure is a fault."""
        devices = [
            (contract, device) for contract in await self._contracts() for device in await self._devices(contract)
        ]
        if not devices:
            self.faults.append(Fault("devices", "the cloud lists no device at all"))
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
        site = site_from(self.account, contract, device, logs)
        if not (self.looks_at_clocks and logs) or site.time_zone == "UTC":
            return site
        found = await self._past_time(ids, _newest(logs), ZoneInfo(site.time_zone))
        if found.time is None:
            self.leave(own_id, TAGS)
        return with_finding(site, found)

    async def _past_time(self, ids: tuple[str, str], now: dict[str, Said], zone: ZoneInfo) -> Finding:
        """In which time the device's past is; asks for the last hours of a few tags, unless its clock shows UTC anyway."""
        past: dict[str, list[Said]] = {}
        offsets_s = [offset_s(said.at_s, zone) for said in now.values()]
        if any(offsets_s) and not self.stopped:
            stamps = [said.at_s for said in now.values()]
            start, end = min(stamps) + min(0, *offsets_s) - LOOK_BACK_S, max(stamps) + max(0, *offsets_s) + 1
            try:
                past = await self._past(ids, tuple(now), start, end)
            except MargelleError as error:
                self.stopped = isinstance(error, (Limited, Unreachable))
                why = error.phrase or error.what
                return Finding(None, f"It could not be read: {error}", Phrase("baxo.unread", {"why": why}))
        return finding(now, past, zone)

    async def _past(self, ids: tuple[str, str], tags: tuple[str, ...], start: int, end: int) -> dict[str, list[Said]]:
        """The values of the tags between the stamps, as they stand in the answer; nothing where it is not all on one page."""
        asked = (
            ("contractId", ids[0]),
            ("deviceId", ids[1]),
            ("startTime", str(start)),
            ("endTime", str(end)),
            ("tagReferences", ",".join(tags)),
        )
        page = page_in(await self.cloud.ask("historics", "devices-historics", asked), "historics")
        found: dict[str, list[Said]] = {}
        for table in page.tables if not page.next else ():
            found.setdefault(table.tag_reference, []).extend(_said(table.rows))
        return found

    async def _logs(self, contract: str, device: str) -> Read[list[wire.Log]]:
        answer = await self.cloud.ask(
            "realtimes", "devices-realtimes", (("contractId", contract), ("deviceId", device))
        )
        found = logs_in(answer, "realtimes")
        return found.read, found.faults


def _newest(logs: Iterable[wire.Log]) -> dict[str, Said]:
    """The newest values of now by tag, of about the same time."""
    known = {log.tag_reference: said for log in logs for said in _said([log])}
    newest = sorted(known, key=lambda tag: -known[tag].at_s)[:TAGS_COMPARED]
    return {tag: known[tag] for tag in newest if known[tag].at_s > known[newest[0]].at_s - LOOK_BACK_S}


def _said(records: Iterable[wire.Log | wire.Row]) -> Iterator[Said]:
    """What can be read of them."""
    for record in records:
        with suppress(ValueError):
            if (said := said_from(record)) is not None:
                yield said


def todays(count: int, now: datetime) -> set[int]:
    """Which of so many devices are asked for their tags: `DEVICES_A_DAY` of them, others every day."""
    return turn_of(range(count), DEVICES_A_DAY, now)
