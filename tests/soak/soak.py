"""Simulates, judges and tells: `python -m tests.soak [DAYS [SEED]]`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import stamina

from tests.soak import schedule, verdict
from tests.soak.schedule import DAY
from tests.soak.verdict import Verdict
from tests.soak.world import START, VENDORS, World


async def lived(folder: Path, days: float, seed: int) -> tuple[World, Verdict]:
    """A world after so many days, and what is to be said of it."""
    until = START + days * DAY
    world = World(folder, seed, schedule.drawn(seed, START, until), until)
    try:
        await world.live()
        if not world.on:
            await world._start()
        return world, await verdict.judged(world)
    finally:
        await world.close()


def main() -> int:
    """The command line."""
    days = float(sys.argv[1]) if len(sys.argv) > 1 else 365.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, stamina.set_testing(True, attempts=2, cap=True):
        world, said = asyncio.run(lived(Path(folder), days, seed))
    wall_s = time.monotonic() - began
    print(f"{days:g} days, seed {seed}: {wall_s:.0f} s")
    print(dict(world.count))
    for vendor in VENDORS:
        tally = world.clouds[vendor].tally
        print(vendor, tally.requests, f"{tally.requests/days/24:.2f}/h", dict(tally.statuses), "beyond", tally.beyond)
        one = said.found[vendor]
        print(dict(one.fates), "strangers", len(one.strangers), "wrong", len(one.wrong), "doubted", one.doubted, "shifted", one.shifted)
    for line in said.broken:
        print("BROKEN", line)
    return 1 if said.broken else 0
