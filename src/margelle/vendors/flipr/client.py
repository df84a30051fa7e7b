"""Collecting from Flipr's cloud."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.site import Account, Probe, Site
from margelle.domain.switch import Switch, Turn
from margelle.errors import NotFound
from margelle.ports import Batch, Discovery, Fault, Http, Tokens, Window
from margelle.vendors.answer import Entries, entries, entry
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.cloud import Cloud, path_of
from margelle.vendors.flipr.discovery import EMPTY, Survey
from margelle.vendors.flipr.sign_in import FliprConnector
from margelle.vendors.flipr.switching import Switching
from margelle.vendors.flipr.translate import UNITS, measurements_from
from margelle.vendors.reading import batch_of

__all__ = ["FliprConnector", "FliprSource", "printed"]

BASE_URL: Final = "https://apis.goflipr.com"
HOURS: Final[dict[Window, int]] = {"day": 24, "week": 168, "month": 720}
KEPT_FOR: Final = timedelta(minutes=15)
"""So long an answer about the past, which has every quantity, serves for the other quantities too."""

ASLEEP: Final = "the cloud has no newest measure: the probe sleeps, or is not calibrated"


class _Past(Struct):
    """An answer of LastHours."""

    probe: str
    hours: int
    at: datetime
    batch: Batch


class FliprSource:
    """One account's probes, measures and history, and its hubs."""

    def __init__(self, account: Account, http: Http, tokens: Tokens) -> None:
        self._account = account
        self._cloud = Cloud(BASE_URL, account, http, tokens)
        self._hubs = Switching(self._cloud)
        self._past: _Past | None = None
        self._resumed: set[str] = set()

    async def discover(self, now: datetime) -> Discovery:
        """The account's probes and their pools, in at most 10 requests."""
        return await Survey(cloud=self._cloud, account=self._account).discovered(now)

    async def latest(self, probe: Probe, now: datetime) -> Batch:  # noqa: ARG002
        """The newest measure: the documented one, or for accounts where that tells nothing any more, that of NewResume."""
        if probe.key not in self._resumed:
            try:
                body = (await self._cloud.get("survey/last", f"{path_of(probe.key)}/survey/last")).body
            except NotFound:
                body = b""
            if body.strip() not in EMPTY:
                return _batch(_single(body, "survey/last"), "survey/last", probe)
        batch = await self._resume(probe)
        if batch.measurements:
            self._resumed.add(probe.key)
        else:
            self._resumed.discard(probe.key)
        return batch

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:
        """The measurements of the last 24 hours, 7 days or 30 days: of every quantity, since one answer has them all."""
        hours, past = HOURS[window], self._past
        known = (
            past is not None and past.probe == probe.id and past.hours >= hours and past.at <= now < past.at + KEPT_FOR
        )
        if past is None or not known:
            answer = await self._cloud.get("LastHours", f"{path_of(probe.key)}/survey/LastHours/{hours}")
            listed = entries(b"[]" if answer.body.strip() in EMPTY else answer.body, wire.Measure, "LastHours")
            past = _Past(probe.id, hours, now, _batch(listed, "LastHours", probe))
            self._past = past if past.batch.measurements and not past.batch.faults else None
        return past.batch if past.at == now else _only(past.batch, quantity)

    def remembered(self, site: Site) -> tuple[str, ...]:  # noqa: ARG002
        """All that a Flipr tells; it costs one request."""
        return tuple(UNITS)

    async def standing(self, switch: Switch, now: datetime) -> Batch:
        """How a hub stands."""
        return await self._hubs.standing(switch, now)

    async def turn(self, switch: Switch, wanted: Turn) -> None:
        """Have a hub's pump switched, or its mode."""
        await self._hubs.turn(switch, wanted)

    async def _resume(self, probe: Probe) -> Batch:
        """What NewResume says is current. Raises NotFound where the cloud does not know the probe at all."""
        body = (await self._cloud.get("NewResume", f"{path_of(probe.key)}/NewResume")).body
        resume, _ = (wire.Resume(), []) if body.strip() in EMPTY else entry(body, wire.Resume, "NewResume")
        current = bytes(resume.current).strip()
        if current in EMPTY | {b'""'}:
            return Batch((), (Fault("NewResume", ASLEEP),))
        return _batch(_single(current, "NewResume"), "NewResume", probe)


def _single(body: bytes, name: str) -> Entries[wire.Measure]:
    measure, faults = entry(body, wire.Measure, name)
    return Entries([measure], [faults], [])


def printed(body: bytes, probe: Probe) -> Batch:
    """The answer of LastHours, or of survey/last, that somebody has saved."""
    single = body.lstrip().startswith(b"{")
    return _batch(
        _single(body, "LastHours") if single else entries(body, wire.Measure, "LastHours"), "LastHours", probe
    )


def _batch(listed: Entries[wire.Measure], name: str, probe: Probe) -> Batch:
    return batch_of(listed, name, lambda measure: measurements_from(measure, probe, f"flipr/{name}"), newest_first=True)


def _only(batch: Batch, quantity: str) -> Batch:
    return Batch(tuple(one for one in batch.measurements if one.quantity == quantity))
