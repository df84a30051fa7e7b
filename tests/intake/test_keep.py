from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import SiteKind
from margelle.domain.unit import Unit
from margelle.intake.keep import count, keep, own_probes
from margelle.intake.point import Arrival
from margelle.ports import Discovery, Store
from margelle.store import open_store
from margelle.store.vault import Vault
from tests.conftest import NOW
from tests.house import GARDEN, furnish
from tests.store.things import KEY


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store("memory:" if request.param == "memory" else str(tmp_path / "m.sqlite"), Vault(KEY))
    yield store
    await store.close()


def ph(value: float, minutes: int = 0, *doubts: Doubt) -> Measurement:
    at = NOW - timedelta(hours=1) + timedelta(minutes=minutes)
    return Measurement(GARDEN, "ph", at, value, str(value), Unit.PH, "own/http", doubts)


def lines(*points: Measurement | str) -> list[Arrival]:
    return [Arrival(n, fault=one) if isinstance(one, str) else Arrival(n, one) for n, one in enumerate(points, 1)]


async def test_each_point_is_told_what_became_of_it(store: Store) -> None:
    await store.add([ph(7.2, 0), ph(7.3, 1)], NOW)
    outcomes = await keep(store, lines(ph(7.2, 0), ph(7.9, 1), ph(7.4, 2), "no such probe", ph(99, 3)), NOW)
    assert [outcome.verdict for outcome in outcomes] == ["same", "corrected", "new", "refused", "new"]
    assert outcomes[3].reason == "no such probe"
    assert outcomes[4].doubts == ("not between 2 and 12 [pH]",), "doubted, and kept"
    assert count(outcomes) == {"new": 2, "same": 1, "corrected": 1, "refused": 1}
    assert [one.value for one in await store.history(GARDEN, "ph")] == [7.2, 7.9, 7.4, 99]
    assert len(await store.revisions(GARDEN, "ph", ph(0, 1).at)) == 1


@pytest.mark.parametrize("many", [3, 50])
async def test_the_same_again_changes_nothing(store: Store, many: int) -> None:
    sent = lines(*(ph(7 + n / 100, n) for n in range(many)))
    assert count(await keep(store, sent, NOW))["new"] == many
    before = await store.version()
    assert count(await keep(store, sent, NOW))["same"] == many
    assert (await store.count(), await store.version()) == (many, before)


async def test_points_far_apart_in_a_long_series_are_found_too(store: Store) -> None:
    await store.add([ph(7.2, minute - 100_000) for minute in range(0, 100_000, 10)], NOW)
    sent = lines(*(ph(7.2, minute - 100_000) for minute in range(0, 100_000, 1000)), ph(7.3, -99_990), ph(7.2, -99_995))
    assert count(await keep(store, sent, NOW)) == {"new": 1, "same": 100, "corrected": 1, "refused": 0}


async def test_a_point_twice_in_a_batch_is_kept_once_and_the_last_one_counts(store: Store) -> None:
    outcomes = await keep(store, lines(ph(7.2), ph(7.2), ph(7.5)), NOW)
    assert [outcome.verdict for outcome in outcomes] == ["new", "same", "corrected"]
    assert [one.value for one in await store.history(GARDEN, "ph")] == [7.5]


async def test_a_strict_batch_with_one_refusal_keeps_nothing(store: Store) -> None:
    outcomes = await keep(store, lines(ph(7.2), "no"), NOW, strict=True)
    assert [outcome.verdict for outcome in outcomes] == ["new", "refused"]
    assert await store.count() == 0


async def test_a_dry_run_tells_and_keeps_nothing(store: Store) -> None:
    assert count(await keep(store, lines(ph(7.2)), NOW, dry=True))["new"] == 1
    assert await store.count() == 0


async def test_a_doubt_that_came_along_is_not_raised_again(store: Store) -> None:
    came = Doubt("range", "not between 2 and 12 [pH]")
    await keep(store, lines(ph(99, 0, came)), NOW)
    (kept,) = await store.history(GARDEN, "ph")
    assert kept.doubts == (came,)


async def test_only_probes_of_a_users_own_sites_are_theirs(store: Store) -> None:
    await furnish(store, NOW)
    await furnish(store, NOW, owner="ben@example.org", account="own-2", key="bath")
    assert set(await own_probes(store, "anna@example.org")) == {GARDEN}
    assert set(await own_probes(store)) == {GARDEN, "own:bath/probe"}


@pytest.mark.parametrize(("kind", "doubted"), [("pool", ["jump"]), ("plant", [])])
async def test_what_is_sent_is_judged_by_the_kind_of_its_site(store: Store, kind: SiteKind, doubted: list[str]) -> None:
    await furnish(store, NOW)
    (known,) = [site for site in await store.sites() if GARDEN.startswith(site.id)]
    account = (await store.accounts_of(known.id))[0]
    (probe,) = await store.probes(known.id)
    await store.put_discovery(account.id, Discovery(account.person, (replace(known, kind=kind),), (probe,)), NOW)
    sent = [ph(7.2, -60 * n) for n in range(12, 1, -1)] + [ph(9.4, -60), ph(7.2, 0), ph(7.21, 30)]
    await keep(store, lines(*sent), NOW)
    (spike,) = await store.history(GARDEN, "ph", ph(9.4, -60).at, ph(9.4, -59).at)
    assert [doubt.kind for doubt in spike.doubts] == doubted
