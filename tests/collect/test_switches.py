"""How switches stand is collected within the budget, and a user's turn goes to the cloud first and is recorded either way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from margelle.collect.actions import ForwardedActions
from margelle.collect.loop import Collector
from margelle.collect.plan import asks
from margelle.collect.progress import Attempt, Progress
from margelle.collect.share import KEPT, SWITCH_EVERY, Shares
from margelle.domain.access import Membership, Role
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, User
from margelle.domain.switch import MODE, STATE, Switch, SwitchMode, Turn, mode_at, state_at, state_of
from margelle.domain.unit import Unit
from margelle.errors import Conflict, Forbidden, MargelleError, Unavailable
from margelle.ports import Batch, Http, Rate, Source, Spending, Spent, Tokens
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    HOUR,
    MINUTE,
    START,
    Cloud,
    FakeSource,
    NoTokens,
    Pool,
    VirtualClock,
    account,
    drive,
    hourly,
    stored,
    vendor,
)

ADA, BOB, EVE = User("ada@x.example", "-"), User("bob@x.example", "-"), User("eve@x.example", "-")
PUMP = Switch("fake:9/hub", "fake", "9")
SLUGGISH = "still off, auto: the device may not have been reached yet"


class Pumps(FakeSource):
    """A source whose cloud switches; what it was told is in `turned`."""

    def __init__(self, account: Account, http: Http, cloud: PumpCloud) -> None:
        super().__init__(account, http, cloud)
        self.pumps = cloud

    async def standing(self, switch: Switch, now: datetime) -> Batch:
        await self._ask("switch", switch.id)
        at, cloud = self.pumps.clock(), self.pumps
        return Batch((state_at(switch, at, on=cloud.on, origin="fake"), mode_at(switch, at, cloud.mode, "fake")))

    async def turn(self, switch: Switch, wanted: Turn) -> None:
        await self._ask("turn", switch.id)
        self.pumps.turned.append((self.account.id, switch.id, wanted))
        if not self.pumps.sluggish:
            self.pumps.mode = "manual" if wanted in {"on", "off"} else wanted  # type: ignore[assignment]
            self.pumps.on = wanted == "on"


class PumpCloud(Cloud):
    """A cloud with one pump that rests."""

    def __init__(self, clock: VirtualClock, *pools: Pool) -> None:
        super().__init__(clock, *pools)
        self.on, self.sluggish = False, False
        self.mode: SwitchMode = "auto"
        self.turned: list[tuple[str, str, str]] = []


class Hub:
    """A hub that collects one pool with a pump, through the accounts of two users."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.pool = Pool("1", hourly(START - 9 * HOUR, START + 9 * HOUR))
        self.pool.site = replace(self.pool.site, switches=(PUMP,))
        self.cloud = PumpCloud(self.clock, self.pool)
        self.store = MemoryStore()
        self.of: Callable[[Account, Http], Source] = lambda one, http: Pumps(one, http, self.cloud)

    def collector(self, *pace: Rate) -> Collector:
        def source(one: Account, http: Http, tokens: Tokens) -> Source:
            return self.of(one, http)

        fake = replace(vendor(self.cloud, *pace), source=source)
        return Collector(self.store, {"fake": fake}, lambda one: self.cloud, lambda one: NoTokens(), self.clock)

    async def begin(self) -> ForwardedActions:
        self.store = await stored(account("a-bob", BOB.email), account("b-ada", "Ada@X.example"))
        await self.collector().round()
        self.clock.now += MINUTE
        return ForwardedActions(self.store, lambda one: self.of(one, self.cloud), self.clock)

    async def outcomes(self) -> list[tuple[str, str, str, str]]:
        return [(one.user, one.act, one.subject, one.outcome) for one in reversed(await self.store.audit())]

    async def state(self) -> tuple[bool, str | None]:
        state = state_of(await self.store.latest(PUMP.id, self.clock.now))
        assert state is not None
        return state.on, state.mode


@pytest.fixture
def hub() -> Hub:
    return Hub()


# --- collecting


async def test_how_a_switch_stands_is_looked_up_every_ten_minutes_and_kept(hub: Hub) -> None:
    hub.store = await stored(account())
    await drive(hub.collector(Rate(2, 1), Rate(30, 3600)), hub.clock, START + 3 * HOUR)
    points = await hub.store.history(PUMP.id, STATE)
    assert (points[0].at - START) < MINUTE
    assert {round((later.at - one.at) / MINUTE) for one, later in pairwise(points)} == {10}
    assert len(await hub.store.history(PUMP.id, MODE)) == len(points) == hub.cloud.asked("switch")
    assert hub.cloud.asked("latest", START + HOUR) >= 2


