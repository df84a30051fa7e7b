"""An account with more probes than leave room for a discovery beside their fresh values: it is discovered all the same, once a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.collect import progress
from margelle.errors import Limited, Unavailable
from margelle.ports import Answer, Rate, Request
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Cloud,
    Door,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
)

PACE = Rate(20, 3600)


class Strict(Door):
    """A way to the cloud on which a request beyond the pace is refused before it is sent."""

    cloud: Narrow

    async def ask(self, request: Request) -> Answer:
        now = self.cloud.clock.now
        recent = [one.at for one in self.own.spent if now - HOUR < one.at <= now]
        if len(recent) >= (most := self.cloud.most):
            free_at = recent[-most] + HOUR
            raise Limited("The request budget is used up.", retry_after_s=(free_at - now).total_seconds())
        return await super().ask(request)


class Narrow(Cloud):
    most = PACE.requests

    def door(self, name: str) -> Door:
        return self.doors.setdefault(name, Strict(self))


def narrow(pools: int) -> Narrow:
    every = hourly(START - 3 * DAY, START + 5 * DAY)
    return Narrow(VirtualClock(), *(Pool(str(n), [at + n * 5 * MINUTE for at in every]) for n in range(pools)))


@pytest.mark.parametrize("pools", [12, 15])
async def test_a_discovery_finds_room_once_a_day_however_many_probes_there_are(pools: int) -> None:
    cloud = narrow(pools)
    clock, store = cloud.clock, await stored(account())
    collector = collecting(store, cloud, PACE)
    await drive(collector, clock, START + 2 * DAY + 14 * HOUR)
    known = await progress.load(store, "fake-1")
    assert known.discovery.ok_at is not None
    assert known.discovery.ok_at > clock.now - 1.6 * DAY
    assert cloud.asked("discover") <= 3 * 10, "it is not begun where it cannot end"
    assert "limited" not in {one.kind for one in await store.incidents()}
    for probe in cloud.pools:
        (newest,) = [one.at for one in (await store.history(probe, "ph"))[-1:]]
        assert newest > clock.now - timedelta(hours=2.5)


async def test_a_discovery_that_takes_all_there_is_finds_room_and_leaves_it_to_advice() -> None:
    """What is kept for users' own acts is part of it: less would never do."""
    cloud = narrow(2)
    cloud.most = 9
    clock, store = cloud.clock, await stored(account())
    collector = collecting(store, cloud, Rate(cloud.most, 3600))
    await drive(collector, clock, START + 14 * HOUR)
    assert (await progress.load(store, "fake-1")).discovery_cost == 9
    for day in range(1, 4):
        before = cloud.asked("discover"), cloud.asked("advice")
        await drive(collector, clock, START + 14 * HOUR + day * DAY)
        known = await progress.load(store, "fake-1")
        assert known.discovery.ok_at is not None
        assert known.discovery.ok_at > clock.now - DAY
        assert cloud.asked("discover") - before[0] == 9
        assert cloud.asked("advice") - before[1] > 10
    assert "limited" not in {one.kind for one in await store.incidents()}


async def test_a_discovery_that_failed_at_once_is_not_taken_for_a_cheap_one() -> None:
    cloud = narrow(8)
    clock, store = cloud.clock, await stored(account())
    collector = collecting(store, cloud, PACE)
    await drive(collector, clock, START + HOUR)
    cost = (await progress.load(store, "fake-1")).discovery_cost

    def trouble(act: str, subject: str) -> None:
        if act == "discover":
            raise Unavailable("The cloud answered 500.")

    cloud.trouble = trouble
    await drive(collector, clock, START + 1.6 * DAY)
    known = await progress.load(store, "fake-1")
    assert known.discovery.failures > 0
    assert known.discovery_cost >= cost == 10
