"""Many accounts side by side, each in a line, whatever happens to one of them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.collect.claims import LEASE_S
from margelle.collect.loop import GRACE_S, Collector
from margelle.collect.meter import Meter
from margelle.domain.site import OWN, Account
from margelle.errors import Limited, Refused, StoreError
from margelle.ports import Answer, Receipt, Request, Spending
from margelle.store.memory import MemoryStore
from margelle.waiting import pause
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Cloud,
    NoTokens,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
    unwanted,
    vendor,
)


def cloud(clock: VirtualClock) -> Cloud:
    return Cloud(clock, Pool("1", hourly(START - 40 * DAY, START + 20 * DAY)))


def of(requests: list[tuple[datetime, str, str]], since: datetime) -> int:
    return sum(at >= since for at, _, _ in requests)


async def test_a_refused_refresh_stops_one_account_and_no_other() -> None:
    clock = VirtualClock()
    good, bad = cloud(clock), cloud(clock)
    store = await stored(account("a"), account("b"))
    clouds = {"a": good, "b": bad}
    vendors = {
        "fake": replace(vendor(good), source=lambda one, http, tokens: vendor(clouds[one.id]).source(one, http, tokens))
    }
    collector = Collector(store, vendors, lambda one: clouds[one.id], lambda one: NoTokens(), clock)

    def refused(act: str, subject: str) -> Any:
        raise Refused("The account b was refused a new token.", hint="Sign in again.")

    bad.trouble = refused
    await drive(collector, clock, START + DAY)
    (incident,) = await store.incidents(open_only=True)
    assert (incident.account, incident.where, incident.kind) == ("b", "b", "sign-in")
    assert len(await store.history("fake:1/ico", "ph")) > 700
    assert len(bad.requests) < 30
    bad.trouble = lambda act, subject: None
    await drive(collector, clock, START + 2 * DAY)
    assert await store.incidents(open_only=True) == []


async def test_a_refusal_without_a_request_is_looked_at_every_two_minutes_for_nothing() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = await stored(account())
    calls: list[datetime] = []

    class _SignedOut:
        """A source whose token was refused before: it says so without asking the cloud."""

        async def discover(self, now: datetime) -> Any:
            calls.append(now)
            raise Refused("The account fake-1 has no token.", hint="Sign in again.")

    vendors = {"fake": replace(vendor(one), source=lambda *_: _SignedOut())}
    collector = Collector(store, vendors, lambda _: one, lambda _: NoTokens(), clock)
    await drive(collector, clock, START + HOUR)
    assert {later - earlier for earlier, later in pairwise(calls)} == {timedelta(minutes=2)}
    (incident,) = await store.incidents(open_only=True)
    assert incident.kind == "sign-in"


async def test_an_account_that_cannot_even_be_opened_is_an_incident_and_the_others_go_on() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = await stored(account("a"), account("b"))
    whole = vendor(one)

    def source(of: Any, http: Any, tokens: Any) -> Any:
        if of.id == "a":
            raise RuntimeError("boom")
        return whole.source(of, http, tokens)

    collector = Collector(store, {"fake": replace(whole, source=source)}, lambda _: one, lambda _: NoTokens(), clock)
    await drive(collector, clock, START + HOUR)
    (incident,) = await store.incidents(open_only=True)
    assert (incident.account, incident.kind) == ("a", "bug")
    assert await store.count() > 2000


async def test_an_account_of_an_unknown_vendor_says_so() -> None:
    clock = VirtualClock()
    store = await stored(replace(account(), vendor="pentair"))
    await drive(collecting(store, cloud(clock)), clock, START + HOUR)
    (incident,) = await store.incidents(open_only=True)
    assert "pentair" in incident.what


async def test_one_account_is_asked_strictly_in_a_line_and_others_meanwhile() -> None:
    clock = VirtualClock()
    at_once: dict[str, int] = {}
    most: dict[str, int] = {"one": 0, "all": 0}

    class _Slow(Cloud):
        async def ask(self, request: Request) -> Answer:
            at_once[self.name] = at_once.get(self.name, 0) + 1
            most["one"] = max(most["one"], at_once[self.name])
            most["all"] = max(most["all"], sum(at_once.values()))
            await asyncio.sleep(0)
            at_once[self.name] -= 1
            return await super().ask(request)

        name = ""

    names = [f"fake-{n}" for n in range(12)]
    store = await stored(*(account(name) for name in names))
    clouds = {name: _Slow(clock, Pool("1", [START - HOUR])) for name in names}
    for name, one in clouds.items():
        one.name = name
    vendors = {
        "fake": replace(
            vendor(clouds["fake-0"]), source=lambda of, http, tokens: vendor(clouds[of.id]).source(of, http, tokens)
        )
    }
    await Collector(store, vendors, lambda of: clouds[of.id], lambda _: NoTokens(), clock).round()
    assert most == {"one": 1, "all": 8}


async def test_accounts_are_taken_up_and_dropped_while_it_runs() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = await stored(account("a"))
    collector = collecting(store, one)
    await collector.round()
    asked = len(one.requests)
    await store.put_account(account("b"))
    await collector.round()
    assert len(one.requests) > asked
    await store.remove_account("b")
    await drive(collector, clock, START + 3 * HOUR)
    assert await store.memo("b/progress") is None
    assert await store.incidents("b") == []


@pytest.mark.parametrize("fails", [False, True])
async def test_an_account_removed_while_it_is_asked_leaves_no_trace(fails: bool) -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = await stored(account("a"))

    class _Removing(Cloud):
        async def ask(self, request: Request) -> Answer:
            if await store.account("a"):
                await store.remove_account("a")
            return await super().ask(request)

    removing = _Removing(clock, *one.pools.values())
    if fails:
        removing.trouble = _refusing
    await collecting(store, removing).round()
    assert await store.memo("a/progress") is None
    assert await store.incidents() == []


async def test_a_changed_login_is_taken_up_at_once_with_a_new_source() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = await stored(account("a"))
    made: list[str] = []
    whole = vendor(one)

    def source(of: Account, http: Any, tokens: Any) -> Any:
        made.append(of.login)
        return whole.source(of, http, tokens)

    collector = Collector(store, {"fake": replace(whole, source=source)}, lambda _: one, lambda _: NoTokens(), clock)
    one.trouble = _refusing
    await collector.round()
    one.trouble = lambda act, subject: None
    await store.put_account(replace(account("a"), login="new@cloud.test"))
    await collector.round()
    assert await store.incidents(open_only=True) == []
    assert made == ["a@cloud.test", "new@cloud.test"]


def _limiting(act: str, subject: str) -> Any:
    raise Limited("Limit Exceeded", retry_after_s=86_400)


def _refusing(act: str, subject: str) -> Any:
    raise Refused("No.")


class _Broken(MemoryStore):
    """A store on a full disk, for a while."""

    full = False

    async def add(self, *args: Any, **more: Any) -> Any:
        if self.full:
            raise StoreError("The disk is full.", hint="Make room.")
        return await super().add(*args, **more)


async def test_a_full_disk_stops_nothing_for_good_and_loses_nothing() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = _Broken()
    await store.put_account(account())
    collector = collecting(store, one)
    await drive(collector, clock, START + 5 * HOUR)
    store.full = True
    await drive(collector, clock, START + 10 * HOUR)
    (incident,) = await store.incidents(open_only=True)
    assert (incident.kind, incident.what) == ("store", "The disk is full. Make room.")
    store.full = False
    await drive(collector, clock, START + 14 * HOUR)
    assert await store.incidents(open_only=True) == []
    kept = [point.at for point in await store.history("fake:1/ico", "ph")]
    assert kept == [at for at in one.pools["fake:1/ico"].instants if kept[0] <= at <= kept[-1]]


async def test_once_a_day_the_store_forgets_old_receipts() -> None:
    clock = VirtualClock()
    store = await stored(account())
    await store.keep_receipt(Receipt("fake-1", START - 29.5 * DAY, "latest", "https://cloud.test", 200, b"[]", 12))
    collector = collecting(store, cloud(clock))
    await drive(collector, clock, START + 12 * HOUR)
    assert len(await store.receipts("fake-1")) == 1
    await drive(collector, clock, START + 27 * HOUR)
    assert await store.receipts("fake-1") == []


async def test_without_accounts_it_waits_for_one() -> None:
    assert await collecting(await stored(), cloud(VirtualClock())).round() is None


class _Waits:
    """Stands for the passing of time: moves the clock, and tells when it was asked to."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.then: list[Any] = []
        self.seconds: list[float] = []

    async def __call__(self, seconds: float, event: asyncio.Event) -> None:
        self.seconds.append(seconds)
        self.clock.now += timedelta(seconds=seconds)
        if self.then:
            done = self.then.pop(0)()
            if asyncio.iscoroutine(done):
                await done


