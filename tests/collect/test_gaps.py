"""What is recorded of gaps is true: of one account, whatever fails, and of two that read the same probe."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.collect import progress, report
from margelle.collect.loop import Collector
from margelle.domain.gap import Gap, instants
from margelle.domain.site import Account
from margelle.errors import Refused
from margelle.ports import Batch, Discovery, Http, Spending, Tokens
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    DAY,
    HOUR,
    QUANTITIES,
    START,
    Cloud,
    FakeSource,
    NoTokens,
    Pool,
    VirtualClock,
    account,
    drive,
    hourly,
    shifted,
    stored,
    vendor,
    without,
)

PROBE = "fake:1/ico"
FAR = START + 60 * DAY


class Ear:
    """A source that hears the probe of a pool now and then, and remembers nothing."""

    def __init__(self, pool: Pool, clock: VirtualClock, deaf: list[tuple[datetime, datetime]]) -> None:
        self.pool, self.clock, self.deaf = pool, clock, deaf

    async def discover(self, now: datetime) -> Discovery:
        return await FakeSource(account("near"), Cloud(self.clock), Cloud(self.clock, self.pool)).discover(now)

    async def latest(self, probe: Any, now: datetime) -> Batch:
        if any(since <= now < until for since, until in self.deaf):
            return Batch(())
        heard = now.replace(second=1, microsecond=0)
        return Batch(tuple(shifted(self.pool.measured(quantity, heard), heard) for quantity in QUANTITIES))


class Both:
    """A probe that is read over Bluetooth by one account, and whose cloud is asked by another."""

    def __init__(self, *names: str) -> None:
        self.clock = VirtualClock()
        self.pool = Pool("1", hourly(START - 6 * DAY, FAR))
        self.cloud, self.deaf = Cloud(self.clock, self.pool), list[tuple[datetime, datetime]]()
        self.names = names
        self.store = MemoryStore()

    async def begin(self) -> None:
        self.store = await stored(*(account(name) for name in self.names))

    def collector(self) -> Collector:
        def source(one: Account, http: Http, tokens: Tokens) -> Any:
            return Ear(self.pool, self.clock, self.deaf) if one.id == "near" else FakeSource(one, http, self.cloud)

        fake = replace(vendor(self.cloud), source=source)
        return Collector(
            self.store,
            {"fake": fake},
            lambda one: self.cloud.door(one.id),
            lambda one: NoTokens(),
            self.clock,
            name="a hub",
        )

    async def pass_(self, span: timedelta) -> None:
        """Let a hub that was just started run so long."""
        collector = self.collector()
        await drive(collector, self.clock, self.clock.now + span)
        await self.store.release("a hub")

    async def gaps(self, quantity: str = "ph") -> list[Gap]:
        return [gap for gap in await self.store.gaps(PROBE) if gap.quantity == quantity]


async def assert_true(store: MemoryStore) -> None:
    for quantity in await store.quantities(PROBE):
        readings = instants(await store.history(PROBE, quantity))
        gaps = sorted((gap for gap in await store.gaps(PROBE) if gap.quantity == quantity), key=lambda gap: gap.since)
        assert all(earlier.until <= later.since for earlier, later in pairwise(gaps)), "two lie over one another"
        for gap in gaps:
            assert (gap.state == "filled") == any(gap.since < at < gap.until for at in readings), gap


async def test_a_gap_that_widened_over_known_readings_is_recorded_stretch_by_stretch() -> None:
    both = Both("far")
    await both.begin()
    await both.pass_(6 * HOUR)
    silence = (both.clock.now + 20 * HOUR, both.clock.now + 26 * HOUR)
    both.pool.instants = without(both.pool.instants, *silence)
    refused: Any = Refused("Not now.")
    both.cloud.trouble = lambda act, subject: _raise(refused) if act == "history" else None
    away = both.clock.now
    both.clock.now += 5 * HOUR
    await both.pass_(10 * HOUR)
    both.clock.now += 4 * HOUR
    await both.pass_(14 * HOUR)
    widened = await both.gaps()
    assert [gap.state for gap in widened] == ["open"] * 3, "away twice, and once the probe was silent"
    both.cloud.trouble = lambda act, subject: None
    await both.pass_(2 * DAY)
    silent, second, first = await both.gaps()
    assert [one.state for one in (silent, second, first)] == ["silent", "filled", "filled"]
    assert first.until - first.since < 8 * HOUR, "nothing between the two was ever missing"
    assert first.until < second.since
    assert away - HOUR <= first.since < away
    assert silence[0] - HOUR <= silent.since < silence[0]
    await assert_true(both.store)


def _raise(error: Exception) -> Any:
    raise error


async def test_what_the_cloud_account_of_a_probe_can_still_tell_is_not_lost_over_bluetooth() -> None:
    both = Both("near", "far")
    await both.begin()
    await both.pass_(DAY)
    both.cloud.trouble = lambda act, subject: _raise(Refused("Sign in again."))
    both.deaf.append((both.clock.now, both.clock.now + 9 * HOUR))
    await both.pass_(DAY)
    (gap,) = await both.gaps()
    assert (gap.state, gap.why) == ("open", "Only another account of the probe can still tell it.")
    assert gap.until - gap.since > 8 * HOUR
    near = (await report.reports(both.store, lambda one: Spending(), both.clock.now))[1]
    assert near.account == "near"
    assert [filling.at for filling in near.filling if filling.gap.quantity == "ph"] == [None]

    both.cloud.trouble = lambda act, subject: None
    for one in await both.store.incidents(open_only=True):
        await both.store.end_incident(one.account, one.where, one.kind, both.clock.now)
    await both.pass_(DAY)
    (gap,) = await both.gaps()
    assert gap.state == "filled"
    await assert_true(both.store)
    assert (await progress.load(both.store, "near")).open_gaps() == [], "what came by the other account is not missing"


async def test_what_only_bluetooth_could_have_told_is_lost() -> None:
    both = Both("near")
    await both.begin()
    await both.pass_(DAY)
    both.deaf.append((both.clock.now, both.clock.now + 9 * HOUR))
    await both.pass_(DAY)
    (gap,) = await both.gaps()
    assert (gap.state, gap.why) == ("lost", "The cloud does not tell the past of this.")


async def test_a_gap_of_bluetooth_is_lost_once_the_cloud_account_can_no_longer_tell_it() -> None:
    both = Both("near", "far")
    await both.begin()
    await both.pass_(DAY)
    both.cloud.trouble = lambda act, subject: _raise(Refused("Sign in again."))
    both.deaf.append((both.clock.now, both.clock.now + 9 * HOUR))
    await both.pass_(32 * DAY)
    (gap,) = await both.gaps()
    assert (gap.state, gap.why) == ("lost", "The cloud remembers only 30 days.")
    await assert_true(both.store)


async def test_two_accounts_of_one_cloud_say_the_same_of_the_probe_they_share() -> None:
    both = Both("far", "further")
    await both.begin()
    both.pool.instants = without(both.pool.instants, START + 20 * HOUR, START + 30 * HOUR)
    await both.pass_(DAY / 2)
    both.clock.now += DAY
    await both.pass_(2 * DAY)
    assert {gap.state for gap in await both.gaps()} == {"silent", "filled"}
    await assert_true(both.store)


HOURS = st.integers(1, 30)
TURNS = st.lists(
    st.tuples(st.sampled_from(["runs", "is away", "past fails", "cloud fails", "deaf"]), HOURS), min_size=1, max_size=8
)


@given(
    TURNS,
    st.lists(st.tuples(st.integers(0, 200), HOURS), max_size=3),
    st.sampled_from([("far",), ("near", "far"), ("far", "further")]),
)
@settings(
    max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)  # a life takes long to shrink
def test_whatever_happens_to_hub_cloud_and_probe_the_record_is_true(
    turns: list[tuple[str, int]], silences: list[tuple[int, int]], names: tuple[str, ...]
) -> None:
    asyncio.run(_live(turns, silences, names))


async def _live(turns: list[tuple[str, int]], silences: list[tuple[int, int]], names: tuple[str, ...]) -> None:
    both = Both(*names)
    await both.begin()
    for hour, hours in silences:
        both.pool.instants = without(both.pool.instants, START + hour * HOUR, START + (hour + hours) * HOUR)
    for turn, hours in [("runs", 5), *turns, ("runs", 40)]:
        failing = {"past fails": {"history"}, "cloud fails": {"history", "latest", "discover"}}.get(turn, set[str]())
        both.cloud.trouble = lambda act, subject, failing=failing: (  # type: ignore[misc]
            _raise(Refused("No.")) if act in failing else None
        )
        if turn == "deaf":
            both.deaf.append((both.clock.now, both.clock.now + hours * HOUR))
        if turn == "is away":
            both.clock.now += hours * HOUR
        else:
            for one in await both.store.incidents(open_only=True):
                await both.store.end_incident(one.account, one.where, one.kind, both.clock.now)
            await both.pass_(hours * HOUR)
        await assert_true(both.store)
    assert "open" not in {gap.state for gap in await both.gaps()} or names == ("near",)
    missed = set(both.pool.instants) - {one.at for one in await both.store.history(PROBE, "ph")}
    assert not [at for at in missed if START - 20 * DAY < at < both.clock.now - 2 * HOUR]
