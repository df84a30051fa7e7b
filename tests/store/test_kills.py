"""Processes that add and fold are killed at random instants: no point is lost or there twice, and all that is kept beside them is right.

More rounds than in a test: python -m tests.store.test_kills ROUNDS SEED.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from margelle.domain.measurement import Measurement
from margelle.ports import Store
from margelle.store.memory import MemoryStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.store.old import fill_old
from tests.store.things import KEY, NOW, inspected
from tests.store.worker import QUANTITIES, batches, patient

ADDERS = ("a", "b")


def start(url: str, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.worker", url, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> list[int]:
    """What a process has said until it was killed, now."""
    process.kill()
    assert process.stdout is not None
    said = process.stdout.read().split("\n")
    process.stdout.close()
    process.wait()
    return [int(line) for line in said[:-1]]  # the last one may be cut


def work_and_die(url: str, seed: int, dice: random.Random) -> tuple[dict[str, int], int]:
    """The number of batches that each adder had acknowledged when all were killed, one after the other, and how many points were folded."""
    adders = {name: start(url, "ADDS", f"{name}{seed}", str(seed)) for name in ADDERS}
    folders = [start(url, "FOLDS") for _ in range(1 + seed % 2)]
    for process in adders.values():
        assert process.stdout is not None
        assert process.stdout.readline()  # it is at work
    folded = sum(_first_folded(folder) for folder in folders)
    time.sleep(dice.uniform(0.0, 0.2))
    order = [*adders, *range(len(folders))]
    dice.shuffle(order)
    acknowledged = {}
    for one in order:
        if isinstance(one, int):
            folded += sum(kill(folders[one]))
        else:
            acknowledged[one] = max(kill(adders[one]), default=0) + 1
        time.sleep(dice.uniform(0.0, 0.02))
    return acknowledged, folded


def _first_folded(folder: subprocess.Popen[str]) -> int:
    """How many points the first step has folded that folded any: from then on it is at work."""
    assert folder.stdout is not None
    return next(points for points in map(int, folder.stdout) if points)


def fold_and_die(url: str, dice: random.Random) -> int:
    """How many points one process has folded until it was killed."""
    folder = start(url, "FOLDS")
    first = _first_folded(folder)
    time.sleep(dice.uniform(0.0, 0.1))
    return first + sum(kill(folder))


async def everything(store: Store, name: str) -> list[Measurement]:
    return [one for quantity in QUANTITIES for one in await store.history(name, quantity)]


async def is_right(store: Store, name: str, seed: int, acknowledged: int) -> bool:
    """Whether the store has of an adder what it acknowledged, and perhaps one batch more, as a store in memory would."""
    true, kept = MemoryStore(), await everything(store, name)
    for number, (batch, reviewed) in enumerate(itertools.islice(batches(name, seed), acknowledged + 1)):
        await true.add(batch, NOW, reviewed)
        if number >= acknowledged - 1 and await everything(true, name) == kept:
            return await true.latest(name, NOW) == await store.latest(name, NOW)
    return False


async def round_(url: str, seed: int, dice: random.Random) -> int:
    """One round of work and kills; how many points were folded in it."""
    acknowledged, folded = work_and_die(url, seed, dice)
    store = patient(url)
    found = await inspected(store)
    assert found.faults == ()
    for name, count in acknowledged.items():
        assert await is_right(store, f"{name}{seed}", seed, count), (name, seed, count)
    assert found.points == await store.count()
    while (await store.fold(everything=True)).more:
        pass
    again = await inspected(store)
    assert (again.points, again.digest, again.faults) == (found.points, found.digest, ())
    await store.close()
    return folded


async def rounds(url: str, count: int, seed: int) -> int:
    dice = random.Random(seed)
    return sum([await round_(url, n, dice) for n in range(count)])


async def test_what_was_acknowledged_is_there_once_and_all_beside_it_is_right(path: Path) -> None:
    assert await rounds(str(path), 2, 2026) > 0


async def test_that_is_so_of_postgresql_too(url: str) -> None:
    assert await rounds(url, 1, 2026) > 0


async def test_a_database_from_before_that_is_killed_while_it_is_folded_loses_nothing(path: Path) -> None:
    points, digest = fill_old(path, 3000)
    dice, folded = random.Random(1), 0
    for _ in range(3):
        folded += fold_and_die(str(path), dice)
        store = SqliteStore(path, Vault(KEY))
        found = await inspected(store)
        assert (found.points, found.digest, found.faults) == (points, digest, ())
        await store.close()
    assert folded > 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(rounds(f"{folder}/m.sqlite", int(sys.argv[1]), int(sys.argv[2]))), "points folded")  # noqa: T201