async def running(waits: _Waits, store: MemoryStore, one: Cloud) -> tuple[Collector, asyncio.Event]:
    stop = asyncio.Event()
    collector = Collector(store, {"fake": vendor(one)}, lambda _: one, lambda _: NoTokens(), waits.clock, pause=waits)
    return collector, stop


async def test_it_runs_until_it_is_told_to_stop_in_the_middle_of_a_wait() -> None:
    clock = VirtualClock()
    one, store, waits = cloud(clock), await stored(account()), _Waits(clock)
    collector, stop = await running(waits, store, one)
    waits.then = [lambda: None] * 2000 + [stop.set]
    await collector.run(stop)
    assert max(waits.seconds) <= 5
    assert of(one.requests, START + HOUR) >= 2


async def test_a_cloud_that_does_not_answer_does_not_keep_it_from_stopping() -> None:
    class Silent(Cloud):
        async def ask(self, request: Request) -> Answer:
            stop.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    clock = VirtualClock()
    one, waits = Silent(clock, Pool("1", [])), _Waits(clock)
    collector, stop = await running(waits, await stored(account()), one)
    async with asyncio.timeout(GRACE_S + 4):
        await collector.run(stop)
    assert GRACE_S <= 1, "whoever ends a service waits ten seconds at most, and the rest must end too"


