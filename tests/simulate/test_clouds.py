"""The clouds fill their store, go on, and can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Recommendation, User
from margelle.errors import BadInput, Conflict, StoreError
from margelle.ports import Added
from margelle.serve.apart import apart
from margelle.simulate import feed
from margelle.simulate.actions import LocalActions
from margelle.simulate.clouds import Clouds, reached
from margelle.simulate.pool import FAMILY, LODGE, NEIGHBOUR, SALT, SPA
from margelle.simulate.water import Water
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS
from tests.asgi import call

NOW = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)
DEMO = User("demo@margelle.example", "hash", "Camille", "Martin", "fr")
OTHER = User("neighbour@margelle.example", "hash", "Noé", "Voisin")
MONTH = timedelta(days=40)
SMALL = ((FAMILY, SPA), (NEIGHBOUR,))
"""Fewer pools, for tests that fill more than one store."""


class Hand:
    """A clock that is set by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def clouds(store: MemoryStore, clock: Hand, **other: Any) -> Clouds:
    options: dict[str, Any] = {"seed": "s", "users": [DEMO, OTHER], "pools": SMALL, "past": MONTH} | other
    return Clouds(store, [VENDORS["ondilo"]], clock, **options)


async def contents(store: MemoryStore) -> tuple[list[Measurement], list[Recommendation]]:
    """Everything a store has of water and advice."""
    measured: list[Measurement] = []
    advised: list[Recommendation] = []
    for site in await store.sites():
        advised += await store.recommendations(site.id, waiting=False)
        for probe in await store.probes(site.id):
            for quantity in await store.quantities(probe.id):
                measured += await store.history(probe.id, quantity)
    return measured, advised


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[list[Measurement], list[Recommendation]]:
    """What there is after one start, and ten days."""

    async def fill() -> tuple[list[Measurement], list[Recommendation]]:
        store, clock = MemoryStore(), Hand()
        cloud = clouds(store, clock)
        await cloud.start()
        clock.now += timedelta(days=10)
        await cloud.advance()
        return await contents(store)

    return asyncio.run(fill())


# --- what is there after the first start ------------------------------------------------------------------------------


async def test_the_first_start_brings_a_year_of_every_pool_up_to_now() -> None:
    store = MemoryStore()
    cloud = Clouds(store, [VENDORS["ondilo"]], Hand(), seed="s", users=[DEMO, OTHER])
    assert not cloud.ready
    await cloud.start()
    assert cloud.ready
    for pool in (FAMILY, SALT, SPA, NEIGHBOUR):
        temperatures = await store.history(f"ondilo:{pool.key}/ico", "temperature")
        assert timedelta(days=358) < temperatures[-1].at - temperatures[0].at < timedelta(days=366)
        assert temperatures[-1].at <= NOW
        newest = await store.latest(f"ondilo:{pool.key}/ico", NOW)
        assert newest.keys() == {"temperature", "ph", "orp", pool.solids, "battery", "rssi"}


async def test_each_user_sees_their_own_pools_and_those_shared_with_them() -> None:
    store = MemoryStore()
    await clouds(store, Hand()).start()
    seen = {user.email: [site.key for site in await store.sites(seen_by=user.email)] for user in (DEMO, OTHER)}
    assert seen == {DEMO.email: ["31415", "57721"], OTHER.email: ["14142", "31415"]}
    family = await store.site("ondilo:31415")
    assert family is not None
    assert [share.email for share in family.shares] == [OTHER.email]
    assert family.bands["ph"].high == 7.6
    assert family.attributes["type"] == "outdoor_inground_pool"
    (probe,) = await store.probes(family.id)
    assert (probe.id, probe.serial, probe.hardware) == ("ondilo:31415/ico", FAMILY.serial, FAMILY.hardware)


async def test_the_demo_user_has_something_to_do_in_their_language() -> None:
    store = MemoryStore()
    await clouds(store, Hand()).start()
    waiting = [one for site in await store.sites(seen_by=DEMO.email) for one in await store.recommendations(site.id)]
    assert "Nettoyez votre filtre" in {one.title for one in waiting}
    neighbours = await store.recommendations("ondilo:14142")
    assert "Clean your filter" in {one.title for one in neighbours}


@pytest.mark.parametrize("days", range(0, 360, 24))
async def test_something_waits_whenever_the_first_start_is(days: int) -> None:
    store = MemoryStore()
    await clouds(store, Hand(NOW + timedelta(days=days)), users=[DEMO], pools=((SPA,),)).start()
    assert await store.recommendations("ondilo:57721")


async def test_progress_is_told_from_none_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "CHUNK", 900)
    told: list[float] = []
    await clouds(MemoryStore(), Hand()).start(told.append)
    assert told == sorted(told)
    assert 0 < told[0] < 0.2
    assert told[-1] == 1
    assert len(told) > 15


# --- going on ---------------------------------------------------------------------------------------------------------


