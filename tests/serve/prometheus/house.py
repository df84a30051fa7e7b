"""A hub with a week of water in it, some of it doubted, late or missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import OWN, Account, Probe, Site, User
from margelle.domain.unit import Unit
from margelle.ports import Discovery
from margelle.store.memory import MemoryStore
from tests.asgi import Response, call
from tests.conftest import NOW
from tests.house import ANNA
from tests.serve.api.hub import Hub
from tests.serve.prometheus.peer import Sample

DAY = timedelta(days=1)
BEGIN = NOW.replace(hour=0, minute=0) - 7 * DAY
SITES = (("garden", "Garden pool"), ("roof", "Roof terrace"), ("lake", "Lake \N{EM DASH} north"))
_UNITS = {"temperature": Unit.CELSIUS, "ph": Unit.PH, "orp": Unit.MILLIVOLT, "battery": Unit.PERCENT}
_METRICS = {
    "temperature": ("margelle_temperature_celsius", 1.0),
    "ph": ("margelle_ph", 1.0),
    "orp": ("margelle_orp_volts", 1000.0),
    "battery": ("margelle_battery_ratio", 100.0),
}
"""As the docs promise it: name, and by what a value is divided."""


def water() -> list[Measurement]:
    """Hourly at the garden, every 45 minutes and a bit on the roof with gaps, twice a day at the lake; a tenth of it is doubted."""
    random = Random(7)
    found = []
    for key, every in (("garden", timedelta(hours=1)), ("roof", timedelta(minutes=45, seconds=13)), ("lake", DAY / 2)):
        for quantity, unit in _UNITS.items():
            if key == "lake" and quantity == "orp":
                continue
            at = BEGIN
            value = {"temperature": 24.0, "ph": 7.2, "orp": 650.0, "battery": 80.0}[quantity]
            while at < NOW:
                value = round(value + random.uniform(-1, 1) * value / 100, 2)
                doubts = (Doubt("vendor", "excluded"),) if random.random() < 0.1 else ()
                if key != "roof" or random.random() > 0.2:
                    found.append(
                        Measurement(f"own:{key}/probe", quantity, at, value, repr(value), unit, "own/http", doubts)
                    )
                at += every
    return found


def samples(points: list[Measurement]) -> Iterator[Sample]:
    """What Prometheus would have scraped of them, written without the hub's own translation."""
    names = dict(SITES)
    for point in points:
        if point.value is not None and not point.doubts:
            key = point.probe.removeprefix("own:").removesuffix("/probe")
            labels = {
                "site": f"own:{key}", "site_name": names[key], "probe": point.probe, "vendor": "own", "quantity": point.quantity,
            }  # fmt: skip
            metric, divided = _METRICS[point.quantity]
            yield metric, labels, point.at, point.value / divided


class Metrics(Hub):
    """A hub that is asked in PromQL."""

    async def ask(self, path: str, *, token: str | None = None, form: bool = False, **query: Any) -> Response:
        """A question below `/prometheus/api/v1`."""
        headers = {"authorization": f"Bearer {token or self.token}"}
        asked = urlencode(query, doseq=True)
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
            return await call(self.app, "POST", f"/prometheus/api/v1/{path}", headers, asked.encode())
        return await call(self.app, "GET", f"/prometheus/api/v1/{path}?{asked}", headers)

    async def told(self, path: str, **query: Any) -> Any:
        """The data of an answer that succeeded."""
        answer = (await self.ask(path, **query)).json()
        assert answer["status"] == "success", json.dumps(answer)[:300]
        return answer["data"]


async def metrics(points: list[Measurement], **options: Any) -> Metrics:
    """A hub with Anna's three sites and these measurements, and one of Ben's."""
    store = MemoryStore()
    for email, account, keys in ((ANNA, OWN, SITES), ("ben@example.org", "own-2", (("bath", "Bath"),))):
        await store.put_user(User(email, "x"))
        own = Account(account, OWN, email, "")
        sites = tuple(Site(f"own:{key}", OWN, key, name, "pool") for key, name in keys)
        probes = tuple(Probe(f"{site.id}/probe", site.id, OWN, site.key) for site in sites)
        await store.put_account(own)
        await store.put_discovery(own.id, Discovery(own.person, sites, probes), NOW)
    await store.add(points, NOW)
    await store.add([_bath(NOW)], NOW)
    hub = Metrics(store, "", **options)
    hub.token = await hub.key("read")
    return hub


def _bath(at: datetime) -> Measurement:
    return Measurement("own:bath/probe", "temperature", at, 39.0, "39", Unit.CELSIUS, "own/http")
