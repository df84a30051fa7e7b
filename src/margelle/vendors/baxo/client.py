"""Collecting from BAXO Connect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Probe, Site
from margelle.domain.unit import Unit
from margelle.errors import Conflict, Limited, Malformed, NotFound, Unavailable, Unreachable
from margelle.ports import Answer, Batch, Discovery, Fault, Http, Tokens, Window
from margelle.vendors.answer import entry, few, saved
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.cloud import BaxoConnector, Cloud, Parameters, envelope
from margelle.vendors.baxo.discovery import Survey
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.baxo.records import Table, logs_in, page_in
from margelle.vendors.baxo.translate import (
    DeviceTags,
    Tag,
    WallClock,
    ids_of,
    lines,
    log_from,
    past_time,
    row_from,
    seconds_to,
    zone_from,
)

__all__ = ["BaxoConnector", "BaxoSource", "printed"]

SPANS: Final[dict[Window, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
MOST_PAGES: Final = 60
"""Of 10 000 rows each: a year of readings every minute, and some."""


class BaxoSource:
    """One account's devices, their values of now and of the past, and their parameters."""

    reach: Window = "year"

    def __init__(self, account: Account, http: Http, tokens: Tokens, profile: Profile) -> None:
        self._account = account
        self._cloud = Cloud(account, http, tokens)
        self._profile = profile
        self._zones: dict[str, tzinfo] = {}

    async def discover(self, now: datetime) -> Discovery:
        """The account's contracts and devices."""
        looks = self._profile.historics_time == "auto"
        return await Survey(cloud=self._cloud, account=self._account, looks_at_clocks=looks).discovered(now)

    def brief(self, site: Site) -> None:
        """By which clock the device's past is counted, as a discovery has found out."""
        chosen = self._profile.historics_time
        time = past_time(site) if chosen == "auto" else chosen
        self._zones[site.key] = ZoneInfo(site.time_zone) if time == "local" else UTC

    async def latest(self, probe: Probe, now: datetime) -> Batch:  # noqa: ARG002
        """The value of every tag."""
        contract, device = ids_of(probe)
        answer = await self._cloud.ask(
            "realtimes", "devices-realtimes", (("contractId", contract), ("deviceId", device))
        )
        found = logs_in(answer, "realtimes")
        tags, faults = self._profile.tags.of(device), found.faults
        read: dict[Measurement, None] = {}
        for n, log in enumerate(found.read):
            try:
                _demand_device(device, log.device_identifiant or log.device_identifier)
                point = log_from(log, tags.named(log.tag_reference), probe, self._profile.tags)
            except ValueError as error:
                faults.append(Fault(f"realtimes[{n}]", str(error)))
                continue
            if point is not None:
                read[point] = None
        return Batch(tuple(read), few(faults))

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:
        """All values of one tag in the window, page after page. Where the address of a page is not good any more, or leads back, it goes on from the last
        value; what came before the cloud had trouble is not lost.
        """
        contract, device = ids_of(probe)
        zone = await self._zone(contract, device)
        tag = self._tag(device, quantity)
        asked = (
            ("contractId", contract),
            ("deviceId", device),
            ("startTime", str(seconds_to(now - SPANS[window], zone))),
            ("endTime", str(seconds_to(now, zone) + 1)),
            ("tagReferences", tag.reference),
        )
        pages = _Pages(probe, device, self._profile, zone)
        pages.read(await self._cloud.ask("historics", "devices-historics", asked))
        broken = None
        try:
            while pages.wanting:
                await self._turn(pages, asked)
        except (Limited, Unreachable, Unavailable) as error:
            broken = error
        except (Malformed, NotFound, Conflict) as error:
            pages.fault(str(error))
        return Batch(tuple(pages.found), few(pages.faults), broken)

    async def _turn(self, pages: _Pages, asked: Parameters) -> None:
        """Read the next page: by its address, else from the last value on."""
        if pages.next is not None:
            try:
                pages.read(await self._cloud.ask_next("historics", pages.next))
            except (Malformed, NotFound, Conflict) as error:
                pages.lose(str(error))
            return
        if (start := pages.resume()) is not None:
            later = tuple((name, str(start) if name == "startTime" else value) for name, value in asked)
            pages.read(await self._cloud.ask("historics", "devices-historics", later))

    def remembered(self, site: Site) -> tuple[str, ...]:
        """What the tags are that the device told of when it was discovered."""
        return tuple(tag.quantity for tag in self._told(site))

    def meanings(self, site: Site) -> dict[str, str]:
        """From which tag, in which unit, each quantity is read."""
        return {tag.quantity: f"{tag.reference} {tag.unit}" for tag in self._told(site)}

    def _told(self, site: Site) -> list[Tag]:
        tags = self._profile.tags.of(site.key)
        return [tags.named(reference) for reference in lines(site.attributes.get("tags"))]

    async def write(self, probe: Probe, parameter: str, value: str) -> None:
        """Set a tag (3.8); the answer is its status. Raises Conflict where the cloud will not."""
        contract, device = ids_of(probe)
        asked = (("contractId", contract), ("deviceId", device), ("tagRef", parameter), ("value", value))
        try:
            await self._cloud.ask("tags-write", "devices-tags-write", asked)
        except Malformed as error:
            raise Conflict(error.what, phrase=error.phrase) from error

    def _tag(self, device: str, quantity: str) -> Tag:
        return self._profile.tags.of(device).of(quantity, self._profile.tags.unit(quantity) or Unit.RATIO)

    async def _zone(self, contract: str, device: str) -> tzinfo:
        """The wall clock by which the device's past is counted."""
        if device not in self._zones and self._profile.historics_time != "local":
            return UTC
        if device not in self._zones:
            answer = await self._cloud.ask("device", "device", (("contractId", contract), ("deviceId", device)))
            told, _ = entry(bytes(envelope(answer, wire.OneDevice, "device").device), wire.Device, "device")
            self._zones[device] = ZoneInfo(zone_from(told.timezone or "UTC") or "UTC")
        return self._zones[device]


