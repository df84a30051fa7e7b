"""A database as it was before there were chunks."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import apsw

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.unit import Unit
from margelle.store import digest
from margelle.store.row import row, told
from margelle.store.sqlite import schema
from tests.store.things import HOUR, NOW, point

VERSION = 5
QUANTITIES = ("ph", "orp", "temperature")


def points(count: int) -> list[Measurement]:
    """So many measurements of two probes: irregular, some doubtful, some in another unit, some without a value."""
    dice = random.Random(count)
    return [_point(n, dice) for n in range(count)]


def _point(n: int, dice: random.Random) -> Measurement:
    quantity = QUANTITIES[n % 3]
    value = None if dice.random() < 0.02 else round(dice.uniform(6, 9), 2)
    return point(
        value,
        NOW + n // 6 * HOUR + timedelta(seconds=dice.randrange(90)),
        quantity,
        probe=f"p{n // 3 % 2}",
        raw="n/a" if value is None else dice.choice((f"{value:g}", f"{value:.2f}")),
        raw_unit=dice.choice((Unit.PH, Unit.PH, Unit.RATIO)),
        origin=dice.choice(("ondilo/measures", "ondilo/lastmeasures")),
        doubts=(Doubt("vendor", "OUTLIER"),) if value is None or dice.random() < 0.05 else (),
    )


def fill_old(path: Path, count: int) -> tuple[int, str]:
    """Make such a database with so many points, in the way of its time; their number and digest."""
    connection = apsw.Connection(str(path))
    schema.migrate(connection, schema.scripts()[:VERSION])
    total, series, origins = 0, {}, {}
    with connection:
        for one in points(count):
            key = (one.probe, one.quantity)
            if key not in series:
                sql = "INSERT INTO series (probe, quantity, unit) VALUES (?, ?, ?) RETURNING id, unit"
                series[key] = connection.execute(sql, (*key, one.raw_unit.value)).get
            if one.origin not in origins:
                sql = "INSERT INTO origin (name) VALUES (?) RETURNING id"
                origins[one.origin] = connection.execute(sql, (one.origin,)).get
            at_us, value, raw, unit, origin, _ = row(one)
            number, usual = series[key]
            kept = (number, at_us, value, raw, None if unit == usual else unit, origins[origin], told(one.doubts))
            connection.execute("INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?)", kept)
            total += digest.of(one.probe, one.quantity, [row(one)])
        connection.execute("UPDATE tally SET points = ?", (count,))
    connection.close()
    return count, digest.spelt(total)