async def test_a_switch_that_fails_waits_and_holds_nothing_else_up(hub: Hub) -> None:
    def trouble(act: str, subject: str) -> Any:
        if act == "switch":
            raise Conflict("The cloud says it is no hub.")

    hub.cloud.trouble = trouble
    hub.store = await stored(account())
    await drive(hub.collector(), hub.clock, START + 4 * HOUR)
    assert hub.cloud.asked("latest", START + HOUR) >= 3
    assert hub.cloud.asked("switch", START + HOUR) <= 6
    (incident,) = await hub.store.incidents("fake-1", open_only=True)
    assert (incident.where, incident.kind) == (PUMP.id, "forbidden")


async def test_an_odd_state_is_kept_with_its_doubt_and_told(hub: Hub) -> None:
    hub.store = await stored(account())
    odd = Measurement(PUMP.id, STATE, START, float("nan"), "NaN", Unit.STATE, "fake")
    hub.of = lambda one, http: _Odd(one, http, hub.cloud, odd)
    await hub.collector().round()
    (kept,) = await hub.store.history(PUMP.id, STATE)
    assert (kept.value, kept.doubts[0].kind) == (None, "unreadable")
    assert [one.where for one in await hub.store.incidents("fake-1", open_only=True)] == [PUMP.id]


class _Odd(Pumps):
    def __init__(self, account: Account, http: Http, cloud: PumpCloud, point: Measurement) -> None:
        super().__init__(account, http, cloud)
        self.point = point

    async def standing(self, switch: Switch, now: datetime) -> Batch:
        return Batch((self.point,))


async def test_a_source_that_switches_nothing_is_not_asked_about_switches(hub: Hub) -> None:
    hub.of = lambda one, http: FakeSource(one, http, hub.cloud)
    hub.store = await stored(account())
    await drive(hub.collector(), hub.clock, START + HOUR)
    assert hub.cloud.asked("switch") == 0


async def test_a_switch_that_is_gone_is_asked_about_no_more(hub: Hub) -> None:
    hub.store = await stored(account())
    collector = hub.collector()
    await drive(collector, hub.clock, START + HOUR)
    hub.pool.site = replace(hub.pool.site, switches=())
    await drive(collector, hub.clock, START + 50 * HOUR)
    before = hub.cloud.asked("switch")
    await drive(collector, hub.clock, START + 60 * HOUR)
    assert hub.cloud.asked("switch") == before
    assert await hub.store.history(PUMP.id, STATE)


def known(switches: int, probes: int = 2) -> Progress:
    progress = Progress(discovery=Attempt(ok_at=START))
    names = [f"s{n}" for n in range(switches)]
    progress.take_over({f"p{n}": "site" for n in range(probes)}, {}, advised=False, switches=names)
    return progress


def test_a_switch_that_was_never_looked_at_comes_after_fresh_readings_and_before_the_past() -> None:
    wanted = asks("a", known(1), spending(), START)
    assert [ask.act for ask in wanted] == ["latest", "latest", "switch", "discover"]


def spending(*at: datetime) -> Spending:
    return Spending(3600, 30, 30, tuple(Spent(one, "switch") for one in at))


def test_many_switches_leave_room_for_readings() -> None:
    shares = Shares.of(known(20), spending(*[START] * 13), START)
    assert shares.room_at("switch", 1, START) > START
    assert shares.room_at("latest", 1, START) == START
    assert shares.room_at("discover", 5, START) == START
    assert (30 - KEPT - 2 - 1) // 2 < 13


def test_one_switch_has_room_whenever_it_is_due() -> None:
    times: list[datetime] = []
    for n in range(30):
        now = START + n * SWITCH_EVERY
        recent = [at for at in times if at > now - HOUR]
        assert Shares.of(known(1), spending(*recent), now).room_at("switch", 1, now) == now
        times.append(now)


def test_progress_of_before_there_were_switches_can_be_read() -> None:
    assert msgspec.json.decode(b"{}", type=Progress).switches == {}
    again = known(2)
    again.switches["s1"].failures = 3
    again.take_over({}, {}, advised=False, switches=["s1"])
    assert (list(again.switches), again.switches["s1"].failures) == (["s1"], 3)


# --- acting


@pytest.mark.parametrize(
    ("wanted", "stands"),
    [("on", (True, "manual")), ("off", (False, "manual")), ("planning", (False, "planning")), ("auto", (False, "auto"))],
)  # fmt: skip
async def test_a_turn_goes_to_the_cloud_is_read_back_kept_and_recorded(hub: Hub, wanted: Turn, stands: Any) -> None:
    actions = await hub.begin()
    await actions.switch(PUMP, wanted, hub.pool.site, ADA)
    assert hub.cloud.turned == [("b-ada", PUMP.id, wanted)]
    assert await hub.state() == stands
    said = f"{'on' if stands[0] else 'off'}, {stands[1]}"
    assert await hub.outcomes() == [
        (ADA.email, "switch", PUMP.id, f"'{wanted}' was taken"), (ADA.email, "read back", PUMP.id, said),
    ]  # fmt: skip


