"""No site starves another, whatever it does, and users' own acts are counted with the collector's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margelle.errors import Limited, Malformed, NotFound, Unavailable, Unreachable
from margelle.ports import Batch, Discovery, Request
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Cloud,
    FakeSource,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
)

END = START + 30 * HOUR
AWAKE = START + 6 * HOUR
"""By then the account is known, and its past has begun to come."""


@pytest.fixture(autouse=True)
def _one_request_a_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    async def discover(self: FakeSource, now: datetime) -> Discovery:
        await self._ask("discover", self.account.id)
        pools = self.cloud.pools.values()
        from margelle.domain.site import Person

        return Discovery(Person("Ada", "L", "a@x.example"), tuple(p.site for p in pools), tuple(p.probe for p in pools))

    monkeypatch.setattr(FakeSource, "discover", discover)


def pools(count: int) -> list[Pool]:
    return [Pool(str(n), hourly(START - 20 * DAY + n * 5 * MINUTE, END)) for n in range(count)]


def delays(cloud: Cloud, pool: Pool) -> list[timedelta]:
    """How long after each reading its cloud was asked for the latest values."""
    asked = [at for at, name, url in cloud.requests if name == "latest" and url.endswith(pool.probe.id)]
    readings = [at for at in pool.instants if AWAKE <= at < END - 3 * HOUR]
    return [asked[bisect_left(asked, at + 2 * MINUTE)] - at for at in readings if at + 4 * HOUR < END]


def most_in_an_hour(cloud: Cloud) -> int:
    instants = sorted(at for at, _, _ in cloud.requests)
    return max(bisect_left(instants, at + HOUR) - n for n, at in enumerate(instants))


def quick(pool: Pool) -> None:
    """It measures every ten minutes, all the time."""
    pool.instants = [START - DAY + n * 10 * MINUTE for n in range(3 * 144)]


def forgetful(pool: Pool) -> None:
    """It leaves half of its readings out, in ever other stretches: gaps that nobody can fill."""
    pool.instants = [at for at in pool.instants if at.hour % 5 < 2]


def quiet(pool: Pool) -> None:
    """It has nothing new from the start on."""
    pool.instants = [at for at in pool.instants if at < START]


ERRORS: dict[str, Callable[[], Any]] = {
    "malformed": lambda: Malformed("It is HTML."),
    "unavailable": lambda: Unavailable("500"),
    "unreachable": lambda: Unreachable("cut"),
    "gone": lambda: NotFound("404"),
    "bug": lambda: ZeroDivisionError("oops"),
}
WAYS: dict[str, Callable[[Pool], None]] = {"quick": quick, "forgetful": forgetful, "quiet": quiet}


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(2, 8),
    noisy=st.integers(0, 7),
    way=st.sampled_from([*ERRORS, *WAYS, "empty"]),
    every=st.integers(1, 3),
)
async def _starves_nobody(count: int, noisy: int, way: str, every: int) -> None:
    clock = VirtualClock()
    probes = pools(count)
    loud = probes[noisy % count]
    if way in WAYS:
        WAYS[way](loud)
    cloud, store = Cloud(clock, *probes), await stored(account())
    asked = 0

    def trouble(act: str, subject: str) -> Batch | None:
        nonlocal asked
        if act == "discover" or not subject.startswith((loud.probe.id, loud.site.id)) or way in WAYS:
            return None
        asked += 1
        if way == "empty":
            return Batch(()) if act != "advice" else None
        if asked % every == 0:
            raise ERRORS[way]()
        return None

    cloud.trouble = trouble
    await drive(collecting(store, cloud), clock, END)
    for pool in probes:
        if pool is not loud:
            late = [delay for delay in delays(cloud, pool) if delay > 70 * MINUTE]
            assert not late, (pool.probe.id, late)
    assert most_in_an_hour(cloud) <= 20


test_a_noisy_site_delays_no_others_fresh_values = _starves_nobody


async def test_with_more_pools_than_requests_all_have_their_turn() -> None:
    clock = VirtualClock()
    probes = pools(30)
    cloud, store = Cloud(clock, *probes), await stored(account())
    await drive(collecting(store, cloud), clock, END)
    for pool in probes:
        assert max(delays(cloud, pool)) < 3.2 * HOUR
    assert most_in_an_hour(cloud) <= 20


async def test_an_account_in_trouble_delays_no_other() -> None:
    clock = VirtualClock()
    cloud, store = Cloud(clock, *pools(2)), await stored(account("a"), account("b"))
    collector = collecting(store, cloud)
    door = cloud.door("a")

    async def limited(request: Request) -> Any:
        raise Limited("Limit Exceeded")

    door.ask = limited  # type: ignore[method-assign]
    await drive(collector, clock, END)
    for pool in cloud.pools.values():
        assert max(delays(cloud, pool)) < 70 * MINUTE


async def test_what_a_user_does_counts_for_the_plan_which_gives_way() -> None:
    clock = VirtualClock()
    cloud, store = Cloud(clock, *pools(3)), await stored(account())
    collector = collecting(store, cloud)
    door = cloud.door("fake-1")
    while clock.now < START + 12 * HOUR:
        due = await collector.round()
        assert due is not None
        clock.now = due
        if len(door.spending(clock.now).spent) < 20 and clock.now.minute % 7 == 0:
            await door.ask(Request("validate", "PUT", "https://cloud.test/r"))
    assert most_in_an_hour(cloud) <= 20
    assert cloud.asked("validate") >= 10
