"""What becomes of every answer that is not as it should be: a clear incident, another try as the error says, nothing lost or invented."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.collect import failure, progress
from margelle.collect.failure import failed
from margelle.collect.loop import Collector
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Person
from margelle.domain.unit import Unit
from margelle.errors import Limited, Malformed, MargelleError, NotFound, Refused, StoreError, Unavailable, Unreachable
from margelle.ports import Batch, Discovery, Fault, Incident
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    QUANTITIES,
    START,
    Cloud,
    Pool,
    VirtualClock,
    account,
    advice,
    collecting,
    drive,
    hourly,
    stored,
)

PROBE = "fake:1/ico"


class Scene:
    """One account with one pool, collected for six hours without trouble."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.pool = Pool("1", hourly(START - 40 * DAY, START + 20 * DAY))
        self.cloud = Cloud(self.clock, self.pool)
        self.store = MemoryStore()
        self.collector: Collector

    async def begin(self) -> None:
        self.store = await stored(account())
        self.collector = collecting(self.store, self.cloud)
        await self.pass_(6 * HOUR)

    async def pass_(self, span: timedelta) -> None:
        await drive(self.collector, self.clock, self.clock.now + span)

    def troubled(self, act: str, answer: Any) -> None:
        """From now on this act gets this answer, or raises this error."""

        def trouble(asked: str, subject: str) -> Any:
            if act not in {asked, "everything"}:
                return None
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) else answer

        self.cloud.trouble = trouble

    def well(self) -> None:
        self.cloud.trouble = lambda act, subject: None

    async def open(self, kind: str) -> Incident:
        (found,) = [one for one in await self.open_all() if one.kind == kind]
        return found

    async def open_all(self) -> list[Incident]:
        return await self.store.incidents("fake-1", open_only=True)

    async def calm(self) -> bool:
        return not await self.open_all()

    async def whole(self) -> bool:
        """Every reading that the cloud has told is kept, and no other."""
        kept = [point.at for point in await self.store.history(PROBE, "ph")]
        return (
            kept == [at for at in self.pool.instants if kept[0] <= at <= kept[-1]]
            and kept[-1] > self.clock.now - 2 * HOUR
        )


@pytest.fixture
async def scene() -> Scene:
    one = Scene()
    await one.begin()
    assert await one.calm()
    return one


ERRORS: list[tuple[str, MargelleError, str, str]] = [
    ("latest", Malformed("The cloud answered HTML instead of JSON."), "malformed", PROBE),
    ("latest", Malformed("The body ends in the middle."), "malformed", PROBE),
    ("latest", NotFound("The cloud answered 404."), "not-found", PROBE),
    ("latest", Unavailable("The cloud answered 500."), "unavailable", PROBE),
    ("latest", Unreachable("No answer within 30 s."), "unreachable", PROBE),
    ("everything", Limited("Limit Exceeded"), "limited", "fake-1"),
    ("everything", Limited("The cloud answered 429.", retry_after_s=1800), "limited", "fake-1"),
    ("everything", Unavailable("The cloud answered 502: <html>"), "unavailable", "fake-1"),
    ("everything", Unreachable("The name cannot be looked up."), "unreachable", "fake-1"),
    ("everything", Unreachable("The connection was cut in the middle of a body."), "unreachable", "fake-1"),
]


@pytest.mark.parametrize(("act", "error", "kind", "where"), ERRORS, ids=lambda value: str(value)[:40])
async def test_a_failing_cloud_leaves_an_incident_is_asked_with_patience_and_nothing_is_lost(
    scene: Scene, act: str, error: MargelleError, kind: str, where: str
) -> None:
    scene.troubled(act, error)
    failing = scene.clock.now
    await scene.pass_(12 * HOUR)
    (incident,) = [one for one in await scene.open_all() if one.where == where]
    assert (incident.kind, incident.what) == (kind, error.what)
    assert incident.todo
    assert incident.count >= 10
    assert scene.cloud.asked("latest", failing) <= 12 + 12
    scene.well()
    await scene.pass_(4 * HOUR)
    assert await scene.calm()
    assert await scene.whole()