async def test_a_new_account_is_noticed_during_a_wait() -> None:
    clock = VirtualClock()
    one, store, waits = cloud(clock), await stored(), _Waits(clock)
    collector, stop = await running(waits, store, one)
    waits.then = [lambda: store.put_account(account()), lambda: None, stop.set]
    await collector.run(stop)
    assert await store.memo("fake-1/progress") is not None
    assert clock.now - START <= timedelta(seconds=15)


async def test_a_new_account_is_noticed_though_it_was_added_during_a_round() -> None:
    clock = VirtualClock()
    store, waits = await stored(account("a")), _Waits(clock)

    class _Adding(Cloud):
        async def ask(self, request: Request) -> Answer:
            await store.put_account(account("b"))
            return await super().ask(request)

    one = _Adding(clock, *cloud(clock).pools.values())
    collector, stop = await running(waits, store, one)
    waits.then = [lambda: None, stop.set]
    await collector.run(stop)
    assert await store.memo("b/progress") is not None


async def test_a_new_sign_in_ends_the_wait_for_it() -> None:
    clock = VirtualClock()
    one, store, waits = cloud(clock), await stored(account()), _Waits(clock)
    collector, stop = await running(waits, store, one)
    one.trouble = _refusing
    asked: list[int] = []

    async def sign_in() -> None:
        asked.append(len(one.requests))
        one.trouble = lambda act, subject: None
        await store.end_incident("fake-1", "fake-1", "sign-in", clock.now)

    waits.then = [lambda: store.put_memo("another", b""), sign_in, lambda: asked.append(len(one.requests)), stop.set]
    await collector.run(stop)
    assert asked[0] == 1
    assert asked[1] > 10
    assert clock.now - START <= timedelta(seconds=20)


async def test_a_store_that_cannot_be_read_is_tried_again() -> None:
    clock = VirtualClock()
    one, waits = cloud(clock), _Waits(clock)

    class _Locked(MemoryStore):
        locked = 2

        async def accounts(self, owner: str | None = None) -> Any:
            self.locked -= 1
            if self.locked >= 0:
                raise StoreError("The database is locked.")
            return await super().accounts(owner)

    store = _Locked()
    await store.put_account(account())
    collector, stop = await running(waits, store, one)
    waits.then = [lambda: None] * 30 + [stop.set]
    await collector.run(stop)
    assert await store.count() > 2000


