"""A year of water of every pool, simulated once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from margelle.domain.measurement import Reading
from margelle.simulate.pool import POOLS
from margelle.simulate.water import Pool, Water

SEED = "margelle"
SINCE = datetime(2025, 7, 14, tzinfo=UTC)
YEAR = timedelta(days=365)

Values = Callable[..., list[tuple[datetime, float]]]


def readings_of(pool: Pool, since: datetime = SINCE, until: datetime = SINCE + YEAR, seed: str = SEED) -> list[Reading]:
    found = []
    for reading in Water(seed, pool).readings(since):
        if reading.at >= until:
            break
        found.append(reading)
    return found


@pytest.fixture(scope="session")
def year() -> dict[int, list[Reading]]:
    """A year of readings by the pool's key."""
    return {pool.key: readings_of(pool) for own in POOLS for pool in own}


@pytest.fixture(scope="session")
def values(year: dict[int, list[Reading]]) -> Values:
    """The valid values of a pool's quantity, of all months or those given."""

    def of(pool: Pool, quantity: str, *months: int) -> list[tuple[datetime, float]]:
        measured = [reading.measurements[quantity] for reading in year[pool.key]]
        return [
            (one.at, one.value)
            for one in measured
            if one.valid and one.value is not None and (not months or one.at.month in months)
        ]

    return of