async def test_what_the_cloud_says_about_waiting_is_obeyed_for_the_whole_account(scene: Scene) -> None:
    scene.troubled("latest", Limited("Limit Exceeded", retry_after_s=3 * 3600))
    while not await scene.store.incidents("fake-1", open_only=True):
        await scene.pass_(MINUTE)
    scene.well()
    began = scene.clock.now
    await scene.pass_(2.9 * HOUR)
    assert [at for at, _, _ in scene.cloud.requests if at > began] == []
    await scene.pass_(HOUR)
    assert await scene.calm()


@pytest.mark.parametrize("seconds", [-5.0, 0.0, float("nan"), 1e12, float("inf")])
async def test_an_absurd_retry_after_neither_hammers_nor_ends_collection(scene: Scene, seconds: float) -> None:
    scene.troubled("latest", Limited("Limit Exceeded", retry_after_s=seconds))
    failing = scene.clock.now
    await scene.pass_(DAY)
    assert 1 <= scene.cloud.asked("latest", failing) < 40
    scene.well()
    await scene.pass_(26 * HOUR)
    assert await scene.calm()
    assert await scene.whole()


async def test_a_cloud_in_trouble_at_one_endpoint_goes_on_at_the_others(scene: Scene) -> None:
    scene.troubled("advice", Unavailable("The cloud answered 500."))
    await scene.pass_(6 * HOUR)
    assert (await scene.open("unavailable")).where == "fake:1"
    assert await scene.whole()


async def test_a_vanished_pool_is_noticed_soon_kept_and_collected_again_when_it_is_back(scene: Scene) -> None:
    _vanish(scene)
    await scene.pass_(3 * HOUR)
    assert (await scene.open("vanished")).where == "fake:1"
    assert await scene.store.sites(account="fake-1") == []
    assert len(await scene.store.history(PROBE, "ph")) > 700
    assert len(await scene.open_all()) == 1
    asked = scene.cloud.asked("latest")
    await scene.pass_(5 * HOUR)
    assert scene.cloud.asked("latest") == asked
    scene.well()
    await scene.pass_(2 * DAY)
    assert await scene.calm()
    assert await scene.whole()


async def test_what_was_missing_of_a_pool_that_does_not_come_back_is_lost_once_its_cloud_has_forgotten_it(
    scene: Scene,
) -> None:
    scene.troubled("history", Unavailable("The cloud answered 500."))
    scene.clock.now += 10 * HOUR
    await scene.pass_(HOUR)
    _vanish(scene)
    await scene.pass_(28 * DAY)
    assert len(await scene.store.gaps(PROBE, open_only=True)) == 3, "it may come back"
    await scene.pass_(4 * DAY)
    assert {gap.state for gap in await scene.store.gaps(PROBE)} == {"lost"}


async def test_that_a_pool_has_vanished_is_told_for_a_week(scene: Scene) -> None:
    _vanish(scene)
    await scene.pass_(6 * DAY)
    assert not await scene.calm()
    await scene.pass_(3 * DAY)
    assert await scene.calm()


def _vanish(scene: Scene) -> None:
    def answer(act: str, subject: str) -> Any:
        if act == "discover":
            return Discovery(Person("Ada"), (), ())
        raise NotFound("The cloud answered 404.")

    scene.cloud.trouble = answer


async def test_a_new_account_whose_pools_cannot_be_read_is_looked_up_again_within_the_hour() -> None:
    scene = Scene()
    scene.troubled("discover", Discovery(Person("Ada"), (), (), (Fault("pools", "the cloud lists no pool at all"),)))
    scene.store = await stored(account())
    scene.collector = collecting(scene.store, scene.cloud)
    await scene.pass_(2 * HOUR)
    scene.well()
    await scene.pass_(2 * HOUR)
    assert await scene.calm()
    assert await scene.whole()


