"""What need not be read to judge what arrives gets the same verdicts as if it had been."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.plausible import judged
from margelle.domain.verdict import review
from margelle.intake import beside
from margelle.intake.keep import keep
from margelle.intake.point import Arrival
from margelle.intake.quiet import Quiet
from margelle.ports import Added, Store
from margelle.store.memory import MemoryStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.domain.water import START, flat, pool, told
from tests.intake.test_beside import KEY, kept
from tests.intake.waters import shaken

NOW = START + timedelta(days=60)


async def send(store: Store, points: Sequence[Measurement], quiet: Quiet | None) -> list[str]:
    outcomes = await keep(store, [Arrival(n, one) for n, one in enumerate(points, 1)], NOW, quiet=quiet)
    return [outcome.verdict for outcome in outcomes]


def parts(points: Sequence[Measurement], dice: Random) -> list[list[Measurement]]:
    """`points` in order, in parts of which now and then one comes late, and some points twice."""
    cuts = sorted({0, len(points), *(dice.randrange(len(points)) for _ in range(40))})
    found = [list(points[start:end]) for start, end in pairwise(cuts)]
    for _ in range(dice.choice((0, 0, 1, 3))):
        n = dice.randrange(len(found) - 1)
        found[n], found[n + 1] = found[n + 1], found[n]
    if dice.random() < 0.5:
        found.insert(dice.randrange(len(found)), dice.choice(found))
    return found


@given(st.integers(0, 100_000))
@settings(max_examples=60, deadline=None)
async def test_verdicts_are_those_of_a_review_of_everything(seed: int) -> None:
    dice = Random(seed)
    points, store, quiet = shaken(dice, hours=200), MemoryStore(), Quiet()
    plain = MemoryStore()
    for part in parts(points, dice):
        assert await send(store, part, quiet) == await send(plain, part, None)
    everything = await kept(store)
    assert everything == await kept(plain)
    assert everything == sorted(review(judged(points, NOW)), key=lambda point: (point.at, point.quantity))


async def test_a_quiet_probe_is_judged_without_reading_it(tmp_path: Path, monkeypatch: object) -> None:
    store, quiet = SqliteStore(tmp_path / "x.sqlite", Vault(KEY)), Quiet()
    points = sorted(flat(pool(48)), key=lambda point: point.at)
    hours = [[one for one in points if one.at == at] for at in dict.fromkeys(one.at for one in points)]
    await send(store, hours[0], quiet)
    read: list[str] = []
    columns_of = SqliteStore.columns_of

    async def noted(self: SqliteStore, series: object, *more: object) -> object:
        read.append(str(series))
        return await columns_of(self, series, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteStore, "columns_of", noted)  # type: ignore[attr-defined]
    for hour in hours[1:]:
        assert set(await send(store, hour, quiet)) == {"new"}
    assert read == []
    other = SqliteStore(tmp_path / "x.sqlite", Vault(KEY))
    await other.put_memo("x", b"x")
    await other.fold(everything=True)
    await send(store, [told("ph", 7.25, 47.2)], quiet)
    assert read == [], "another process has kept nothing of this probe"
    await beside.keep(other, [told("ph", 7.2, 47.5)], NOW)
    read.clear()
    await send(store, [told("ph", 7.25, 48)], quiet)
    assert read, "another process has kept something: what is known may not be true any more"
    await store.close()
    await other.close()


async def test_somebody_else_was_quicker_and_the_verdict_is_as_if_it_had_been_seen(tmp_path: Path) -> None:
    """What went on quietly is judged again beside what another process kept between looking and keeping."""
    others = [told("ph", 9.6, 48.5)]

    class Late(SqliteStore):
        late = False

        async def add(self, *args: Any, **more: Any) -> Added:
            if self.late:
                self.late = False
                await beside.keep(other, others, NOW)
            return await super().add(*args, **more)

    store, other = Late(tmp_path / "x.sqlite", Vault(KEY)), SqliteStore(tmp_path / "x.sqlite", Vault(KEY))
    quiet = Quiet()
    points = [told("ph", 7.3 + 0.01 * (n % 3), n) for n in range(50)]
    for one in points[:49]:
        await send(store, [one], quiet)
    store.late = True
    await send(store, points[49:], quiet)
    await send(store, [told("ph", 7.3, 50)], quiet)
    everything = sorted(await kept(store), key=lambda point: point.at)
    assert everything == review(
        sorted(judged([*points, *others, told("ph", 7.3, 50)], NOW), key=lambda point: point.at)
    )
    assert [point.doubts[0].kind for point in everything if point.doubts] == ["jump"]
    await store.close()
    await other.close()


async def test_what_comes_twice_in_one_part_is_new_once() -> None:
    store, quiet = MemoryStore(), Quiet()
    await send(store, [told("ph", 7.2, 0)], quiet)
    assert await send(store, [told("ph", 7.3, 1)], quiet) == ["new"]
    point = told("ph", 7.25, 2)
    other = replace(point, value=7.4, raw="7.4")
    assert await send(store, [point, point, other], quiet) == ["new", "same", "corrected"]
    assert await send(store, [told("battery", 90, 3), told("battery", 90, 3)], quiet) == ["new", "same"]
