"""Many accounts after the hub, or their cloud, was away: the cloud is not run over, and fresh values come first."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.collect.crowd import APART, AT_ONCE, SPREAD, admitted, apart
from margelle.collect.loop import Collector
from margelle.domain.site import Account
from margelle.errors import Unavailable
from margelle.ports import Answer, Request
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Cloud,
    Door,
    FakeSource,
    NoTokens,
    Pool,
    hourly,
    stored,
    vendor,
)
from tests.collect.virtual import lived

MANY = 150
SECOND = timedelta(seconds=1)
FRESH = {"latest", "again", "discover"}


class Busy(Door):
    """One account's way to a cloud that takes its time; notes who asks at the same time."""

    def __init__(self, town: Town, name: str, pool: Pool) -> None:
        super().__init__(Cloud(town, pool))  # type: ignore[arg-type]
        self.town, self.name = town, name
        self.pool = pool

    async def ask(self, request: Request) -> Answer:
        self.town.asking[self.name] += 1
        self.town.most = max(self.town.most, self.town.asking.total())
        assert self.town.asking[self.name] == 1, "an account asks strictly in a line"
        self.town.asked.append((self.town(), self.name, request.act))
        try:
            await asyncio.sleep(self.town.latency_s)
            if self.town.is_down:
                await self.own.ask(request)
                raise Unavailable("The cloud answered 502.")
            return await super().ask(request)
        finally:
            self.town.asking[self.name] -= 1


class Town:
    """Many pools, each with an account of its own at one cloud; their time is the event loop's, and what was let pass besides."""

    def __init__(self, many: int, latency_s: float) -> None:
        self.names = [f"fake-{n}" for n in range(many)]
        self.latency_s, self.is_down = latency_s, False
        self.skipped = timedelta(0)
        self.asking: Counter[str] = Counter()
        self.asked: list[tuple[datetime, str, str]] = []
        self.most = 0
        self.store = MemoryStore()
        self.doors: dict[str, Busy] = {}

    @property
    def now(self) -> datetime:
        return START + self.skipped + timedelta(seconds=asyncio.get_running_loop().time())

    def __call__(self) -> datetime:
        return self.now

    async def begin(self, *spans: tuple[datetime, datetime]) -> None:
        self.store = await stored(*(Account(name, "fake", "ada@x.example", name) for name in self.names))
        for n, name in enumerate(self.names):
            instants = [at + n * 7 % 60 * MINUTE for span in spans for at in hourly(*span)]
            self.doors[name] = Busy(self, name, Pool(str(n), instants))

    async def run(self, span: timedelta) -> None:
        """Let a hub that was just started run so long."""

        def source(one: Account, http: Any, tokens: Any) -> FakeSource:
            return FakeSource(one, http, self.doors[one.id].cloud)

        fake = replace(vendor(Cloud(self)), source=source)  # type: ignore[arg-type]
        collector = Collector(self.store, {"fake": fake}, lambda one: self.doors[one.id], lambda _: NoTokens(), self)
        stop = asyncio.Event()
        running = asyncio.create_task(collector.run(stop))
        await asyncio.sleep(span.total_seconds())
        stop.set()
        await running

    def firsts(self, since: datetime, acts: set[str] = FRESH) -> dict[str, datetime]:
        """When each account was first asked for these acts."""
        found: dict[str, datetime] = {}
        for at, name, act in self.asked:
            if at >= since and act in acts:
                found.setdefault(name, at)
        return found

    def assert_paced(self) -> None:
        """No account was asked more than 20 times in any hour."""
        for name, door in self.doors.items():
            instants = [one.at for one in door.own.spent]
            for n, at in enumerate(instants[20:]):
                assert at - instants[n] >= HOUR, name


def most_in(instants: list[datetime], span: timedelta) -> int:
    """The most of `instants` that lie in any span of that length."""
    ordered = sorted(instants)
    return max(sum(at <= other < at + span for other in ordered[n:]) for n, at in enumerate(ordered))


