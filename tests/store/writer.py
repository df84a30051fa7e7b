"""A process of its own that writes to a store: python -m tests.store.writer URL NAME BATCHES BATCH_SIZE PERSONAS.

It prints the number of each batch once the store has acknowledged it, and at the end the personas it was given.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from margelle.domain.measurement import Measurement
from tests.store.things import NOW, point
from tests.store.worker import patient

SECOND = timedelta(seconds=1)


def batch(name: str, number: int, size: int) -> list[Measurement]:
    """The batch of that number, over three series."""
    return [
        point(
            number,
            at=NOW + (number * size + n) * SECOND,
            probe=name,
            quantity=f"q{n % 3}",
            origin=f"{name}/{number % 7}",
        )
        for n in range(size)
    ]


async def write(url: str, name: str, batches: int, size: int, personas: int) -> None:
    store = patient(url)
    for number in range(batches):
        await store.add(batch(name, number, size), NOW)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    given = [(await store.persona("ondilo", "site", f"{name}{n}", n % 3 + 1)).public_id for n in range(personas)]
    sys.stdout.write(" ".join(given))
    await store.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))
