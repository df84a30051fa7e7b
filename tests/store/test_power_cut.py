"""The power goes at any moment: all that was acknowledged is there afterwards, and the database is whole."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from msgspec import Struct, field

from margelle.errors import StoreError
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.store.old import fill_old
from tests.store.powercut import Disk
from tests.store.test_kills import is_right
from tests.store.things import NOW, inspected
from tests.store.worker import LIMITS, batches

NAME, SEED = "p", 7
BATCHES = 80
FULL = 2
CHECKPOINT_PAGES = 24
"""So often what is in the log is put into the file, that it happens often."""


class Cuts(Struct):
    """What the disk would hold if the power went at moments that the dice choose; with each, how many batches were acknowledged."""

    folder: Path
    dice: random.Random
    chance: float = 0.005
    acknowledged: int = 0
    found: list[tuple[int, Path]] = field(default_factory=list)

    def moment(self, disk: Disk) -> None:
        """Something is about to be done to the disk."""
        if self.acknowledged and self.dice.random() < self.chance:
            folder = self.folder / f"cut{len(self.found)}"
            folder.mkdir()
            self.found.append((self.acknowledged, disk.after_a_cut(folder, self.dice)))


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in LIMITS:
        monkeypatch.setattr(module, name, value)


def in_one_process(connection: apsw.Connection) -> None:
    """Our files have no shared memory: the index of the log is this process's own."""
    connection.pragma("locking_mode", "EXCLUSIVE")


@contextmanager
def watched(cuts: Cuts) -> Iterator[None]:
    """All databases that are opened meanwhile are on a disk that may lose power."""
    disk = Disk(cuts.moment)
    apsw.connection_hooks.append(in_one_process)
    try:
        yield
    finally:
        apsw.connection_hooks.remove(in_one_process)
        disk.unregister()


async def work(cuts: Cuts, vault: Vault, synchronous: str) -> None:
    """Add, correct, review and fold, with the log put into the file now and then, and a restart in the middle."""
    numbered = enumerate(itertools.islice(batches(NAME, SEED), BATCHES), 1)
    for _ in range(2):
        store = SqliteStore(cuts.folder / "margelle.sqlite", vault)
        assert store._db.connection.pragma("synchronous") == FULL
        store._db.connection.pragma("synchronous", synchronous)
        store._db.connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        for number, (batch, reviewed) in itertools.islice(numbered, BATCHES // 2):
            await store.add(batch, NOW, reviewed)
            cuts.acknowledged = number
            if number % 7 == 0:
                await store.fold(everything=True)
        await store.close()


async def is_whole(path: Path, vault: Vault, acknowledged: int) -> bool:
    """Whether what is left after a cut has all that was acknowledged, and everything in it fits."""
    try:
        store = SqliteStore(path, vault)
    except StoreError:
        return False
    try:
        found = await inspected(store)
        return found.faults == () and await is_right(store, NAME, SEED, acknowledged)
    except StoreError:
        return False
    finally:
        await store.close()


async def wholes(folder: Path, vault: Vault, synchronous: str) -> AsyncIterator[bool]:
    """Of each cut, whether nothing is missing after it and all fits."""
    cuts = Cuts(folder, random.Random(SEED))
    with watched(cuts):
        await work(cuts, vault, synchronous)
    for acknowledged, path in cuts.found:
        yield await is_whole(path, vault, acknowledged)


async def test_what_was_acknowledged_is_there_after_the_power_went(tmp_path: Path, vault: Vault) -> None:
    whole = [one async for one in wholes(tmp_path, vault, "FULL")]
    assert all(whole)
    assert len(whole) > 15


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
async def test_such_a_cut_shows_a_database_that_does_not_wait_for_the_disk(
    tmp_path: Path, vault: Vault, synchronous: str
) -> None:
    async for whole in wholes(tmp_path, vault, synchronous):
        if not whole:
            return
    raise AssertionError("nothing was missing after any cut")


async def test_a_schema_is_upgraded_whole_or_not_at_all(tmp_path: Path, vault: Vault) -> None:
    points, digest = fill_old(tmp_path / "margelle.sqlite", 400)
    cuts = Cuts(tmp_path, random.Random(SEED), 0.1, acknowledged=1)
    with watched(cuts):
        store = SqliteStore(tmp_path / "margelle.sqlite", vault)
        store._db.connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        while (await store.fold(everything=True)).more:
            pass
        await store.close()
    assert len(cuts.found) > 20
    for _, path in cuts.found:
        store = SqliteStore(path, vault)
        found = await inspected(store)
        assert (found.points, found.digest, found.faults) == (points, digest, ())
        await store.close()
