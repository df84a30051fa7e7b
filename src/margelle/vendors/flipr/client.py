"""Collecting from Flipr's cloud."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.site import Account, Probe, Site
from margelle.domain.switch import Switch, Turn
from margelle.errors import Malformed, NotFound, Unavailable
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
HOURS: Final[dict[Window, int]] = {"day": 24, "week": 168, "month": 720, "year": 8760}
REFUSALS: Final = 2
"""So many times a probe's cloud is in trouble over more than a month: it does not tell so much."""

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
    """One account's probes, measures and history, and its hubs.

    The vendor's document sets no bound on how far back its cloud can be asked: a year is tried, and a month where that is refused.
    """

    reach: Window = "year"

    def __init__(self, account: Account, http: Http, tokens: Tokens) -> None:
        self._account = account
        self._cloud = Cloud(BASE_URL, account, http, tokens)
        self._hubs = Switching(self._cloud)
        self._past: _Past | None = None
        self._resumed: set[str] = set()
        self._refusals: Counter[str] = Counter()

    async def discover(self, now: datetime) -> Discovery:
        """The account's probes and their pools, in at most 10 requests."""
        return await Survey(cloud=self._cloud, account=self._account).discovered(now)

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        """The newest measure: the documented one, or for accounts where that tells nothing any more, that of NewResume."""
        if self._past is not None and now >= self._past.at + KEPT_FOR:
            self._past = None  # a year of it is large
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
        """The measurements of the last 24 hours, 7 days, 30 days or a year: of every quantity, since one answer has them all."""
        hours, past = HOURS[window], self._past
        if self._refusals[probe.key] >= REFUSALS:
            hours = min(hours, HOURS["month"])
        known = (
            past is not None and past.probe == probe.id and past.hours >= hours and past.at <= now < past.at + KEPT_FOR
        )
        if past is None or not known:
            hours, body = await self._last_hours(probe.key, hours)
            listed = entries(b"[]" if body.strip() in EMPTY else body, wire.Measure, "LastHours")
            past = _Past(probe.id, hours, now, _batch(listed, "LastHours", probe))
            self._past = past if past.batch.measurements and not past.batch.faults else None
        return past.batch if past.at == now else _only(past.batch, quantity)

    async def _last_hours(self, key: str, hours: int) -> tuple[int, bytes]:
        """The answer, and of how many hours it is: of a month where more is refused. A cloud in trouble is asked for the year once more."""
        month = HOURS["month"]
        try:
            return hours, (await self._cloud.get("LastHours", f"{path_of(key)}/survey/LastHours/{hours}")).body
        except (Malformed, NotFound, Unavailable) as error:
            if hours > month:
                self._refusals[key] += 1 if isinstance(error, Unavailable) else REFUSALS
            if hours <= month or self._refusals[key] < REFUSALS:
                raise
        return month, (await self._cloud.get("LastHours", f"{path_of(key)}/survey/LastHours/{month}")).body

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
