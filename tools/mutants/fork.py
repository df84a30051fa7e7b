"""Work done in processes that part from this one, so that what it spoils is gone with it."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

T = TypeVar("T")

LONGEST_S: Final = 120.0
"""A job that takes longer hangs, and is ended."""

KILLED: Final = -1
BROKEN: Final = 255


def in_forks(jobs: Iterable[tuple[T, Callable[[], int]]], cores: int) -> Iterator[tuple[T, int]]:
    """Each job's name with what it returned, as they end: a number from 0 to 254, BROKEN where it raised, KILLED where it hung or was ended."""
    running: dict[int, tuple[T, float]] = {}
    gc.freeze()
    for name, job in jobs:
        running[_started(job)] = name, time.monotonic() + LONGEST_S
        while len(running) >= cores:
            yield from _ended(running)
    while running:
        yield from _ended(running)


def from_fork(job: Callable[[], object]) -> Any:
    """What a job returned; None where it raised."""
    reading, writing = os.pipe()
    pid = _started(lambda: _sent(job, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return pickle.loads(answer) if answer else None


def mute() -> None:
    """Nothing is read or printed from now on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _started(job: Callable[[], int]) -> int:
    pid = os.fork()
    if pid:
        return pid
    outcome = BROKEN
    try:
        outcome = job()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(outcome)


def _sent(job: Callable[[], object], writing: int) -> int:
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(job(), pipe)
    return 0


def _ended(running: dict[int, tuple[T, float]]) -> Iterator[tuple[T, int]]:
    for pid, (name, deadline) in list(running.items()):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            del running[pid]
            yield name, KILLED if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        elif time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.002)
