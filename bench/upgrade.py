"""What it costs to bring a large database of before there were chunks up to date, and that nothing is lost where it is killed again and again.

`python -m bench upgrade` makes one of 5 million measurements, in the state in which years of use leave it. A process of its own opens it, which
upgrades the schema, and folds. It is killed (SIGKILL) at random instants and begun again, until all is folded. After every kill each measurement is
counted where it is; once in the middle, and in the end, all are read and compared with the digest of what was made.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from signal import SIGKILL
from threading import Timer
from typing import Final, TypeVar

import apsw
import msgspec
from cryptography.fernet import Fernet
from rich.console import Console
from rich.table import Table

from bench.earlier import make
from margelle.ports import Inspected
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault

PROBES: Final = 50
INSTANTS: Final = 14_286
EVERY_S: Final = 3600
KILLS: Final = 12
LONGEST_S: Final = 12.0
"""A process folds so long at most before it is killed; the last one until it is done."""
_COUNT: Final = (
    "SELECT (SELECT coalesce(sum(count), 0) FROM chunk) + (SELECT count(*) FROM point), (SELECT points FROM tally)"
)

T = TypeVar("T")


def measure(folder: Path) -> None:
    """Make, upgrade and fold with kills, compact; print seconds, memory and room."""
    path, console = folder / "old.sqlite", Console(width=120)
    (points, digest), made_s = _timed(lambda: make(path, PROBES, INSTANTS, EVERY_S))
    rows = [("made, in the earlier schema", made_s, 0.0, _size_mb(path))]
    (_, peak_mb), seconds = _timed(lambda: _run("open", path))
    rows.append(("schema upgraded, which makes empty tables", seconds, peak_mb, _size_mb(path)))
    dice, spent_s, most_mb = random.Random(KILLS), 0.0, 0.0
    for n in range(KILLS):
        life_s = dice.uniform(0.3, LONGEST_S)
        (done, peak_mb), seconds = _timed(partial(_run, "fold", path, kill_after_s=life_s))
        spent_s, most_mb = spent_s + seconds, max(most_mb, peak_mb)
        console.print(f"killed after {seconds:.1f} s: {_counted(path, points)} of {points} folded")
        if n == KILLS // 2:
            rows.append(_proved("all read, in the middle", path, points, digest))
        if done.endswith(b"done"):
            break
    (_, peak_mb), seconds = _timed(lambda: _run("fold", path))
    rows.append((f"folded, with {n + 1} kills", spent_s + seconds, max(most_mb, peak_mb), _size_mb(path)))
    if _counted(path, points) != points:
        raise SystemExit("not all is folded")
    (_, peak_mb), seconds = _timed(lambda: _run("compact", path))
    rows.append(("made small", seconds, peak_mb, _size_mb(path)))
    rows.append(_proved("all read, in the end", path, points, digest))
    table = Table(
        "step", "seconds", "peak memory, MB", "on disk, MB", title=f"{points} measurements", title_justify="left"
    )
    for name, seconds, peak_mb, size_mb in rows:
        table.add_row(name, f"{seconds:.1f}", f"{peak_mb:.0f}" if peak_mb else "", f"{size_mb:.0f}")
    console.print(table)


def _proved(name: str, path: Path, points: int, digest: str) -> tuple[str, float, float, float]:
    (said, peak_mb), seconds = _timed(lambda: _run("inspect", path))
    found = msgspec.json.decode(said, type=Inspected)
    if (found.points, found.digest, found.faults) != (points, digest, ()):
        raise SystemExit(f"{name}: {found} is not {points} measurements of digest {digest}")
    return name, seconds, peak_mb, _size_mb(path)


def _counted(path: Path, points: int) -> int:
    """How many measurements are in chunks. Every one is there once, whatever was killed."""
    connection = apsw.Connection(str(path))
    there, tally = connection.execute(_COUNT).get
    left: int = connection.execute("SELECT count(*) FROM point").get
    connection.close()
    if there != points or tally != points:
        raise SystemExit(f"{there} measurements are there and {tally} told, of {points}")
    return int(there) - left


def _run(work: str, path: Path, *, kill_after_s: float | None = None) -> tuple[bytes, float]:
    """What a process said that did this work, or until it was killed; and the most memory it had (RSS)."""
    process = subprocess.Popen([sys.executable, "-m", "bench.upgrade", work, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.read(1)
    if kill_after_s is not None:
        Timer(kill_after_s, process.kill).start()
    said += process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, -SIGKILL}:
        raise SystemExit(f"{work} ended with {process.returncode}")
    return said, used.ru_maxrss / 1024


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def _size_mb(path: Path) -> float:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6


async def _work(work: str, path: Path) -> None:
    store = SqliteStore(path, Vault(Fernet.generate_key()))
    if work == "fold":
        while (await store.fold(everything=True)).more:
            sys.stdout.write(".")  # it is at work
            sys.stdout.flush()
        sys.stdout.write("done")
    elif work == "compact":
        await store.compact()
    elif work == "inspect":
        *_, found = [one async for one in store.inspect()]
        sys.stdout.buffer.write(msgspec.json.encode(found))
    await store.close()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], Path(sys.argv[2])))
