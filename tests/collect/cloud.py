"""A scripted cloud under virtual time: it knows what it told whom, and fails as it is told to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from margelle.collect.loop import Collector
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Person, Probe, Recommendation, Site, User
from margelle.domain.unit import Unit
from margelle.ports import (
    Answer,
    Batch,
    Clock,
    Discovery,
    Http,
    Rate,
    Request,
    Spending,
    Spent,
    Token,
    Tokens,
    Vendor,
    Window,
)
from margelle.store.memory import MemoryStore

START = datetime(2026, 7, 1, 9, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
QUANTITIES = ("temperature", "ph", "orp")
SPANS: dict[Window, timedelta] = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}

Trouble = Callable[[str, str], Any]


DECIMALS = {
    "temperature": 2,
    "ph": 2,
    "orp": 0,
    "salt": 0,
    "tds": 0,
    "battery": 0,
    "rssi": 0,
    "conductivity": 0,
    "free_chlorine_estimate": 2,
}
"""So many digits after the point every cloud of ours tells."""


class VirtualClock:
    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Pool:
    """One pool with a probe that measures at `instants`; its cloud has a reading two minutes later."""

    def __init__(self, key: str, instants: Iterable[datetime]) -> None:
        self.key = key
        self.site = Site(f"fake:{key}", "fake", key, f"Pool {key}", "pool")
        self.probe = Probe(f"fake:{key}/ico", self.site.id, "fake", key, serial="W1122")
        self.instants = sorted(instants)

    def told(self, quantity: str, now: datetime, window: Window) -> list[Measurement]:
        first, last = bisect_left(self.instants, now - SPANS[window]), bisect_right(self.instants, now - 2 * MINUTE)
        return [self.measured(quantity, at) for at in self.instants[first:last]]

    def newest(self, now: datetime) -> list[Measurement]:
        last = bisect_right(self.instants, now - 2 * MINUTE)
        return [self.measured(quantity, self.instants[last - 1]) for quantity in QUANTITIES if last]

    def measured(self, quantity: str, at: datetime) -> Measurement:
        value = 20 + at.hour / 4 if quantity == "temperature" else 7.2 if quantity == "ph" else 680.0 + at.hour
        return Measurement(self.probe.id, quantity, at, value, repr(value), Unit.CELSIUS, "fake/latest")


class Cloud:
    """Answers for every account. `trouble(act, subject)` may raise, or return the answer to give instead of the true one."""

    def __init__(self, clock: VirtualClock, *pools: Pool) -> None:
        self.clock = clock
        self.pools = {pool.probe.id: pool for pool in pools}
        self.trouble: Trouble = lambda act, subject: None
        self.requests: list[tuple[datetime, str, str]] = []
        self.pace: tuple[Rate, ...] = (Rate(20, 3600),)
        self.spent: list[Spent] = []
        self.doors: dict[str, Door] = {}
        self.advice: tuple[Recommendation, ...] = ()
        self.validated: list[str] = []

    async def ask(self, request: Request) -> Answer:
        """Every request of a source passes here."""
        self.requests.append((self.clock.now, request.name, request.url))
        self.spent.append(Spent(self.clock.now, request.act))
        return Answer(200, {}, b"", self.clock.now)

    def door(self, name: str) -> Door:
        """Where an account comes in, now and after a restart of the hub."""
        return self.doors.setdefault(name, Door(self))

    def spending(self, now: datetime) -> Spending:
        """As a budget of this pace would tell it."""
        rate = max(self.pace, key=lambda rate: rate.seconds)
        recent = tuple(one for one in self.spent if now - timedelta(seconds=rate.seconds) < one.at <= now)
        return Spending(rate.seconds, rate.requests, rate.requests, recent)

    def asked(self, act: str, since: datetime = START) -> int:
        return sum(1 for at, name, _ in self.requests if name == act and at >= since)


class Door:
    """One account's way to a cloud that others ask too: its budget is its own."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.own = Cloud(cloud.clock)
        self.own.pace = cloud.pace

    async def ask(self, request: Request) -> Answer:
        await self.own.ask(request)
        return await self.cloud.ask(request)

    def spending(self, now: datetime) -> Spending:
        return self.own.spending(now)


