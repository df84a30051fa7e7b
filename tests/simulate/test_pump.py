"""The pump behind a simulated hub runs as its mode says, obeys at once, and is the same after any stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from margelle.domain.measurement import Measurement
from margelle.domain.site import Site, User
from margelle.domain.switch import MODE, STATE, Switch, SwitchState, Turn, state_of
from margelle.errors import NotFound, StoreError
from margelle.serve.sign_in import hash_password
from margelle.simulate.actions import LocalActions
from margelle.simulate.clouds import Clouds
from margelle.simulate.owner import PUMP_NOON, daily, filter_hours
from margelle.simulate.pool import LODGE
from margelle.store.memory import MemoryStore
from margelle.vendors.flipr import FLIPR
from tests.asgi import call

NOW = datetime(2026, 6, 20, 12, 30, tzinfo=UTC)
OWNER = User("owner@clouds.example", "hash")
ZONE = ZoneInfo(LODGE.time_zone)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = 30 * DAY


class Sky:
    """The clouds with the one pool that has a hub."""

    def __init__(
        self, store: MemoryStore | None = None, now: datetime = NOW, past: timedelta = MONTH, owner: User = OWNER
    ) -> None:
        self.now, self.past, self.owner = now, past, owner
        self.store = store or MemoryStore()

    async def begin(self) -> Sky:
        self.clouds = Clouds(self.store, [FLIPR], lambda: self.now, seed="s", users=[self.owner], pools=((LODGE,),), past=self.past)  # fmt: skip
        await self.clouds.start()
        (self.site,) = await self.store.sites()
        (self.switch,) = self.site.switches
        return self

    async def pass_by(self, time: timedelta) -> None:
        self.now += time
        await self.clouds.advance()

    async def turn(self, wanted: Turn) -> SwitchState:
        await self.clouds._pumps[self.switch.id].turn(wanted, self.now)
        return await self.state()

    async def state(self) -> SwitchState:
        state = state_of(await self.store.latest(self.switch.id, self.now))
        assert state is not None
        return state

    async def points(self, quantity: str = STATE, since: datetime | None = None) -> list[Measurement]:
        return await self.store.history(self.switch.id, quantity, since)

    async def running(self, since: datetime, until: datetime) -> set[int]:
        """The local hours in which it runs all the time, of one day."""
        found, at = set(), since
        points = await self.points()
        while at < until:
            if [point for point in points if point.at <= at][-1].value == 1.0:
                found.add(at.astimezone(ZONE).hour)
            at += HOUR
        return found


def midnight(at: datetime) -> datetime:
    return at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


@pytest.fixture
async def sky() -> Sky:
    return await Sky().begin()


def test_the_hours_of_a_day_lie_around_noon() -> None:
    assert daily(0) == range(14, 14)
    assert list(daily(24)) == list(range(24))
    for hours in range(1, 24):
        assert len(daily(hours)) == hours
        assert PUMP_NOON in daily(hours) or PUMP_NOON - 1 in daily(hours)


async def test_by_itself_it_runs_as_long_as_the_waters_warmth_asks_for(sky: Sky) -> None:
    assert (await sky.state()).mode == "auto"
    probe = (await sky.store.probes())[0].id
    seen = set()
    for ago in range(2, 28):
        start = midnight(NOW - ago * DAY)
        warm = (await sky.store.history(probe, "temperature", start - DAY, start))[-1].value
        assert warm is not None
        hours = daily(filter_hours(warm))
        assert await sky.running(start, start + DAY) == set(hours)
        seen.add(len(hours))
    assert len(seen) > 1


async def test_a_pool_that_has_told_no_temperature_runs_by_the_timetable() -> None:
    sky = await Sky(past=timedelta(hours=2)).begin()
    assert (await sky.points())[0].value == 0.0  # 12:30 in Paris, between the two
    await sky.pass_by(HOUR)
    assert (await sky.state()).on


async def test_every_state_is_another_one_than_the_one_before(sky: Sky) -> None:
    values = [point.value for point in await sky.points()]
    assert all(one != later for one, later in pairwise(values))
    assert 30 < len(values) < 70
    assert [point.raw for point in await sky.points(MODE)] == ["auto"]


async def test_by_planning_it_runs_by_the_timetable(sky: Sky) -> None:
    await sky.turn("planning")
    await sky.pass_by(3 * DAY)
    start = midnight(sky.now - DAY)
    assert LODGE.pump is not None
    assert await sky.running(start, start + DAY) == {hour for first, end in LODGE.pump.timetable for hour in range(first, end)}  # fmt: skip


@pytest.mark.parametrize(("wanted", "on"), [("on", True), ("off", False)])
async def test_by_hand_it_stays_as_it_was_told_until_it_is_told_otherwise(sky: Sky, wanted: Turn, on: bool) -> None:
    assert await sky.turn(wanted) == SwitchState(on, "manual", NOW)
    await sky.pass_by(5 * DAY)
    assert await sky.state() == SwitchState(on, "manual", NOW)
    await sky.turn("auto")
    assert len(await sky.points(since=NOW)) == 2
    await sky.pass_by(2 * DAY)
    assert len(await sky.points(since=NOW)) > 4


async def test_the_manual_mode_alone_changes_nothing_but_the_mode(sky: Sky) -> None:
    before = await sky.state()
    after = await sky.turn("manual")
    assert (after.on, after.mode) == (before.on, "manual")


async def test_a_cloud_that_was_stopped_goes_on_as_one_that_was_not() -> None:
    whole, halved = await Sky(now=NOW - 9 * DAY).begin(), await Sky(now=NOW - 9 * DAY).begin()
    for sky in (whole, halved):
        await sky.pass_by(timedelta(hours=5, minutes=7))
        await sky.turn("planning")
        await sky.pass_by(2 * DAY)
        await sky.turn("on")
    await whole.pass_by(3 * DAY)
    again = await Sky(halved.store, halved.now + 3 * DAY, MONTH).begin()
    for sky in (whole, again):
        await sky.turn("auto")
        await sky.pass_by(2 * DAY)
    assert await again.points() == await whole.points()
    assert await again.points(MODE) == await whole.points(MODE)


async def test_a_turn_that_was_kept_when_the_cloud_was_killed_counts(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(*_: Any) -> None:
        raise StoreError("no more")

    await sky.pass_by(timedelta(minutes=40))
    with monkeypatch.context() as patched:
        patched.setattr(sky.store, "put_memo", killed)
        with pytest.raises(StoreError):
            await sky.turn("on")
    again = await Sky(sky.store, sky.now + 2 * DAY).begin()
    assert await again.state() == SwitchState(True, "manual", sky.now)


async def test_what_the_store_refuses_is_kept_later_and_a_refused_turn_changes_nothing(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    twin = await Sky().begin()

    async def full(*_: Any) -> None:
        raise StoreError("full")

    before = await sky.state()
    with monkeypatch.context() as patched:
        patched.setattr(sky.store, "add", full)
        with pytest.raises(StoreError):
            await sky.turn("off")
        with pytest.raises(StoreError):
            await sky.pass_by(DAY)
    assert (await sky.state()).mode == before.mode
    await sky.pass_by(DAY)
    await twin.pass_by(2 * DAY)
    assert await sky.points() == await twin.points()


async def test_what_is_no_pump_of_the_clouds_is_not_found(sky: Sky) -> None:
    actions = LocalActions(sky.store, lambda: sky.now, sky.clouds._pumps)
    with pytest.raises(NotFound):
        await actions.switch(Switch("flipr:X/hub", "flipr", "X"), "on", Site("a", "b", "c", "d"), OWNER)
    await actions.switch(sky.switch, "on", sky.site, OWNER)
    (entry,) = await sky.store.audit()
    assert (entry.user, entry.act, entry.subject, entry.outcome) == (OWNER.email, "switch", sky.switch.id, "'on'")


async def test_a_client_finds_the_hub_at_the_clouds_face_and_switches_it() -> None:
    sky = await Sky(owner=User("owner@clouds.example", hash_password("open sesame"))).begin()
    app = sky.clouds.app()

    async def ask(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
        answer = await call(app, method, f"/flipr{path}", headers, body)
        assert answer.status == 200, answer.text
        return answer.json()

    form = b"grant_type=password&username=owner%40clouds.example&password=open+sesame"
    access = (await ask("POST", "/OAuth2/token", {}, form))["access_token"]
    token = {"authorization": f"Bearer {access}"}
    modules = await ask("GET", "/modules", token)
    assert [(one["Serial"], one["ModuleType_Id"]) for one in modules] == [("21BXYZ", 1), ("2H8KTM", 2)]
    (place,) = await ask("GET", "/place", token)
    assert place["Hubs"] == [{"Serial": "2H8KTM"}]
    before = await ask("GET", "/hub/2H8KTM/state", token)
    assert before["behavior"] == "auto"
    told = await ask("PUT", "/hub/2h8ktm/mode/manual", token)
    assert told == before | {"behavior": "manual"}
    for word, on in (("True", 1), ("False", 0), ("True", 1)):
        sky.now += timedelta(seconds=1)
        assert (await ask("POST", f"//hub/2H8KTM/Manual/{word}", token))["stateEquipment"] == on
    await sky.pass_by(DAY)
    assert (await ask("GET", "/hub/2H8KTM/state", token))["stateEquipment"] == 1
    planned = await ask("PUT", "/hub/2H8KTM/mode/planning", token)
    assert planned["behavior"] == "planning"