async def test_small_steps_make_what_one_step_makes(
    uninterrupted: tuple[list[Measurement], list[Recommendation]],
) -> None:
    store, clock = MemoryStore(), Hand()
    cloud = clouds(store, clock)
    await cloud.start()
    while clock.now < NOW + timedelta(days=10):
        clock.now += timedelta(minutes=37, seconds=11)
        clock.now = min(clock.now, NOW + timedelta(days=10))
        await cloud.advance()
    assert await contents(store) == uninterrupted


async def test_a_restart_goes_on_where_the_store_stands(
    uninterrupted: tuple[list[Measurement], list[Recommendation]],
) -> None:
    store, clock = MemoryStore(), Hand()
    await clouds(store, clock).start()
    for days in (0.0, 0.4, 3, 9.99, 10):
        clock.now = NOW + timedelta(days=days)
        await clouds(store, clock).start()
    assert await contents(store) == uninterrupted


class Killed(Exception):
    """The process is gone."""


class Mortal(MemoryStore):
    """A store whose process dies at the n-th write, before or after it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 10**9
        self.kept = True

    async def _die(self, write: Any) -> Any:
        self.left -= 1
        if self.left < 0 and not self.kept:
            raise Killed
        kept = await write
        if self.left < 0:
            raise Killed
        return kept

    async def add(
        self, measurements: Sequence[Measurement], now: datetime, reviewed: Sequence[Measurement] = (), **_: Any
    ) -> Added:
        return await self._die(super().add(list(measurements), now))  # type: ignore[no-any-return]

    async def put_memo(self, name: str, value: bytes) -> None:
        await self._die(super().put_memo(name, value))

    async def put_recommendations(self, site: str, recommendations: Sequence[Recommendation]) -> None:
        await self._die(super().put_recommendations(site, recommendations))


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("kept", [True, False], ids=["after a write", "before a write"])
async def test_a_kill_at_any_write_loses_nothing_and_doubles_nothing(
    kept: bool,
    uninterrupted: tuple[list[Measurement], list[Recommendation]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "CHUNK", 1500)
    store, clock, deaths = Mortal(), Hand(), 0
    store.kept = kept
    while True:
        store.left = 3 + deaths % 7
        try:
            await clouds(store, clock).start()
        except Killed:
            deaths += 1
            continue
        if clock.now == NOW:
            clock.now += timedelta(days=10)
        else:
            break
    assert deaths > 10
    measured, advised = await contents(store)
    assert (measured, advised) == uninterrupted
    for one in measured[::997]:
        assert not await store.revisions(one.probe, one.quantity, one.at)


async def test_a_clock_that_went_back_adds_nothing() -> None:
    store, clock = MemoryStore(), Hand()
    cloud = clouds(store, clock)
    await cloud.start()
    count = await store.count()
    clock.now -= timedelta(days=40)
    await cloud.advance()
    await clouds(store, clock).start()
    assert await store.count() == count


async def test_what_was_done_comes_again_by_its_rule() -> None:
    store, clock = MemoryStore(), Hand()
    cloud = clouds(store, clock)
    await cloud.start()
    (first,) = [one for one in await store.recommendations("ondilo:57721") if one.title == "Nettoyez votre filtre"]
    site = await store.site("ondilo:57721")
    assert site is not None
    await LocalActions(store, clock).validate(first, site, DEMO)
    clock.now += timedelta(days=1)
    await cloud.advance()
    assert "Nettoyez votre filtre" not in {one.title for one in await store.recommendations("ondilo:57721")}
    clock.now += timedelta(days=14)
    await cloud.advance()
    again = [one for one in await store.recommendations("ondilo:57721") if one.title == "Nettoyez votre filtre"]
    assert [one.id != first.id for one in again] == [True]
    kept = await store.recommendation(first.id)
    assert kept is not None
    assert kept.status == "ok"


async def test_the_water_does_not_depend_on_when_the_cloud_was_first_started() -> None:
    early, late = MemoryStore(), MemoryStore()
    await clouds(early, Hand(NOW), pools=((FAMILY,),)).start()
    await clouds(late, Hand(NOW + timedelta(days=100)), pools=((FAMILY,),), past=timedelta(days=150)).start()
    since = NOW - timedelta(days=30)
    one, other = [await store.history("ondilo:31415/ico", "ph", since, NOW) for store in (early, late)]
    assert one == other
    assert len(one) > 600


class Watched(MemoryStore):
    """A store on a disk that can be full, and that says when it kept or refused something."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.kept, self.refused = asyncio.Event(), asyncio.Event()

    async def add(
        self, measurements: Sequence[Measurement], now: datetime, reviewed: Sequence[Measurement] = (), **_: Any
    ) -> Added:
        if self.full:
            self.refused.set()
            raise StoreError("The disk is full.")
        self.kept.set()
        return await super().add(measurements, now)


async def test_a_run_goes_on_until_it_is_stopped() -> None:
    store, clock, stop = Watched(), Hand(), asyncio.Event()
    cloud = clouds(store, clock, pools=((SPA,),))
    await cloud.start()
    store.kept.clear()
    running = asyncio.create_task(cloud.run(stop, pause_s=0.001))
    clock.now += timedelta(days=2)
    await store.kept.wait()
    stop.set()
    await running
    assert (await store.latest("ondilo:57721/ico", clock.now))["battery"].at > NOW + timedelta(days=1)


