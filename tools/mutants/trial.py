"""One mistake tried out in a process of its own, which sees it in place of the real module; no file is touched."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Final

from tools.mutants.mistakes import Mistake

LONGEST_S: Final = 300.0
"""A trial that takes longer hangs, and that is noticed too."""

NOTICED, UNNOTICED, BROKEN = 1, 0, 3

Stage = Sequence[str]
"""Arguments of a run of pytest."""


class Planted(MetaPathFinder, Loader):
    """Imports one module from a source of ours."""

    def __init__(self, mistake: Mistake) -> None:
        self._mistake = mistake

    def find_spec(self, fullname: str, _path: object, _target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._mistake.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mistake.source, f"<{self._mistake.module} with a mistake>", "exec"), module.__dict__)


def trials(mistakes: Iterable[Mistake], stages: Sequence[Stage], cores: int) -> Iterator[tuple[Mistake, int]]:
    """Each mistake with what became of it, as they end. The next stage runs where the one before noticed nothing."""
    running: dict[int, tuple[Mistake, float]] = {}
    for mistake in mistakes:
        running[_start(mistake, stages)] = mistake, time.monotonic() + LONGEST_S
        while len(running) >= cores:
            yield from _ended(running)
    while running:
        yield from _ended(running)


def _ended(running: dict[int, tuple[Mistake, float]]) -> Iterator[tuple[Mistake, int]]:
    for pid, (mistake, deadline) in list(running.items()):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            del running[pid]
            yield mistake, NOTICED if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        elif time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.005)


def _start(mistake: Mistake, stages: Sequence[Stage]) -> int:
    pid = os.fork()
    if pid:
        return pid
    outcome = BROKEN
    try:
        outcome = _trial(mistake, stages)
    finally:
        os._exit(outcome)


def _trial(mistake: Mistake, stages: Sequence[Stage]) -> int:
    """In the child."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.meta_path.insert(0, Planted(mistake))
    return _tested(stages)


def _tested(stages: Sequence[Stage]) -> int:
    """Whatever is not well without the mistake has been seen before: a module that cannot even be imported is noticed too."""
    import pytest  # noqa: PLC0415

    for stage in stages:
        if pytest.main([*stage, "-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-m", "not hypothesis"]) != 0:
            return NOTICED
    return UNNOTICED