async def test_a_pool_list_that_could_not_all_be_read_makes_no_pool_vanish(scene: Scene) -> None:
    scene.troubled("discover", Discovery(Person("Ada"), (), (), (Fault("pools[0]", "id is no number"),)))
    await scene.pass_(40 * HOUR)
    assert "pools[0]: id is no number" in (await scene.open("unreadable")).what
    assert [site.id for site in await scene.store.sites(account="fake-1")] == ["fake:1"]
    assert await scene.whole()
    scene.well()
    await scene.pass_(30 * HOUR)
    assert await scene.calm()


async def test_a_discovery_that_left_fields_unread_keeps_what_was_known(scene: Scene) -> None:
    nameless = replace(scene.pool.site, name="")
    partly = Discovery(
        Person(), (nameless,), (scene.pool.probe,), unread={"fake:1": ("name",), "person": ("firstname",)}
    )
    scene.troubled("discover", partly)
    await scene.pass_(40 * HOUR)
    (site,) = await scene.store.sites(account="fake-1")
    assert site.name == "Pool 1"
    kept = await scene.store.account("fake-1")
    assert kept is not None
    assert kept.person.firstname == "Ada"


async def test_a_replaced_device_keeps_its_series_in_one(scene: Scene) -> None:
    scene.pool.probe = replace(scene.pool.probe, serial="W9999", hardware="uuid-2")
    await scene.pass_(40 * HOUR)
    assert [probe.serial for _, probe in await scene.store.devices(PROBE)] == ["W1122", "W9999"]
    assert await scene.whole()


def told(scene: Scene, *points: Measurement, faults: tuple[Fault, ...] = ()) -> Callable[[], Batch]:
    return lambda: Batch((*scene.pool.newest(scene.clock.now)[1:], *points), faults)


def odd(value: float | None, at: datetime, *doubts: Doubt, raw: str = "?") -> Measurement:
    return Measurement(PROBE, "temperature", at, value, raw, Unit.CELSIUS, "fake/latest", doubts)


@pytest.mark.parametrize(
    ("point", "kind", "said"),
    [
        (odd(999.0, START, raw="999"), "range", "not between"),
        (odd(float("nan"), START + 7 * MINUTE, raw="NaN"), "unreadable", "'NaN' is no number"),
        (odd(None, START + 7 * MINUTE, Doubt("unreadable", "'warm' is no number"), raw="warm"), "unreadable", "'warm'"),
        (odd(21.0, START + 3 * DAY, raw="21.0"), "future", "ahead of the clock"),
        (odd(21.0, datetime(1999, 5, 5, tzinfo=UTC), raw="21.0"), "past", "before 2000"),
    ],
    ids=["absurd", "nan", "text", "future", "before 2000"],
)
async def test_a_value_that_cannot_be_true_is_kept_beside_its_doubt_and_shown(
    scene: Scene, point: Measurement, kind: str, said: str
) -> None:
    scene.troubled("latest", told(scene, point))
    await scene.pass_(4 * HOUR)
    incident = await scene.open("doubtful")
    assert incident.where == PROBE
    assert incident.what.startswith("1 value is kept with a doubt: temperature ")
    assert said in incident.what
    kept = {one.at: one for one in await scene.store.history(PROBE, "temperature")}[point.at]
    assert kept.raw == point.raw
    assert [doubt.kind for doubt in kept.doubts] == [kind]
    scene.well()
    await scene.pass_(3 * HOUR)
    assert await scene.calm()
    assert scene.cloud.asked("latest", scene.clock.now - 3 * HOUR) <= 4


async def test_an_instant_in_the_future_does_not_delay_the_next_ask(scene: Scene) -> None:
    scene.troubled("latest", told(scene, odd(21.0, START + 30 * DAY)))
    await scene.pass_(12 * HOUR)
    assert scene.cloud.asked("latest", scene.clock.now - 10 * HOUR) >= 9