async def test_a_full_disk_delays_what_was_measured_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store, clock, stop = Watched(), Hand(), asyncio.Event()
    cloud = clouds(store, clock, pools=((SPA,),))
    await cloud.start()
    store.full = True
    clock.now += timedelta(days=2)
    running = asyncio.create_task(cloud.run(stop, pause_s=0.001))
    await store.refused.wait()
    store.full = False
    store.kept.clear()
    await store.kept.wait()
    stop.set()
    await running
    measured = await store.history("ondilo:57721/ico", "ph", NOW, clock.now)
    expected = Water("s", SPA, "ondilo:57721/ico").measurements(NOW, clock.now)
    assert measured == [one for one in expected if one.quantity == "ph"]
    assert "The disk is full." in caplog.text


# --- whose store it is ------------------------------------------------------------------------------------------------


async def test_another_seed_is_refused_by_name() -> None:
    store = MemoryStore()
    await clouds(store, Hand(), pools=((SPA,),)).start()
    count = await store.count()
    with pytest.raises(Conflict, match=r"seed 's', not 'other'.*data directory"):
        await clouds(store, Hand(), pools=((SPA,),), seed="other").start()
    assert await store.count() == count


async def test_a_hubs_store_is_left_alone() -> None:
    store = MemoryStore()
    await store.put_user(DEMO)
    await store.put_account(Account("mine", "ondilo", DEMO.email, DEMO.email))
    with pytest.raises(Conflict, match="hub"):
        await clouds(store, Hand()).start()
    assert [account.id for account in await store.accounts()] == ["mine"]
    assert await store.count() == 0


async def test_two_users_with_one_address_are_refused() -> None:
    with pytest.raises(BadInput, match="same e-mail"):
        clouds(MemoryStore(), Hand(), users=[DEMO, replace(OTHER, email="Demo@Margelle.example")])


async def test_a_new_password_and_a_new_name_take_over_at_the_next_start() -> None:
    store = MemoryStore()
    await clouds(store, Hand(), pools=((SPA,),)).start()
    renamed = replace(DEMO, email="somebody@else.example", password_hash="new")
    await clouds(store, Hand(), pools=((SPA,),), users=[renamed, OTHER]).start()
    assert [user.email for user in await store.users()] == [OTHER.email, renamed.email]
    assert [site.key for site in await store.sites(seen_by=renamed.email)] == ["57721"]
    assert await store.sites(seen_by=DEMO.email) == []


async def test_a_fast_clock_can_go_on_where_it_stood() -> None:
    store, clock = MemoryStore(), Hand()
    assert await reached(store) is None
    cloud = clouds(store, clock, pools=((SPA,),))
    await cloud.start()
    assert await reached(store) == NOW
    clock.now += timedelta(days=30)
    await cloud.advance()
    assert await reached(store) == clock.now


# --- over HTTP --------------------------------------------------------------------------------------------------------


async def test_the_first_page_says_what_this_is_and_no_secret() -> None:
    store = MemoryStore()
    cloud = clouds(store, Hand())
    app = cloud.app()
    assert (await call(app, "GET", "/healthz")).status == 503
    await cloud.start()
    assert (await call(app, "GET", "/healthz")).status == 200
    answer = await call(app, "GET", "/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert [user["login"] for user in told["users"]] == [DEMO.email, OTHER.email]
    assert told["users"][1]["pools"] == ["Piscine du mas", "Piscine hors-sol"]
    assert told["vendors"]["ondilo"]["base"] == "/ondilo"
    assert {"/ondilo/oauth2/authorize", "/ondilo/api/customer/v1/pools"} <= set(told["vendors"]["ondilo"]["paths"])
    assert "hash" not in answer.text


async def test_the_face_is_there_and_asks_for_a_token() -> None:
    app = clouds(MemoryStore(), Hand()).app()
    assert (await call(app, "GET", "/ondilo/api/customer/v1/pools")).status == 401


async def test_each_cloud_shows_its_own_vendors_pools_only() -> None:
    store, clock = MemoryStore(), Hand()
    cloud = Clouds(
        store, list(VENDORS.values()), clock, seed="s", users=[DEMO], pools=((FAMILY, LODGE),), past=timedelta(days=2)
    )
    await cloud.start()
    ondilo, flipr = (apart(store, name) for name in ("ondilo", "flipr"))
    assert [site.id for site in await ondilo.sites()] == ["ondilo:31415"]
    assert [site.id for site in await flipr.sites(seen_by=DEMO.email)] == ["flipr:21BXYZ"]
    assert [probe.id for probe in await flipr.probes("flipr:21BXYZ")] == ["flipr:21BXYZ/probe"]
    index = (await call(cloud.app(), "GET", "/")).json()
    assert "/flipr/modules" in index["vendors"]["flipr"]["paths"]