@pytest.mark.parametrize("away", [DAY, 90 * DAY])
@pytest.mark.parametrize("latency_s", [0.02, 0.5])
def test_after_the_hub_was_away_many_accounts_come_back_one_by_one_and_fresh_values_first(
    away: timedelta, latency_s: float
) -> None:
    async def life() -> None:
        town = Town(MANY, latency_s)
        back = START + away
        await town.begin((START - 10 * HOUR, START + 2 * HOUR), (back - 20 * HOUR, back + 3 * HOUR))
        await town.run(HOUR)
        assert set(town.firsts(START)) == set(town.names)
        town.skipped += away - HOUR
        town.most, since = 0, town()
        await town.run(HOUR)

        firsts = town.firsts(since)
        assert set(firsts) == set(town.names)
        assert town.most <= AT_ONCE
        assert most_in([*firsts.values()], SECOND) <= max(AT_ONCE, SECOND / APART + 1)
        assert min(firsts.values()) - since < SECOND, "the first is not kept waiting"
        served = timedelta(seconds=MANY * latency_s / AT_ONCE * 2.5)  # a latest value, and what was begun before
        assert max(firsts.values()) - since <= MANY * APART + served
        town.assert_paced()
        for name in town.names[::20]:
            pool = town.doors[name].pool
            kept = [one.at for one in await town.store.history(pool.probe.id, "ph", back - 21 * HOUR)]
            assert kept == [at for at in pool.instants if back - 21 * HOUR <= at <= kept[-1]]
            assert kept[-1] > since, "what is of now is there, and what was missed"

    lived(life())


def test_a_cloud_that_is_well_again_is_not_run_over_and_everybody_is_back_within_the_hour() -> None:
    async def life() -> None:
        town = Town(MANY, 0.05)
        await town.begin((START - 5 * HOUR, START + 8 * HOUR))
        await town.run(HOUR)
        town.is_down, down = True, town()
        running = asyncio.create_task(town.run(5 * HOUR))
        await asyncio.sleep(3 * 3600)
        while_down = [at for at, _, _ in town.asked if at >= down + HOUR]
        assert len(while_down) <= 2 * 8, "one account asks for all, ever more rarely"
        for name in town.names[::20]:
            last = await town.store.latest(town.doors[name].pool.probe.id, town())
            assert down - 2 * HOUR < last["ph"].at <= down, "the last values stay, and are as old as they are"
            assert last["ph"].valid
        town.is_down, well = False, town()
        town.most = 0
        await running

        firsts = town.firsts(well)
        assert set(firsts) == set(town.names)
        assert max(firsts.values()) - well < HOUR
        assert most_in([*firsts.values()], SECOND) <= AT_ONCE
        assert most_in([*firsts.values()], MINUTE) <= MANY / 5
        assert town.most <= AT_ONCE
        town.assert_paced()
        assert await town.store.incidents(open_only=True) == []

    lived(life())


def of(*names: str, cloud: str = "https://cloud.test") -> list[Account]:
    return [Account(name, "fake", "ada@x.example", name, base_url=cloud) for name in names]


def test_accounts_that_are_begun_with_together_follow_each_other_by_cloud() -> None:
    due = apart([*of("a", "b", "c"), *of("x", cloud="https://other.test")], START)
    assert due == {"a": START, "b": START + APART, "c": START + 2 * APART, "x": START}
    many = apart(of(*map(str, range(10_000))), START)
    assert max(many.values()) < START + SPREAD
    assert len(set(many.values())) == 10_000


def test_so_many_accounts_of_a_cloud_ask_at_once_and_the_others_make_it_crowded() -> None:
    asking, due = of(*"abcdef"), [*of(*"uvwx"), *of("z", cloud="https://other.test")]
    may, crowded = admitted(due, asking)
    assert [one.id for one in may] == ["u", "v", "z"]
    assert crowded == {"fake https://cloud.test"}