async def test_a_round_that_breaks_does_not_end_the_collector() -> None:
    clock = VirtualClock()
    one, waits = cloud(clock), _Waits(clock)

    class _Odd(MemoryStore):
        odd = True

        async def prune(self, now: datetime, *, receipts_days: int) -> None:
            if self.odd:
                self.odd = False
                raise RuntimeError("boom")

    store = _Odd()
    await store.put_account(account())
    collector, stop = await running(waits, store, one)
    waits.then = [lambda: None] * 100 + [stop.set]
    await collector.run(stop)
    assert await store.count() > 2000


async def test_a_stop_in_the_middle_of_a_round_lets_the_request_end_and_asks_no_more() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    store = await stored(account())
    stop = asyncio.Event()

    class _Stopping(Cloud):
        async def ask(self, request: Request) -> Answer:
            if request.name == "latest":
                stop.set()
                for _ in range(5):  # the collector has time to see it
                    await asyncio.sleep(0)
            return await super().ask(request)

    stopping = _Stopping(clock, *one.pools.values())
    await asyncio.wait_for(collecting(store, stopping).run(stop), 5)
    assert stopping.asked("latest") == 1
    assert stopping.asked("history") == 0
    assert await store.count() == 3


async def test_a_request_that_our_own_budget_refused_does_not_count() -> None:
    class _Used:
        async def ask(self, request: Request) -> Answer:
            raise Limited("The request budget is used up.", retry_after_s=60)

        def spending(self, now: datetime) -> Spending:
            return Spending()

    meter = Meter(_Used())
    with pytest.raises(Limited):
        await meter.ask(Request("latest", "GET", "https://cloud.test"))
    assert meter.asked == 0


async def test_a_pause_ends_with_its_event() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(pause(1000, event))
    await asyncio.sleep(0)
    event.set()
    await asyncio.wait_for(waiting, 5)


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=400)])
async def test_a_clock_that_was_set_back_delays_nothing_for_long(back: timedelta) -> None:
    clock = VirtualClock(START + 5 * DAY)
    one = Cloud(clock, Pool("1", hourly(START - 440 * DAY, START + 20 * DAY)))
    store = await stored(account())
    await drive(collecting(store, one), clock, START + 6 * DAY)
    one.trouble = _limiting
    await drive(collecting(store, one), clock, clock.now + 2 * HOUR)
    one.trouble = lambda act, subject: None
    clock.now -= back
    since = clock.now
    one.requests.clear()
    await drive(collecting(store, one), clock, since + 8 * HOUR)
    assert one.asked("latest", since) >= 6


async def test_a_running_collector_delays_nothing_after_the_clock_was_set_back() -> None:
    clock = VirtualClock(START + 5 * DAY)
    one = Cloud(clock, Pool("1", hourly(START - 440 * DAY, START + 20 * DAY)))
    store, waits = await stored(account()), _Waits(clock)
    collector, stop = await running(waits, store, one)

    def set_back() -> None:
        clock.now -= 400 * DAY
        one.requests.clear()

    waits.then = [lambda: None] * 4 + [set_back] + [lambda: None] * 3000 + [stop.set]
    await collector.run(stop)
    assert one.asked("latest", clock.now - 5 * HOUR) >= 3


async def test_a_store_that_fails_while_stock_is_taken_leaves_no_account_behind() -> None:
    """It was another collector's and comes back while the store is out of order."""
    clock = VirtualClock()

    class _Failing(MemoryStore):
        fails = hidden = False

        async def claim(self, *args: Any, **more: Any) -> list[str]:
            return [name for name in await super().claim(*args, **more) if not (self.hidden and name == "b")]

        async def incidents(self, account: str | None = None, *, open_only: bool = False) -> Any:
            if self.fails:
                raise StoreError("The database is locked.")
            return await super().incidents(account, open_only=open_only)

    store, one = _Failing(), cloud(clock)
    await store.put_account(account("a"))
    await store.put_account(account("b"))
    collector = collecting(store, one)
    one.trouble = _refusing
    await collector.round()
    store.fails = store.hidden = True
    with pytest.raises(StoreError):
        await collector.round()
    store.fails = store.hidden = False
    one.requests.clear()
    one.trouble = lambda act, subject: None
    await drive(collector, clock, START + DAY)
    for name in ("a", "b"):
        assert b"ok_at" in (await store.memo(f"{name}/progress") or b""), name


