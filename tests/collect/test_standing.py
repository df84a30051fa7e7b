"""What people may ask of the collector."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from margelle.collect.loop import Collector
from margelle.collect.standing import Standing
from margelle.errors import Conflict, Limited
from margelle.ports import Spending, Spent
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Cloud,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
)


def standing(cloud: Cloud, collector: Collector | None) -> Standing:
    return Standing(
        collector._store if collector else None,  # type: ignore[arg-type]
        lambda one: cloud.door(one.id).spending(cloud.clock()),
        cloud.clock,
        asking(collector),
    )


def asking(collector: Collector | None) -> Callable[[str], Awaitable[bool]]:
    async def ask(account: str) -> bool:
        return collector is not None and collector.ask_now(account)

    return ask


def hub() -> tuple[VirtualClock, Cloud]:
    clock = VirtualClock()
    return clock, Cloud(clock, Pool("1", hourly(START - 2 * DAY, START + 5 * DAY)))


async def test_what_somebody_wants_now_is_asked_in_the_next_round_and_once() -> None:
    clock, cloud = hub()
    collector = collecting(await stored(account()), cloud)
    await drive(collector, clock, START + 5 * HOUR + 20 * MINUTE)
    before = cloud.asked("latest")
    await collector.round()
    assert cloud.asked("latest") == before
    await standing(cloud, collector).ask_now(account())
    await collector.round()
    assert cloud.asked("latest") == before + 1
    clock.now += MINUTE
    await collector.round()
    assert cloud.asked("latest") == before + 1


async def test_beyond_the_budget_nothing_is_asked_and_it_says_for_how_long() -> None:
    clock, cloud = hub()
    collector = collecting(await stored(account()), cloud)
    await collector.round()
    spent = tuple(Spent(clock.now - 50 * MINUTE) for _ in range(20))
    desk = Standing(collector._store, lambda _: Spending(3600, 20, 20, spent), clock, asking(collector))
    with pytest.raises(Limited) as limited:
        await desk.ask_now(account())
    assert limited.value.retry_after_s == 600


async def test_without_a_collector_here_it_is_refused_in_words() -> None:
    _, cloud = hub()
    with pytest.raises(Conflict, match="not collected by the process"):
        await standing(cloud, None).ask_now(account())


async def test_a_paused_account_is_asked_nothing_until_it_goes_on() -> None:
    clock, cloud = hub()
    store = await stored(account())
    collector = collecting(store, cloud)
    await drive(collector, clock, START + 5 * HOUR)
    known = await store.account("fake-1")
    assert known is not None
    paused = replace(known, paused=True)
    await store.put_account(paused)
    asked = len(cloud.requests)
    clock.now = START + 10 * HOUR
    assert await collector.round() is None
    assert len(cloud.requests) == asked
    with pytest.raises(Conflict, match="paused"):
        await standing(cloud, collector).ask_now(paused)
    (report,) = await standing(cloud, collector).reports([paused])
    assert (report.paused, report.next) == (True, ())
    await store.put_account(known)
    await drive(collector, clock, START + 11 * HOUR)
    assert (await store.latest("fake:1/ico", clock.now))["ph"].at > START + 9 * HOUR
