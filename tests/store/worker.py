"""A process of its own that works on a store until it is killed: python -m tests.store.worker URL ADDS NAME SEED, or URL FOLDS.

One that adds prints the number of each batch that was acknowledged; one that folds prints how many points each step has folded.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.ports import Store
from margelle.store.layout import arrival, folding
from margelle.store.postgres import PostgresStore
from margelle.store.postgres import chunks as read_chunks
from margelle.store.sqlite import SqliteStore, chunks
from margelle.store.vault import Vault
from tests.store.things import HOUR, KEY, NOW, point

QUANTITIES = ("ph", "orp", "temperature")


def batches(name: str, seed: int) -> Iterator[tuple[list[Measurement], list[Measurement]]]:
    """Batches of a probe for ever, with what is reviewed: newer points mostly, some late, some again, some corrected, some judged anew."""
    dice = random.Random(f"{name} {seed}")
    hour = 0
    known: dict[tuple[str, datetime], Measurement] = {}
    while True:
        batch: list[Measurement] = []
        for _ in range(dice.choice((1, 1, 1, 3, 40))):
            hour += dice.choice((1, 1, 1, 2, 30))
            batch += [_point(name, hour, quantity, dice) for quantity in QUANTITIES if dice.random() < 0.9]
        late = dice.sample(range(hour), min(hour, dice.choice((0, 0, 1, 3))))
        batch += [_point(name, at, dice.choice(QUANTITIES), dice) for at in late]
        again = dice.sample(sorted(known), min(len(known), dice.choice((0, 0, 2))))
        batch += [known[key] if dice.random() < 0.5 else replace(known[key], value=1.5, raw="1.5") for key in again]
        known |= {(one.quantity, one.at): one for one in batch}
        judged = dice.sample(sorted(known), min(len(known), dice.choice((0, 0, 2))))
        reviewed = [replace(known[key], doubts=(Doubt("jump", f"{hour}"),)) for key in judged]
        known |= {(one.quantity, one.at): one for one in reviewed}
        yield batch, reviewed


def _point(name: str, hour: int, quantity: str, dice: random.Random) -> Measurement:
    at = NOW + hour * HOUR + dice.randrange(2) * timedelta(seconds=30)
    return point(round(dice.uniform(6, 9), 2), at, quantity, probe=name, origin=dice.choice(("a/b", "a/b/c")))


LIMITS = (
    (chunks, "CAPACITY", 64),
    (read_chunks, "CAPACITY", 64),
    (folding, "CAPACITY", 64),
    (folding, "STRETCH", 48),
    (arrival, "MANY", 80),
)
"""Chunks of a few points, so that everything happens often."""


def small_limits() -> None:
    """Set them for this process."""
    for module, name, value in LIMITS:
        setattr(module, name, value)


def patient(url: str) -> Store:
    """A store that waits for the others."""
    if url.startswith("postgresql:"):
        return PostgresStore(url, Vault(KEY), patience_s=30)
    return SqliteStore(Path(url), Vault(KEY), busy_timeout_s=30)


async def add(url: str, name: str, seed: int) -> None:
    store = patient(url)
    for number, (batch, reviewed) in enumerate(batches(name, seed)):
        await store.add(batch, NOW, reviewed)
        _say(number)


async def fold(url: str) -> None:
    store = patient(url)
    while True:
        _say((await store.fold(everything=True)).points)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    small_limits()
    url = sys.argv[1]
    asyncio.run(add(url, sys.argv[3], int(sys.argv[4])) if sys.argv[2] == "ADDS" else fold(url))
