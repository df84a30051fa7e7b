"""What is only on or off is told when it changes: nothing of it is ever missing, and no request is spent on what is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from margelle.collect import plan, progress
from margelle.collect.backfill import arrived, settle
from margelle.collect.loop import Collector
from margelle.collect.progress import Progress, Series, States, Track, none_is_on_or_off
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE, is_state
from margelle.domain.site import Account, Probe, Site
from margelle.domain.unit import Unit
from margelle.ports import Batch, Http, Spending, Tokens, Window
from margelle.store.memory import MemoryStore
from margelle.vendors.baxo import BAXO
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    SPANS,
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
from tests.collect.test_faults import World, closing, listening, points

PROBE, RELAY = "fake:1/ico", "fake.RELAY"
UNTIL = START + 20 * DAY


def relay(quantity: str) -> bool:
    return quantity == RELAY


class Relay(FakeSource):
    """A source whose probe has a relay too, which changes at `changes`."""

    changes: list[datetime]

    def measured(self, at: datetime) -> Measurement:
        on = float(self.changes.index(at) % 2)
        return Measurement(PROBE, RELAY, at, on, f"{on:.0f}", Unit.STATE, "fake/latest")

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        told, now = await super().latest(probe, now), self.cloud.clock.now
        return Batch((*told.measurements, self.measured(max(at for at in self.changes if at <= now))))

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:
        if quantity != RELAY:
            return await super().history(probe, quantity, window, now)
        await self._ask("history", f"{probe.id} {quantity} {window}")
        now = self.cloud.clock.now
        return Batch(tuple(self.measured(at) for at in self.changes if now - SPANS[window] <= at <= now))

    def remembered(self, site: Site) -> tuple[str, ...]:
        return RELAY, "ph"


class Hub:
    """Collects from such a probe for twenty days."""

    def __init__(self, changes: list[datetime], states: States) -> None:
        self.clock = VirtualClock()
        self.cloud = Cloud(self.clock, Pool("1", hourly(START - 40 * DAY, UNTIL + DAY)))
        self.changes, self.states = changes, states

    async def live(self) -> None:
        self.store: MemoryStore = await stored(account())

        def source(one: Account, http: Http, tokens: Tokens) -> Any:
            found = Relay(one, http, self.cloud)
            found.changes = self.changes
            return found

        vendors = {"fake": replace(vendor(self.cloud), source=source)}
        collector = Collector(
            self.store,
            vendors,
            lambda one: self.cloud.door(one.id),
            lambda _: NoTokens(),
            self.clock,
            states=self.states,
        )
        await drive(collector, self.clock, UNTIL)

    async def lacks(self, quantity: str, true: list[datetime], settled: datetime) -> set[datetime]:
        kept = {one.at for one in await self.store.history(PROBE, quantity)}
        return {at for at in true if START - 29 * DAY <= at <= settled} - kept

    def asked(self) -> int:
        return sum(name == "history" and RELAY in url for _, name, url in self.cloud.requests)


async def both(changes: list[datetime]) -> tuple[Hub, Hub]:
    """A hub that takes the relay for measured, and one that knows better."""
    before, after = Hub(changes, none_is_on_or_off), Hub(changes, lambda _: relay)
    for hub in (before, after):
        await hub.live()
        assert await hub.lacks("ph", hub.cloud.pools[PROBE].instants, UNTIL - 2 * HOUR) == set()
    return before, after


async def test_a_relay_that_changes_now_and_then_costs_no_request_of_its_own_and_nothing_of_it_is_lost() -> None:
    days = [START - 40 * DAY + n * 33 * HOUR for n in range(43)]
    changes = [at for day in days for at in (day, day + HOUR, day + 3 * HOUR)]
    before, after = await both(changes)
    assert len(after.cloud.requests) < len(before.cloud.requests)
    assert after.asked() <= 1 + 20 / 6 < before.asked(), "once at first, and then once a week"
    assert await after.lacks(RELAY, changes, UNTIL - 2 * HOUR) == set()
    assert RELAY in {gap.quantity for gap in await before.store.gaps(PROBE)}
    assert await after.store.gaps(PROBE) == []


async def test_one_that_changes_more_often_than_it_is_asked_for_is_compared_once_a_day() -> None:
    changes = [
        at for n in range(60 * 24) for at in (START - 40 * DAY + n * HOUR, START - 40 * DAY + n * HOUR + 4 * MINUTE)
    ]
    before, after = await both(changes)
    assert len(after.cloud.requests) <= len(before.cloud.requests) - 1000, "it was taken for a probe that restarts"
    assert after.asked() <= 24 < before.asked() / 10
    assert await after.lacks(RELAY, changes, UNTIL - 25 * HOUR) == set()
    assert await after.store.gaps(PROBE) == []


async def test_a_change_between_two_readings_is_no_restart_of_the_probe() -> None:
    track = Track("fake:1", ("ph", RELAY), newest=START)
    track.series = {"ph": Series(newest=START), RELAY: Series(newest=START - 3 * HOUR, is_state=True)}
    arrived(track, {"ph": START, RELAY: START + 17 * MINUTE}, START + HOUR, empty=False)
    assert (track.newest, track.quick_until, track.suspect_at) == (START, None, None)
    assert track.series[RELAY].newest == START + 17 * MINUTE
    arrived(track, {"ph": START + HOUR, RELAY: START + 17 * MINUTE}, START + HOUR, empty=False)
    assert (track.newest, track.suspect_at) == (START + HOUR, None)


def test_a_probe_that_has_nothing_else_is_known_by_its_changes() -> None:
    track = Track("fake:1", (RELAY,))
    track.know((), relay)
    track.series[RELAY] = Series(is_state=True)
    for at in (START, START + 17 * MINUTE, START + 9 * HOUR):
        arrived(track, {RELAY: at}, at + MINUTE, empty=False)
        assert (track.newest, track.quick_until, track.suspect_at) == (at, None, None)
    assert track.rhythm_s == 3600
    assert settle(track, [START, START + 9 * HOUR], START + 9 * HOUR, probe=PROBE, quantity=RELAY, readable=True) == []


def test_what_is_measured_scouts_for_what_is_on_or_off() -> None:
    known = Progress()
    known.take_over({PROBE: "fake:1"}, {"fake:1": (RELAY, "ph")}, advised=False, states={"fake:1": relay})
    for series in known.probes[PROBE].series.values():
        series.newest = series.settled_at = series.swept_at = START - 23 * HOUR
    asks = [
        one for one in plan.asks("fake-1", known, Spending(), START) if one.act == "history" and one.due_at <= START
    ]
    assert [(one.quantity, one.reasons[0].name) for one in asks] == [("ph", "look")]


async def test_a_gap_that_an_older_note_knew_is_taken_back() -> None:
    store, known = await stored(account()), Progress()
    known.take_over({PROBE: "fake:1"}, {"fake:1": (RELAY, "ph")}, advised=False)
    for series in known.probes[PROBE].series.values():
        series.missing_since, series.missing_until = START - DAY, START
    await progress.save(store, "fake-1", known, START)
    known = await progress.load(store, "fake-1")
    known.take_over({PROBE: "fake:1"}, {"fake:1": (RELAY, "ph")}, advised=False, states={"fake:1": relay})
    await progress.save(store, "fake-1", known, START)
    assert [gap.quantity for gap in await store.gaps(PROBE)] == ["ph"]


async def test_of_a_device_at_the_simulated_cloud_all_is_had_with_fewer_requests(tmp_path: Path) -> None:
    def states(site: Site) -> Any:
        assert BAXO.display is not None
        return partial(is_state, catalogue=CATALOGUE, states=BAXO.display({}, CATALOGUE)(site).states)

    asked = []
    for n, told in enumerate((none_is_on_or_off, states)):
        folder = tmp_path / str(n)
        folder.mkdir()
        world = World(folder, BAXO, told)
        async with listening(world.app) as url, closing(world):
            await world.join(url)
            await world.live(START + 4 * DAY)
            true, kept = await points(world.truth), await points(world.store)
            due = {key: value for key, value in true.items() if key[2] <= world.clock.now - timedelta(hours=1.5)}
            assert due.items() <= kept.items()
            assert len([key for key in due if key[1] == "baxo.POMPE_1"]) >= 10
            (probe,) = await world.store.probes()
            assert bool(await world.store.gaps(probe.id)) == (told is not states)
            asked.append(len(world.log.entries()))
    assert asked[1] < asked[0]
