"""Whatever arrives, and whatever is said of what is missing: the record of gaps is true of the readings beside it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from margelle.domain.gap import Gap, instants
from margelle.domain.measurement import Measurement
from margelle.ports import Store
from margelle.store.memory import MemoryStore
from margelle.store.postgres import PostgresStore
from margelle.store.vault import Vault
from tests.postgres import empty
from tests.store.test_properties import now, open_both
from tests.store.things import HOUR, KEY, NOW, point

PROBE = "ondilo:1/ico"
HALF = HOUR / 2

READINGS = st.lists(
    st.integers(0, 96).map(lambda n: point(at=NOW + n * HALF, value=None if n % 17 == 0 else 7.2)),
    min_size=1,
    max_size=30,
)
CLAIMS = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 40), st.sampled_from(["open", "silent", "lost"])).map(
        lambda one: Gap(PROBE, "ph", NOW + one[0] * HALF, NOW + (one[0] + one[1]) * HALF, one[2], NOW, "Because.")  # type: ignore[arg-type]
    ),
    max_size=4,
)
ACTS = st.lists(st.one_of(READINGS, st.tuples(CLAIMS, CLAIMS)), max_size=10)


@given(ACTS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_record_of_what_became_of_gaps_is_always_true(
    acts: list[list[Measurement] | tuple[list[Gap], list[Gap]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = open_both(folder)
        for act in acts:
            for store in stores:
                now(store.put_gaps(*act) if isinstance(act, tuple) else store.add(act, NOW))
                assert_true(store)
            memory, sqlite = stores
            assert now(memory.gaps()) == now(sqlite.gaps())
        now(stores[1].close())


def test_postgresql_keeps_the_same_record(url: str) -> None:
    with asyncio.Runner() as runner:
        store = PostgresStore(url, Vault(KEY))

        @given(ACTS)
        @settings(max_examples=30, deadline=None)
        def act_alike(acts: list[list[Measurement] | tuple[list[Gap], list[Gap]]]) -> None:
            memory = MemoryStore()
            empty(url)
            store._heads.clear()
            for act in acts:
                now(memory.put_gaps(*act) if isinstance(act, tuple) else memory.add(act, NOW))
                runner.run(store.put_gaps(*act) if isinstance(act, tuple) else store.add(act, NOW))
            assert now(memory.gaps()) == runner.run(store.gaps())

        runner.run(store.count())
        act_alike()
        runner.run(store.close())


def assert_true(store: Store) -> None:
    readings = instants(now(store.history(PROBE, "ph")))
    gaps = sorted(now(store.gaps(PROBE)), key=lambda gap: gap.since)
    assert all(earlier.until <= later.since for earlier, later in pairwise(gaps)), "two lie over one another"
    for gap in gaps:
        assert gap.since < gap.until
        assert (gap.state == "filled") == any(gap.since < at < gap.until for at in readings), gap


@given(st.sets(st.integers(1, 23)))
@settings(max_examples=60, deadline=None)
def test_in_whatever_order_readings_come_a_gap_ends_with_the_same_holes(hours: Iterable[int]) -> None:
    points = [point(at=NOW + n * HOUR) for n in sorted(hours)]
    holes: list[list[Gap]] = []
    for shuffled in (points, points[::-1]):
        with tempfile.TemporaryDirectory() as folder:
            store, _ = open_both(folder)
            now(store.add([point(at=NOW - n * HOUR) for n in range(30)], NOW))
            now(store.put_gaps((), [Gap(PROBE, "ph", NOW, NOW + timedelta(days=1), "silent", NOW)]))
            for one in shuffled:
                now(store.add([one], NOW))
            holes.append([gap for gap in now(store.gaps()) if gap.state == "silent"])
    assert holes[0] == holes[1]