async def test_timestamps_that_go_backwards_lose_and_invent_nothing(scene: Scene) -> None:
    old = scene.pool.told("ph", scene.clock.now, "day")[-10]
    scene.troubled("latest", Batch((old,)))
    await scene.pass_(3 * HOUR)
    scene.well()
    await scene.pass_(3 * HOUR)
    kept = [one.at for one in await scene.store.history(PROBE, "ph")]
    assert set(kept) == set(kept) & set(scene.pool.instants)
    assert await scene.whole()


async def test_what_a_vendor_excludes_itself_is_no_incident(scene: Scene) -> None:
    scene.troubled("latest", told(scene, odd(21.0, START, Doubt("vendor", "PROBE_OUT_OF_WATER"))))
    await scene.pass_(3 * HOUR)
    assert await scene.calm()


async def test_parts_that_cannot_be_read_are_named_and_the_rest_is_kept(scene: Scene) -> None:
    scene.troubled("latest", told(scene, faults=(Fault("lastmeasures[2]", "value_time '31/31' is no time"),)))
    await scene.pass_(3 * HOUR)
    assert "lastmeasures[2]: value_time '31/31' is no time" in (await scene.open("unreadable")).what
    assert await scene.whole()


async def test_where_the_latest_values_are_empty_the_past_tells_them(scene: Scene) -> None:
    scene.troubled("latest", Batch(()))
    began = scene.clock.now
    await scene.pass_(DAY)
    incident = await scene.open("latest-empty")
    assert "past" in incident.what
    for quantity in QUANTITIES:
        told = [one.at for one in await scene.store.history(PROBE, quantity, began)]
        assert told[-1] > scene.clock.now - 3 * HOUR
        assert told == [at for at in scene.pool.instants if told[0] <= at <= told[-1]]
    assert len([at for at, _, _ in scene.cloud.requests if at >= began]) <= 20 * 24
    scene.well()
    await scene.pass_(3 * HOUR)
    assert await scene.calm()
    assert await scene.whole()


async def test_a_silent_probe_whose_past_is_silent_too_costs_little(scene: Scene) -> None:
    scene.pool.instants = [at for at in scene.pool.instants if at < scene.clock.now]
    scene.troubled("latest", Batch(()))
    await scene.pass_(2 * DAY)
    began = scene.clock.now
    await scene.pass_(2 * DAY)
    assert scene.cloud.asked("history", began) <= 6


async def test_an_answer_that_denies_the_past_is_asked_for_again_before_it_is_believed(scene: Scene) -> None:
    await scene.pass_(6 * DAY)
    scene.troubled("history", Batch(()))
    began = scene.clock.now
    await scene.pass_(6 * DAY)
    comparisons, looks = len(QUANTITIES), 6  # of the month once, and of the past day of one quantity every day
    assert scene.cloud.asked("history", began) == 4 * (comparisons + looks)
    assert any(one.kind == "malformed" for one in await scene.store.incidents("fake-1"))
    assert await scene.calm()


async def test_a_past_that_stays_unreadable_is_recorded_as_lost_not_as_silence(scene: Scene) -> None:
    scene.clock.now += 2 * DAY
    scene.troubled("history", Batch((), (Fault("measures[0]", "value_time is missing"),)))
    await scene.pass_(DAY)
    gaps = await scene.store.gaps()
    lost = [gap for gap in gaps if gap.state == "lost"]
    assert {gap.quantity for gap in lost} == set(QUANTITIES)
    assert {gap.why for gap in lost} == {"The cloud's answer could not be read there."}


async def test_recommendations_that_are_gone_are_over(scene: Scene) -> None:
    scene.cloud.advice = (advice("71"), advice("72"))
    await scene.pass_(2 * HOUR)
    assert [one.key for one in await scene.store.recommendations("fake:1")] == ["71", "72"]
    scene.cloud.advice = (advice("72"),)
    await scene.pass_(2 * HOUR)
    assert [one.key for one in await scene.store.recommendations("fake:1")] == ["72"]


async def test_a_failed_list_of_recommendations_ends_none(scene: Scene) -> None:
    scene.cloud.advice = (advice("71"),)
    await scene.pass_(2 * HOUR)
    scene.troubled("advice", Malformed("The body ends in the middle."))
    await scene.pass_(2 * HOUR)
    assert [one.key for one in await scene.store.recommendations("fake:1")] == ["71"]