async def test_a_refusal_changes_nothing_here_and_is_recorded(hub: Hub) -> None:
    actions = await hub.begin()

    def trouble(act: str, subject: str) -> Any:
        raise Unavailable("The cloud answered 503: token=abc")

    hub.cloud.trouble = trouble
    with pytest.raises(Unavailable):
        await actions.switch(PUMP, "on", hub.pool.site, ADA)
    assert (hub.cloud.turned, await hub.state()) == ([], (False, "auto"))
    assert await hub.outcomes() == [
        (ADA.email, "switch", PUMP.id, "'on' failed: The cloud answered 503: token=***")
    ]  # fmt: skip


@pytest.mark.parametrize("role", [None, "viewer"])
async def test_only_who_has_a_role_at_the_site_that_lets_them_may_switch_there(hub: Hub, role: Role | None) -> None:
    actions = await hub.begin()
    if role:
        await hub.store.put_membership(Membership(EVE.email, "site", hub.pool.site.id, role, START))
    with pytest.raises(Forbidden, match="may not act on"):
        await actions.switch(PUMP, "on", hub.pool.site, EVE)
    assert (hub.cloud.turned, (await hub.outcomes())[0][0]) == ([], EVE.email)


async def test_a_technician_switches_through_the_owners_account(hub: Hub) -> None:
    actions = await hub.begin()
    await hub.store.put_membership(Membership(EVE.email, "site", hub.pool.site.id, "technician", START))
    await actions.switch(PUMP, "on", hub.pool.site, EVE)
    assert len(hub.cloud.turned) == 1


@pytest.mark.parametrize("pump", [replace(PUMP, id="fake:8/hub"), replace(PUMP, key="8")])
async def test_only_what_is_at_the_site_is_switched(hub: Hub, pump: Switch) -> None:
    actions = await hub.begin()
    with pytest.raises(Conflict, match="lets nothing be switched"):
        await actions.switch(pump, "on", hub.pool.site, ADA)
    assert hub.cloud.turned == []


async def test_a_cloud_that_switches_nothing_is_said_to(hub: Hub) -> None:
    await hub.begin()
    actions = ForwardedActions(hub.store, lambda one: FakeSource(one, hub.cloud, hub.cloud), hub.clock)
    with pytest.raises(Conflict, match="lets nothing be switched"):
        await actions.switch(PUMP, "on", hub.pool.site, ADA)


async def test_a_device_that_does_not_obey_yet_is_told_as_it_stands(hub: Hub) -> None:
    actions = await hub.begin()
    hub.cloud.sluggish = True
    await actions.switch(PUMP, "on", hub.pool.site, ADA)
    assert (await hub.state(), (await hub.outcomes())[1][3]) == ((False, "auto"), SLUGGISH)


async def test_that_it_cannot_be_read_back_undoes_nothing(hub: Hub) -> None:
    actions = await hub.begin()

    def trouble(act: str, subject: str) -> Any:
        if act == "switch":
            raise MargelleError("No.")

    hub.cloud.trouble = trouble
    await actions.switch(PUMP, "on", hub.pool.site, ADA)
    assert [outcome for *_, outcome in await hub.outcomes()] == ["'on' was taken", "not known: No."]
    assert await hub.state() == (False, "auto")


async def test_of_two_users_at_once_each_turns_and_reads_back_by_themselves(hub: Hub) -> None:
    actions = await hub.begin()

    class _Slow(Pumps):
        async def turn(self, switch: Switch, wanted: Turn) -> None:
            await asyncio.sleep(0)
            await super().turn(switch, wanted)
            await asyncio.sleep(0)

        async def standing(self, switch: Switch, now: datetime) -> Batch:
            await asyncio.sleep(0)
            return await super().standing(switch, now)

    hub.of = lambda one, http: _Slow(one, http, hub.cloud)
    site = hub.pool.site
    await asyncio.gather(actions.switch(PUMP, "on", site, BOB), actions.switch(PUMP, "auto", site, ADA))
    told = [(user, act, outcome) for user, act, _, outcome in await hub.outcomes()]
    assert [user for user, _, _ in told] == [BOB.email] * 2 + [ADA.email] * 2
    assert [outcome for _, _, outcome in told] == ["'on' was taken", "on, manual", "'auto' was taken", "off, auto"]