def printed(body: bytes, probe: Probe, zone: tzinfo, profile: Profile) -> Batch:
    """The answer of `historics` that somebody has saved; in universal time, or on the clock of `zone`, as the profile says."""
    clock = UTC if profile.historics_time == "utc" else zone
    pages = _Pages(probe, probe.key.rpartition("/")[2], profile, clock)
    pages.read(saved(body))
    return Batch(tuple(pages.found), few(pages.faults))


class _Pages:
    """The pages of one history, as they come."""

    def __init__(self, probe: Probe, device: str, profile: Profile, zone: tzinfo) -> None:
        self._probe, self._device, self._profile = probe, device, profile
        self._zone, self._clock = zone, WallClock(zone)
        self._tags: DeviceTags = profile.tags.of(device)
        self._seen: set[str] = set()
        self._count = 0
        self._lost = ""  # why the next page cannot be had by its address
        self._resumed: int | None = None
        self.found: dict[Measurement, None] = {}
        self.faults: list[Fault] = []
        self.next: str | None = None

    @property
    def wanting(self) -> bool:
        """Whether there is more to ask for."""
        return self.next is not None or bool(self._lost)

    def read(self, answer: Answer) -> None:
        """Take over one page."""
        page = page_in(answer, "historics")
        self.faults += page.faults
        for table in page.tables:
            self.found |= dict.fromkeys(self._values(table))
        self._count, self._lost = self._count + 1, ""
        self._follow(page.next)

    def lose(self, why: str) -> None:
        """The next page cannot be had by its address."""
        self.next, self._lost = None, why

    def resume(self) -> int | None:
        """From which second on to ask instead, once for each; None, with a fault, where that leads no further."""
        why, self._lost = self._lost, ""
        newest = max((seconds_to(point.at, self._zone) for point in self.found), default=None)
        ahead = newest is not None and (self._resumed is None or newest > self._resumed)
        if not ahead or self._count >= MOST_PAGES:
            self.fault(why)
            return None
        self._resumed = newest
        return newest

    def fault(self, why: str) -> None:
        """What comes after the last value cannot be had."""
        self.faults.append(Fault("historics.next", f"after {len(self.found)} values: {why}"))

    def _follow(self, url: str | None) -> None:
        """A cloud that sends us to a page again would do so for ever."""
        if url and (url in self._seen or self._count >= MOST_PAGES):
            self.lose(f"there was no end after {self._count} pages")
        else:
            self.next = url or None
            self._seen |= {url} if url else set()

    def _values(self, table: Table) -> Iterator[Measurement]:
        try:
            _demand_device(self._device, table.device)
            tag = self._tags.named(table.tag_reference)
        except ValueError as error:
            self.faults.append(Fault(table.where, str(error)))
            return
        for n, row in enumerate(table.rows):
            try:
                point = row_from(row, tag, self._probe, self._profile.tags, self._clock)
            except ValueError as error:
                self.faults.append(Fault(f"{table.where}.logs[{n}]", str(error)))
                continue
            if point is not None:
                yield point


def _demand_device(asked: str, told: object) -> None:
    """Raises ValueError where an answer speaks of another device than the one that was asked for."""
    if told and str(told) != asked:
        raise ValueError(f"it is of the device {told!s:.40}, which was not asked for")
