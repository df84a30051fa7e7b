"""Simulates, judges and tells: `python -m tests.soak [DAYS [SEED]]`. Ends with 1 where a promise was broken."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import stamina

from tests.soak import schedule, verdict
from tests.soak.clock import START
from tests.soak.schedule import DAY, HOUR
from tests.soak.verdict import Fate, Verdict
from tests.soak.world import VENDORS, World

_MEMORY = Path("/dev/shm")
PLACE = _MEMORY if os.access(_MEMORY, os.W_OK) else None
"""Where there is such a place, the databases are kept in memory: no disk is to be tested here."""


async def lived(folder: Path, days: float, seed: int) -> tuple[World, Verdict]:
    """A world after so many days, and what is to be said of it."""
    until = START + days * DAY
    world = World(folder, seed, schedule.drawn(seed, START, until), until)
    try:
        await world.live()
        return world, await verdict.judged(world)
    finally:
        await world.close()


def main() -> int:
    """The command line."""
    days = float(sys.argv[1]) if len(sys.argv) > 1 else 365.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    logging.disable(logging.ERROR)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=PLACE) as folder, stamina.set_testing(True, attempts=2, cap=True):
        world, said = asyncio.run(lived(Path(folder), days, seed))
    spent = f"in {time.monotonic() - began:.0f} s ({time.process_time():.0f} s of a core)"
    lines = [f"{days:g} days from seed {seed}, {spent}\n", *_table(world, said, days), *_noted(world, said)]
    lines += [f"BROKEN: {line}" for line in said.broken] or ["Every promise was kept."]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if said.broken else 0


def _table(world: World, said: Verdict, days: float) -> Iterator[str]:
    """One column for each vendor."""
    names = tuple(VENDORS)
    tallies, found = [world.clouds[name].tally for name in names], [said.found[name] for name in names]
    hours = days * 24
    yield _row("", *names)
    yield _row("requests, as the cloud counted them", *(one.requests for one in tallies))
    yield _row("requests per site and hour", *(f"{one.requests / hours:.2f}" for one in tallies))
    yield _row("requests beyond our own budget", *(one.beyond for one in tallies))
    yield _row(
        "  requests sent long after they were counted", *(len(world.clouds[name].wire.delayed) for name in names)
    )
    yield _row("requests beyond the vendor's quota", *(world.clouds[name].quota.beyond for name in names))
    yield _row("requests that a fault befell", *(one.faults.total() for one in tallies))
    yield _row("different faults", *(len(one.faults) for one in tallies))
    yield _row("hours in which all was well, %", *(f"{100 * one.well / (hours * HOUR):.0f}" for one in found))
    yield _row("readings told", *(one.fates.total() for one in found))
    for fate in Fate:
        yield _row(f"  {fate.value}", *(one.fates[fate] for one in found))
    yield _row("kept twice", *(len(one.doubled) for one in found))
    yield _row("revised", *(one.revisions for one in found))
    yield _row("  though nothing was corrected", *(len(one.revised) for one in found))
    yield _row("kept that were never told", *(len(one.strangers) for one in found))
    yield _row("kept with another value, undoubted", *(len(one.wrong) for one in found))
    yield _row("doubted though true", *(one.doubted for one in found))
    yield _row("kept also at the time that a wrong clock told", *(one.shifted for one in found))
    yield _row("oldest reading when it came, days", *(f"{one.oldest / DAY:.1f}" for one in found))
    yield _row("came later than they had to", *(one.late for one in found))
    yield _row("  the latest by hours", *(f"{one.waited / HOUR:.1f}" for one in found))
    yield _row("may be gone after a short chance, at most", *(f"{one.brief_most:.0f}" for one in found))


def _row(*cells: object) -> str:
    return f"{cells[0]!s:76}" + "".join(f"{cell!s:>10}" for cell in cells[1:])


def _noted(world: World, said: Verdict) -> Iterator[str]:
    kinds = Counter(one.kind for one in said.incidents)
    yield f"\nCollectors: {len(world.collectors)}; accounts without one a minute after theirs was lost: {world.minute.orphans}"
    yield f"Troubles: {', '.join(f'{count} {what}' for what, count in world.count.most_common())}"
    yield f"Incidents: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}; open at the end: {said.open}\n"
