"""When a rule changes, what is kept is judged anew: all of it, however often it is interrupted, and nothing else changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from margelle.collect.reviewing import MEMO, REST_S, Progress, Reviewer
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import Catalogue, Quantity
from margelle.domain.site import Account, Person, Probe, Site, User
from margelle.domain.unit import Unit
from margelle.domain.verdict import review
from margelle.errors import StoreError
from margelle.intake.beside import keep
from margelle.ports import Discovery
from margelle.store.memory import MemoryStore
from tests.domain.water import PROBE, START, told
from tests.intake.test_beside import NOW, kept, troubled

STALE = Doubt("stuck", "an older rule said so")
OTHER = "ondilo:9/ico"


def clock() -> datetime:
    return NOW


async def filled(points: Sequence[Measurement], store: MemoryStore | None = None) -> MemoryStore:
    """A store with `points` of two probes, as an older margelle has left them."""
    store = store or MemoryStore()
    await store.put_user(User("a@x.example", "-"))
    await store.put_account(Account("a", "ondilo", "a@x.example", "a"))
    sites = [Site(f"ondilo:{key}", "ondilo", key, key, "pool") for key in ("234", "9")]
    probes = [Probe(f"{site.id}/ico", site.id, "ondilo", site.key) for site in sites]
    await store.put_discovery("a", Discovery(Person(), tuple(sites), tuple(probes)), NOW)
    await store.add(points, NOW)
    await store.add([replace(point, probe=OTHER) for point in points], NOW)
    return store


def stale(points: Sequence[Measurement]) -> list[Measurement]:
    return [replace(point, doubts=(STALE,)) if n % 7 == 0 else point for n, point in enumerate(points)]


async def finished(reviewer: Reviewer, **how: Any) -> Progress | None:
    states = [state async for state in reviewer.steps(**how)]
    return states[-1] if states else None


async def test_all_that_is_kept_gets_the_verdicts_of_the_present_rules() -> None:
    points = troubled()
    store = await filled(stale(points))
    state = await finished(Reviewer(store, clock))
    assert state is not None
    assert (state.done, state.share, state.read) == (True, 1.0, 2 * len(points))
    assert await kept(store) == review(points, "pool")
    assert await kept(store, OTHER) == [replace(point, probe=OTHER) for point in review(points, "pool")]
    assert [await store.revisions(PROBE, "ph", point.at) for point in points[:8]] == [[]] * 8


async def test_it_is_done_once_and_again_only_when_asked_or_when_a_range_is_another() -> None:
    store = await filled(stale(troubled()))
    assert await finished(Reviewer(store, clock))
    assert await finished(Reviewer(store, clock)) is None
    again = await finished(Reviewer(store, clock), again=True)
    assert again is not None
    assert again.changed == 0
    ozone = Catalogue([Quantity("plant.ozone", Unit.MG_PER_L, 0, 5, "Ozone.")])
    assert await finished(Reviewer(store, clock, ozone))


async def test_a_range_that_was_widened_withdraws_its_doubts() -> None:
    ozone = Quantity("plant.ozone", Unit.MG_PER_L, 0, 5, "Ozone.")
    point = replace(told("tds", 6, raw="6"), quantity="plant.ozone", probe=PROBE)
    store = await filled([])
    await keep(store, [point], NOW, Catalogue([ozone]))
    assert not (await kept(store))[0].valid
    await finished(Reviewer(store, clock, Catalogue([replace(ozone, high=9)])))
    assert await kept(store) == [point]


@pytest.mark.parametrize("pieces", [1, 2, 5])
async def test_an_interrupted_review_goes_on_where_it_was(pieces: int) -> None:
    points = troubled(1200)
    store = await filled(stale(points))
    for _ in range(40):
        steps = Reviewer(store, clock).steps()
        for _ in range(pieces):
            if await anext(steps, None) is None:
                break
        await steps.aclose()  # type: ignore[attr-defined]
    said = await Reviewer(store, clock).progress()
    assert said.done
    await finished(Reviewer(store, clock))
    assert await kept(store) == review(points, "pool")


async def test_a_store_that_is_empty_has_nothing_to_review() -> None:
    store = MemoryStore()
    assert await finished(Reviewer(store, clock)) is None
    assert await store.memo(MEMO) is not None


class _Busy(MemoryStore):
    """A store into which another process keeps a point while a piece is being reviewed."""

    late: Measurement | None = None

    async def add(self, measurements: Any, now: Any, reviewed: Any = (), **more: Any) -> Any:
        if reviewed and self.late is not None:
            late, self.late = self.late, None
            await keep(self, [late], now, kind="pool")
        return await super().add(measurements, now, reviewed, **more)


async def test_what_another_process_keeps_meanwhile_is_judged_rightly() -> None:
    points = [point for point in troubled() if point.quantity == "ph"]
    spike = points.pop(60)
    store = _Busy()
    await filled([replace(point, doubts=(STALE,)) for point in points], store)
    store.late = spike
    await finished(Reviewer(store, clock))
    assert await kept(store) == review(sorted([*points, spike], key=lambda one: one.at), "pool")


class _Failing(MemoryStore):
    failures = 2

    async def memo(self, name: str) -> bytes | None:
        if self.failures:
            self.failures -= 1
            raise StoreError("The disk is away.")
        return await super().memo(name)


async def test_in_the_background_it_rests_between_pieces_and_outlives_a_failing_store() -> None:
    points, rests = troubled(), list[float]()
    store = _Failing()
    await filled(stale(points), store)

    async def wait(seconds: float, _: asyncio.Event) -> None:
        rests.append(seconds)

    await Reviewer(store, clock).run(asyncio.Event(), wait)
    assert await kept(store) == review(points, "pool")
    assert rests[:2] == [60.0, 60.0]
    assert set(rests[2:]) == {REST_S}


@pytest.mark.parametrize(
    ("before", "why"), [("", "By which rules it was judged is not known"), ("0-other", "The rules have changed")]
)
async def test_the_log_says_why_it_is_judged_anew(before: str, why: str, caplog: pytest.LogCaptureFixture) -> None:
    store = await filled(stale(troubled()))
    if before:
        await store.put_memo(MEMO, msgspec.json.encode(Progress(before, done=True)))

    async def wait(_: float, event: asyncio.Event) -> None:
        event.set()

    with caplog.at_level("INFO"):
        await Reviewer(store, clock).run(asyncio.Event(), wait)
    assert caplog.messages[0] == f"{why}: what is kept is judged anew, in the background"


async def test_in_the_background_it_stops_when_told_to() -> None:
    store, stop, rests = await filled(stale(troubled(1200))), asyncio.Event(), 0

    async def wait(_: float, event: asyncio.Event) -> None:
        nonlocal rests
        rests += 1
        event.set()

    await Reviewer(store, clock).run(stop, wait)
    assert rests == 1
    assert not (await Reviewer(store, clock).progress()).done


def test_the_past_that_the_tests_review_is_longer_than_a_piece() -> None:
    assert max(point.at for point in troubled()) - START > timedelta(days=15)
