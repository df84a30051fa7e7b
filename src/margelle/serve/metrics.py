"""`/metrics`: how the hub itself is, for Prometheus to scrape. Nothing in it is about a user."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from margelle import __version__
from margelle.domain.site import Account
from margelle.errors import MargelleError, NotFound
from margelle.ports import Clock, NoSiblings, Reports, Siblings, Store, understood
from margelle.serve.api.problem import of_error
from margelle.serve.api.visitor import Visitors
from margelle.serve.traffic import BOUNDS_S, TOPIC, Counts, Traffic, total

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PATH: Final = "/metrics"

_KEPT: Final = timedelta(seconds=60)
"""How long what was found out about the collection counts as true: it takes a while for thousands of accounts."""

_AT_ONCE: Final = 50


class Vendor(Struct):
    """How collecting from one vendor stands, over all its accounts."""

    accounts: int = 0
    made: int = 0
    left: int = 0
    incidents: int = 0
    newest: datetime | None = None

    def add(self, report: Any) -> None:
        """Count one account."""
        budget = report.budget
        self.accounts += 1
        self.made += budget.made
        self.left += max((budget.full or 0) - budget.made, 0)
        self.incidents += len(report.incidents)
        self.newest = max(filter(None, (self.newest, *report.newest.values())), default=None)


class _State(Struct, frozen=True):
    """All that one scrape tells."""

    measurements: int
    size_bytes: int | None
    vendors: dict[str, Vendor]
    now: datetime


class Metrics:
    """Answers the scrapes of whoever has an operator's key: that a request comes from this machine says nothing (docs/decisions/0043)."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        traffic: Traffic,
        visitors: Visitors,
        reports: Reports,
        size_bytes: Callable[[], int] | None,
        siblings: Siblings | None = None,
    ) -> None:
        self._store, self._clock, self._traffic, self._visitors = store, clock, traffic, visitors
        self._reports, self._size_bytes = reports, size_bytes
        self._siblings = siblings or NoSiblings()
        self._siblings.answer(TOPIC, lambda _: counted(traffic).told())
        self._vendors: tuple[datetime, dict[str, Vendor]] | None = None

    def routes(self) -> list[BaseRoute]:
        """The route."""
        return [Route(PATH, self._get)]

    async def _get(self, request: Request) -> Response:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - only who scrapes waits for it
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

        try:
            await self._demand_right(request)
            state = await self._state()
        except MargelleError as error:
            return of_error(error)
        registry = CollectorRegistry()
        own = counted(self._traffic)
        others = understood(TOPIC, await self._siblings.ask(TOPIC, own.told()), Counts.of)
        registry.register(_Told(total((own, *others)), state))
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": kind})

    async def _demand_right(self, request: Request) -> None:
        caller = (await self._visitors.admit(request)).caller
        if not caller.operator or "read" not in caller.scopes:
            raise NotFound("There is nothing at this address.")

    async def _state(self) -> _State:
        now = self._clock()
        if self._vendors is None or not self._vendors[0] <= now < self._vendors[0] + _KEPT:
            self._vendors = now, await self._collected()
        size = self._size_bytes() if self._size_bytes is not None else None
        return _State(await self._store.count(), size, self._vendors[1], now)

    async def _collected(self) -> dict[str, Vendor]:
        found: defaultdict[str, Vendor] = defaultdict(Vendor)
        accounts: Sequence[Account] = [one for one in await self._store.accounts() if not one.is_own]
        for n in range(0, len(accounts), _AT_ONCE):
            for report in await self._reports(accounts[n : n + _AT_ONCE]):
                found[report.vendor].add(report)
            await asyncio.sleep(0)  # others are served meanwhile
        return dict(found)


def counted(traffic: Traffic) -> Counts:
    """What this process has counted, and how it is."""
    return replace(traffic.counts(), process={one.name: one.value for family in _process() for one in family.samples})


def _process() -> list[Metric]:
    from prometheus_client import ProcessCollector  # noqa: PLC0415

    return list(ProcessCollector(registry=None).collect())


class _Told:
    """A collector of prometheus-client that tells what is known already."""

    def __init__(self, counts: Counts, state: _State) -> None:
        self._counts, self._state = counts, state

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        from prometheus_client import core  # noqa: PLC0415

        build = core.InfoMetricFamily("margelle_build", "Which version of Margelle runs.")
        build.add_metric([], {"version": __version__})
        yield build
        requests = core.CounterMetricFamily(
            "margelle_http_requests", "Requests that were answered.", labels=["face", "status"]
        )
        for face, by_status in sorted(self._counts.requests.items()):
            for status, count in sorted(by_status.items()):
                requests.add_metric([face, str(status)], count)
        yield requests
        lasted = core.HistogramMetricFamily(
            "margelle_http_request_duration_seconds",
            "How long answers took, from first byte in to last byte out.",
            labels=["face"],
        )
        for face, (buckets, sum_s) in sorted(self._counts.durations.items()):
            bounds = [*map(str, BOUNDS_S), "+Inf"]
            lasted.add_metric([face], list(zip(bounds, accumulate(buckets), strict=True)), sum_s)
        yield lasted
        for family in _process():
            family.samples = [one._replace(value=self._counts.process[one.name]) for one in family.samples]
            yield family
        yield core.GaugeMetricFamily(
            "margelle_store_measurements", "Measurements that are kept.", self._state.measurements
        )
        if self._state.size_bytes is not None:
            yield core.GaugeMetricFamily(
                "margelle_store_size_bytes", "What the store takes on the disk.", self._state.size_bytes
            )
        yield from self._collected()

    def _collected(self) -> Iterator[Metric]:
        yield self._by_vendor(
            "margelle_collection_accounts", "Accounts that are collected from.", lambda one: one.accounts
        )
        yield self._by_vendor(
            "margelle_collection_requests_made",
            "Requests made to the vendor's cloud within the longest time that a budget counts.",
            lambda one: one.made,
        )
        yield self._by_vendor(
            "margelle_collection_requests_left",
            "Requests that the budgets still allow within that time.",
            lambda one: one.left,
        )
        yield self._by_vendor(
            "margelle_collection_incidents_open", "What is wrong with collecting now.", lambda one: one.incidents
        )
        yield self._by_vendor(
            "margelle_collection_newest_reading_age_seconds",
            "How long ago the newest reading of any probe was measured.",
            self._age_s,
        )

    def _age_s(self, one: Vendor) -> float | None:
        return None if one.newest is None else (self._state.now - one.newest).total_seconds()

    def _by_vendor(self, name: str, said: str, worth: Callable[[Vendor], float | None]) -> Metric:
        from prometheus_client import core  # noqa: PLC0415

        family = core.GaugeMetricFamily(name, said, labels=["vendor"])
        for vendor, one in sorted(self._state.vendors.items()):
            if (value := worth(one)) is not None:
                family.add_metric([vendor], value)
        return family
