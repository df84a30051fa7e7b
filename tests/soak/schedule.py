"""What befalls the clouds and the hub, and when: drawn from a seed, so that it can be had again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final, Literal

from msgspec import Struct

from margelle.simulate.faults import CATALOGUE

VENDORS: Final = ("ondilo", "flipr", "baxo")
HUB: Final = "hub"
Kind = Literal["fault", "outage", "off", "kill", "burst", "reboot", "clock", "sleep"]
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
LONG: Final = timedelta(days=120)
"""Whoever simulates so much sees outages of months too."""


class Trouble(Struct, frozen=True):
    """Something that begins `at` and lasts until `until`, of a vendor's cloud or of the hub.

    `name` is a fault's, which befalls a request with `chance`; `clock` is by how much the hub's clock is wrong, `steps` how many times a collector still
    waits for anything before it is killed or stopped. In a burst somebody asks whatever the budget allows, before a kill and again after it.
    """

    at: datetime
    until: datetime
    whose: str
    kind: Kind
    name: str = ""
    chance: float = 1.0
    clock: timedelta = timedelta(0)
    steps: int = 0


def cases(vendor: str) -> list[str]:
    """The faults of the catalogue that fit a vendor."""
    return [fault.name for fault in CATALOGUE if any(one.startswith(f"{vendor}/") for one in fault.operations)]


def drawn(seed: int, since: datetime, until: datetime) -> list[Trouble]:
    """The troubles of a whole simulation, in order. The end is quiet, so that all can be mended."""
    whole = until - since
    quiet = 9 * DAY if whole >= LONG else 3 * DAY
    found = [*_of_hub(Random(f"{seed} hub"), since + 12 * HOUR, until - quiet, whole)]
    for vendor in VENDORS:
        found += _of_cloud(Random(f"{seed} {vendor}"), vendor, since + 6 * HOUR, until - quiet, whole)
    return sorted(found, key=lambda one: one.at)


def _of_cloud(dice: Random, vendor: str, since: datetime, until: datetime, whole: timedelta) -> Iterator[Trouble]:
    """Each fault once in a random order, then again in another one, with calms and outages between."""
    at, waiting, most = since, list[str](), _longest_outage(whole)
    calm_h = 24.0 if whole >= LONG else 8.0
    while True:
        at += HOUR * dice.expovariate(1 / calm_h)
        if dice.random() < 0.06:
            end = at + _length(dice, HOUR, most)
            kind: Kind = "outage"
            name, chance = "", 1.0
        else:
            if not waiting:
                waiting = cases(vendor)
                dice.shuffle(waiting)
            kind, name = "fault", waiting.pop()
            chance = 1.0 if dice.random() < 0.7 else dice.choice([0.1, 0.3, 0.6])
            end = at + _length(dice, HOUR / 3, 3 * DAY if whole >= LONG else 14 * HOUR)
        if end > until:
            return
        yield Trouble(at, end, vendor, kind, name, chance)
        at = end


def _of_hub(dice: Random, since: datetime, until: datetime, whole: timedelta) -> Iterator[Trouble]:
    at, most = since, _longest_outage(whole)
    while True:
        at += HOUR * dice.expovariate(1 / 8)
        kind: Kind = dice.choices(("kill", "off", "burst", "reboot", "clock", "sleep"), (60, 5, 7, 8, 6, 14))[0]
        end, clock, steps = at + HOUR * dice.uniform(0.002, 0.2), timedelta(0), 0
        if kind == "burst":
            end = at + 1.2 * HOUR
        if kind == "off":
            end = at + _length(dice, HOUR / 6, most)
        if kind == "clock":
            end = at + _length(dice, HOUR / 12, 8 * HOUR)
            clock = _length(dice, HOUR / 60, 60 * DAY) * dice.choice([-1, 1])
        if kind in {"kill", "sleep"}:
            steps = dice.randint(1, 400)
        if kind == "sleep":
            end = at + _length(dice, HOUR / 30, 12 * HOUR)
        if end > until:
            return
        yield Trouble(at, end, HUB, kind, clock=clock, steps=steps)
        at = end


def _longest_outage(whole: timedelta) -> timedelta:
    return 60 * DAY if whole >= LONG else 2 * DAY


def _length(dice: Random, least: timedelta, most: timedelta) -> timedelta:
    """As often between an hour and ten as between ten hours and a hundred."""
    return least * float((most / least) ** dice.random())
