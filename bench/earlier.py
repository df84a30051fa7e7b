"""A database in the schema of before there were chunks, as large as is wanted, and in the state in which years of use leave it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import apsw

from bench.water import QUANTITIES
from margelle.domain.measurement import Doubt, spelt
from margelle.domain.quantity import CATALOGUE
from margelle.store import digest
from margelle.store.row import Row, told
from margelle.store.sqlite import schema

VERSION: Final = 5
"""The schema's, the last one of which every measurement was a row."""
SINCE_US: Final = int(datetime(2016, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
ORIGIN: Final = "ondilo/measures"
_TOGETHER: Final = 24
"""So many instants of a probe came together; then the next probe's: so their pages lie mixed, as they do in a hub."""
_DECIMALS: Final = {"temperature": 1, "ph": 2}
_DOUBTS: Final = told((Doubt("vendor", "OUTLIER"),))
_INSERT: Final = "INSERT INTO point VALUES (?, ?, ?, ?, NULL, 1, ?)"


def make(path: Path, probes: int, instants: int, every_s: int) -> tuple[int, str]:
    """Make it, with seven quantities of each probe at so many instants; how many points that are, and their digest."""
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", "OFF")
    schema.migrate(connection, schema.scripts()[:VERSION])
    connection.execute("INSERT INTO origin VALUES (1, ?)", (ORIGIN,))
    names = [f"ondilo:{n}/ico" for n in range(probes)]
    for n, name in enumerate(names):
        for k, quantity in enumerate(QUANTITIES):
            row = (n * len(QUANTITIES) + k, name, quantity, CATALOGUE[quantity].unit.value)
            connection.execute("INSERT INTO series VALUES (?, ?, ?, ?)", row)
    dice, total = Random(probes), 0
    for first in range(0, instants, _TOGETHER):
        with connection:
            for n, name in enumerate(names):
                kept = []
                for quantity, one in _rows(first, min(first + _TOGETHER, instants), every_s, dice):
                    total += digest.of(name, quantity, (one,))
                    at_us, value, raw, _, _, doubts = one
                    kept.append((n * len(QUANTITIES) + QUANTITIES.index(quantity), at_us, value, raw, doubts))
                connection.executemany(_INSERT, kept)
    points = probes * instants * len(QUANTITIES)
    connection.execute("UPDATE tally SET points = ?", (points,))
    connection.close()
    return points, digest.spelt(total)


def _rows(first: int, last: int, every_s: int, dice: Random) -> Iterator[tuple[str, Row]]:
    for instant in range(first, last):
        at_us = SINCE_US + (instant * every_s + dice.randrange(max(every_s // 40, 1))) * 1_000_000
        for quantity in QUANTITIES:
            decimals = _DECIMALS.get(quantity, 0)
            value = round(dice.uniform(6, 90), decimals)
            text = f"{value:.{decimals}f}"
            raw = None if text == spelt(value) else text
            doubts = _DOUBTS if dice.random() < 0.005 else None
            yield quantity, (at_us, value, raw, CATALOGUE[quantity].unit.value, ORIGIN, doubts)


if __name__ == "__main__":
    print(*make(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
