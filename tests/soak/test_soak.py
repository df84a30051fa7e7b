"""The promise, for three weeks: `make soak` keeps it for as long as you like."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
import stamina

from tests.soak.clock import START
from tests.soak.schedule import HOUR, HUB, Trouble
from tests.soak.soak import PLACE, lived
from tests.soak.verdict import Fate
from tests.soak.world import VENDORS, World

DAYS, SEED = 21, 5


@pytest.mark.timeout(600)
async def test_three_weeks_of_every_trouble_lose_and_double_nothing_and_keep_the_budget() -> None:
    with tempfile.TemporaryDirectory(dir=PLACE) as folder, stamina.set_testing(True, attempts=2, cap=True):
        world, said = await lived(Path(folder), DAYS, SEED)
    assert said.broken == []
    for vendor in VENDORS:
        cloud, found = world.clouds[vendor], said.found[vendor]
        tally = cloud.tally
        assert found.fates[Fate.KEPT] > 7000
        assert found.fates[Fate.FORGOTTEN] + found.fates[Fate.BRIEF] == 0
        assert found.doubled == []
        assert cloud.quota.beyond == 0
        assert len(tally.faults) > 8
        assert tally.requests > 500
    assert {"fault", "outage", "off", "kill", "burst", "reboot", "clock", "sleep"} <= set(world.count)
    assert world.count["killed"] > 20
    assert len(world.collectors) > 1
    assert world.minute.orphans == 0
    assert len(said.incidents) > 50


async def test_a_burst_may_be_what_a_doomed_collector_dies_in(tmp_path: Path) -> None:
    at, until = START + HOUR, START + timedelta(hours=1.2)
    dooms = [Trouble(at, at, HUB, "kill", steps=60)] * 8  # so many that each collector has its own
    with stamina.set_testing(True, attempts=2, cap=True):
        world = World(tmp_path, 2, [*dooms, Trouble(at, until, HUB, "burst")], until)
        try:
            await world.live()
        finally:
            await world.close()
    assert (world.count["burst"], world.count["killed"]) == (1, 2)
    assert world.minute.orphans == 0