class FakeSource:
    """A Source, HistorySource and AdviceSource over a Cloud; discovery costs three requests and three per pool, at most ten."""

    def __init__(self, account: Account, http: Http, cloud: Cloud) -> None:
        self.account = account
        self.http = http
        self.cloud = cloud

    async def _ask(self, act: str, subject: str) -> Any:
        await self.http.ask(Request(act, "GET", f"https://cloud.test/{subject}"))
        return self.cloud.trouble(act, subject)

    async def discover(self, now: datetime) -> Discovery:
        scripted: Discovery | None = await self._ask("discover", self.account.id)
        for _ in range(min(2 + 3 * len(self.cloud.pools), 9)):
            await self.http.ask(Request("discover", "GET", "https://cloud.test/"))
        pools = self.cloud.pools.values()
        truth = Discovery(
            Person("Ada", "L", "ada@x.example"), tuple(p.site for p in pools), tuple(p.probe for p in pools)
        )
        return scripted or truth

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        answer: Batch | None = await self._ask("latest", probe.id)
        return answer or Batch(tuple(self.cloud.pools[probe.id].newest(self.cloud.clock.now)))

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:
        answer: Batch | None = await self._ask("history", f"{probe.id} {quantity} {window}")
        return answer or Batch(tuple(self.cloud.pools[probe.id].told(quantity, self.cloud.clock.now, window)))

    def remembered(self, site: Site) -> tuple[str, ...]:
        return QUANTITIES

    async def recommendations(self, site: Site, now: datetime) -> tuple[Recommendation, ...]:
        answer: tuple[Recommendation, ...] | None = await self._ask("advice", site.id)
        return self.cloud.advice if answer is None else answer

    async def validate(self, recommendation: Recommendation, site: Site) -> None:
        await self._ask("validate", recommendation.id)
        self.cloud.validated.append(recommendation.id)


class NoTokens:
    async def access(self, renew: Callable[[Token], Any]) -> str:
        return "access"

    async def reject(self, access: str) -> None: ...

    async def keep(self, token: Token) -> None: ...


def unwanted(*_: object) -> Any:
    raise AssertionError("not a part of collecting")


def vendor(cloud: Cloud, *pace: Rate) -> Vendor:
    def source(account: Account, http: Http, tokens: Tokens) -> FakeSource:
        return FakeSource(account, http, cloud)

    paces = pace or (Rate(2, 1), Rate(20, 3600))
    return Vendor("fake", "Fake", "https://cloud.test", (), (), paces, unwanted, source, unwanted)


def account(name: str = "fake-1", owner: str = "ada@x.example") -> Account:
    return Account(name, "fake", owner, f"{name}@cloud.test")


async def stored(*accounts: Account) -> MemoryStore:
    store = MemoryStore()
    for one in accounts:
        await store.put_user(User(one.owner, "$argon2id$none"))
        await store.put_account(one)
    return store


def collecting(store: MemoryStore, cloud: Cloud, *pace: Rate, clock: Clock | None = None) -> Collector:
    cloud.pace = pace or cloud.pace
    return Collector(
        store,
        {"fake": vendor(cloud, *pace)},
        lambda one: cloud.door(one.id),
        lambda account: NoTokens(),
        clock or cloud.clock,
    )


async def drive(collector: Collector, clock: VirtualClock, until: datetime) -> None:
    """Let virtual time pass: a round whenever one is due."""
    while clock.now < until:
        due = await collector.round()
        assert due is not None
        assert due > clock.now
        clock.now = min(due, until)


def hourly(since: datetime, until: datetime) -> list[datetime]:
    """An instant every hour, a few seconds late now and then, as probes are."""
    hours = int((until - since) / HOUR)
    return [since + n * HOUR + timedelta(seconds=n * 7 % 40) for n in range(hours)]


def without(instants: Iterable[datetime], since: datetime, until: datetime) -> list[datetime]:
    return [at for at in instants if not since <= at < until]


def advice(key: str, site: str = "fake:1", status: str = "waiting") -> Recommendation:
    return Recommendation(f"fake:{key}", site, key, "Clean the filter", "Backwash it.", START, START, status)


def shifted(point: Measurement, at: datetime) -> Measurement:
    return replace(point, at=at)