async def test_a_single_round_claims_its_accounts_again_for_as_long_as_it_takes() -> None:
    clock = VirtualClock()

    class _Slow(Cloud):
        async def ask(self, request: Request) -> Answer:
            clock.now += timedelta(seconds=0.5)
            return await super().ask(request)

    names = [f"fake-{n}" for n in range(40)]
    store, slow = await stored(*map(account, names)), _Slow(clock, *cloud(clock).pools.values())
    await collecting(store, slow).round()
    assert clock.now > START + timedelta(seconds=2 * LEASE_S)
    for name in names:
        assert await store.memo(f"{name}/progress") is not None, name


async def test_a_round_that_is_ended_leaves_nobody_asking() -> None:
    clock = VirtualClock()

    class _Hanging(Cloud):
        async def ask(self, request: Request) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

    before = asyncio.all_tasks()
    round_ = asyncio.create_task(collecting(await stored(account()), _Hanging(clock)).round())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks() - before) == 2
    round_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await round_
    assert asyncio.all_tasks() == before


async def test_what_nothing_changes_is_claimed_four_times_a_minute() -> None:
    clock, store = VirtualClock(), await stored(account())
    claims: list[datetime] = []
    waits = _Waits(clock)
    collector, stop = await running(waits, store, cloud(clock))
    claim = store.claim

    async def counted(*args: Any) -> list[str]:
        claims.append(clock.now)
        return await claim(*args)

    store.claim = counted  # type: ignore[method-assign, assignment]
    waits.then = [lambda: None] * 200 + [stop.set]
    await collector.run(stop)
    quiet = [later - one for one, later in pairwise(claims)]
    assert sorted(quiet)[len(quiet) // 2] == timedelta(seconds=15)


async def test_of_several_collectors_one_leads_and_another_once_it_has_died() -> None:
    clock = VirtualClock()
    store = await stored(*(Account(f"own-{n}", OWN, "ada@x.example", "") for n in range(5)))
    crew = [Collector(store, {}, unwanted, unwanted, clock, name=name) for name in ("one", "two", "three")]
    assert not any(one.leads for one in crew), "nobody has claimed anything yet"
    for one in crew:
        await one.round()
    assert [one.leads for one in crew] == [True, False, False]
    clock.now += timedelta(seconds=LEASE_S)
    assert not any(one.leads for one in crew), "who has slept through its lease does not lead"
    for one in crew[1:]:
        await one.round()
    assert sum(one.leads for one in crew) == 1
    await store.put_account(Account("before-all", OWN, "ada@x.example", ""))
    for one in crew:
        clock.now += timedelta(seconds=16)
        await one.round()
    assert sum(one.leads for one in crew) <= 1


async def test_without_accounts_nobody_leads() -> None:
    collector = Collector(await stored(), {}, unwanted, unwanted, VirtualClock())
    await collector.round()
    assert not collector.leads


async def test_where_a_vendors_settings_have_changed_its_accounts_get_new_sources() -> None:
    clock = VirtualClock()
    one, made = cloud(clock), []
    fake = vendor(one)

    def source(of: Account, http: Any, tokens: Any) -> Any:
        made.append(of.id)
        return fake.source(of, http, tokens)

    changed: list[set[str]] = []

    async def news() -> set[str]:
        return changed.pop() if changed else set()

    store = await stored(account())
    collector = Collector(
        store,
        {"fake": replace(fake, source=source)},
        lambda of: one.door(of.id),
        lambda _: NoTokens(),
        clock,
        news=news,
    )
    await collector.round()
    assert made == ["fake-1"]
    changed[:] = [{"fake"}]
    clock.now += MINUTE
    await collector.round()
    assert made == ["fake-1", "fake-1"]


async def test_what_the_clouds_have_is_discovered_anew_when_that_is_wanted() -> None:
    clock = VirtualClock()
    one = cloud(clock)
    collector = collecting(await stored(account()), one)
    await collector.round()
    first = sum(name == "discover" for _, name, _ in one.requests)
    assert first
    await collector.round()
    assert sum(name == "discover" for _, name, _ in one.requests) == first
    collector.look_again()
    await collector.round()
    assert sum(name == "discover" for _, name, _ in one.requests) == 2 * first
