"""Of what is said to be calm, no rule says anything."""

from __future__ import annotations

from random import Random
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from margelle.domain.measurement import Measurement
from margelle.domain.plausible import alone
from margelle.domain.site import SiteKind
from margelle.domain.verdict import JUDGED, review
from margelle.domain.verdict.calm import Told, calm
from tests.domain.water import flat, pool, told
from tests.intake.waters import shaken


def columns(points: list[Measurement]) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for one in sorted(points, key=lambda point: point.at):
        if one.quantity in JUDGED and one.value is not None and not alone(one).doubts:
            times, values = found.setdefault(one.quantity, ([], []))
            times.append(round(one.at.timestamp() * 1e6))
            values.append(one.value)
    return found


def test_an_ordinary_pool_is_calm() -> None:
    assert calm(columns(flat(pool(300))))


@given(st.integers(0, 100_000))
@settings(max_examples=150, deadline=None)
def test_what_is_calm_gets_no_verdict_at_any_kind_of_site(seed: int) -> None:
    points = shaken(Random(seed), hours=150)
    if calm(columns(points)):
        for kind in get_args(SiteKind):
            assert [one.doubts for one in review(points, kind)] == [alone(one).doubts for one in points]


def test_each_kind_of_trouble_is_no_calm() -> None:
    quiet = pool(200)
    for quantity, hour, value in (("ph", 60, 11.2), ("orp", 70, 90.0), ("tds", 80, 7.0), ("temperature", 90, -1.5)):
        water = {name: list(there) for name, there in quiet.items()}
        if quantity in water:
            water[quantity][hour] = told(quantity, value, hour)
            assert not calm(columns(flat(water))), quantity
    stuck = {name: list(there) for name, there in quiet.items()}
    stuck["orp"] = [told("orp", 655, hour) for hour in range(200)]
    assert not calm(columns(flat(stuck)))