async def test_a_refusal_that_costs_requests_is_repeated_ever_more_rarely(scene: Scene) -> None:
    scene.troubled("latest", Refused("The cloud refuses every access token.", hint="Sign in again."))
    failing = scene.clock.now
    await scene.pass_(2 * DAY)
    incident = await scene.open("sign-in")
    assert "owner" in incident.todo
    assert "Sign in again." in incident.todo
    assert len([at for at, _, _ in scene.cloud.requests if at >= failing]) < 40


async def test_no_secret_of_an_error_reaches_an_incident(scene: Scene) -> None:
    scene.troubled("latest", Unavailable("The cloud said: access_token=4fc86e46a11a"))
    await scene.pass_(2 * HOUR)
    assert "4fc86e46a11a" not in (await scene.open("unavailable")).what


async def test_an_error_of_our_own_is_recorded_and_the_rest_of_the_account_goes_on(scene: Scene) -> None:
    scene.troubled("advice", ZeroDivisionError("password=hunter2 divided"))
    await scene.pass_(6 * HOUR)
    incident = await scene.open("bug")
    assert incident.where == "fake:1"
    assert "ZeroDivisionError" in incident.what
    assert "hunter2" not in incident.what
    assert await scene.whole()


async def test_readings_that_came_as_words_are_asked_for_again_when_there_are_numbers(scene: Scene) -> None:
    began = scene.clock.now

    def wordy() -> Batch:
        level = Doubt("vendor", "the cloud tells a level only: Medium")
        newest = scene.pool.newest(scene.clock.now)
        return Batch((replace(newest[0], value=None, raw="Medium", doubts=(level,)), *newest[1:]))

    scene.troubled("latest", wordy)
    await scene.pass_(9 * HOUR)
    scene.well()
    await scene.pass_(3 * HOUR)
    kept = await scene.store.history(PROBE, "temperature", began)
    assert len(kept) >= 11
    assert all(one.value is not None for one in kept)
    assert scene.cloud.asked("history", began) <= 2


async def test_probes_of_a_first_discovery_that_the_store_did_not_survive_are_asked_after_a_restart() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock, Pool("1", hourly(START - 3 * DAY, START + DAY)))
    store = await stored(account())
    collector = collecting(store, cloud)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "gaps", away)  # which is asked once the probes are known
        await drive(collector, clock, START + MINUTE)

    def trouble(act: str, subject: str) -> None:
        if act == "discover":
            raise Unavailable("The cloud answered 500.")

    cloud.trouble = trouble
    await drive(collector, clock, START + HOUR)
    known = await progress.load(store, "fake-1")
    assert known.probes
    assert known.discovery.ok_at is None
    before = cloud.asked("latest", clock.now)
    await drive(collecting(store, cloud), clock, START + 5 * HOUR)
    assert cloud.asked("latest", START + HOUR) > before
    assert {one.kind for one in await store.incidents(open_only=True)} == {"unavailable"}
    (newest,) = [one.at for one in (await store.history(PROBE, "ph"))[-1:]]
    assert newest > clock.now - 2 * HOUR


async def away(*_: Any, **more: Any) -> Any:
    raise StoreError("The database is locked.")


async def test_a_discovery_that_could_not_be_kept_has_asked_and_costs_what_it_cost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = (await progress.load(scene.store, "fake-1")).discovery_cost
    told = list[bool]()

    def noted(*args: Any, asked: bool) -> Incident:
        told.append(asked)
        return failed(*args, asked=asked)

    async def removed(*_: Any) -> None:
        raise NotFound("There is no account fake-1.")

    monkeypatch.setattr(failure, "failed", noted)
    monkeypatch.setattr(scene.store, "put_discovery", removed)
    await scene.pass_(2 * DAY)
    assert told
    assert all(told)
    assert (await progress.load(scene.store, "fake-1")).discovery_cost == cost
