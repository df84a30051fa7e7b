"""Mistakes in functions, tried out in forks of one run of pytest that has collected all tests: only those that enter the function run.

The function gets the code with the mistake in its place; nothing is imported again. A function that is entered while modules are imported or
tests collected has had its effect by then: its mistakes are left to a trial that imports everything anew.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from time import monotonic
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final

import pytest
from msgspec import Struct

from tools.mutants.fork import from_fork, in_forks, mute
from tools.mutants.mistakes import Mistake
from tools.mutants.trial import NOTICED, OPTIONS, UNNOTICED

LEFT: Final = 2
"""What became of a mistake that cannot be tried out so."""

Spot = tuple[str, str]
"""A module, and a function in it, as `Class.function`."""


class Rehearsed(Struct, frozen=True):
    """What a test does without a mistake: in how many seconds, by which functions, and whether it passes."""

    seconds: float
    spots: set[Spot]
    passes: bool


class Watch:
    """Notes the functions of some modules that are entered."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.spots: set[Spot] = set()
        self._modules = frozenset(modules)

    def forget(self) -> None:
        """Nothing has been entered, and nothing is remembered from an earlier test that would keep one from entering."""
        self.spots = set()
        for module in self._modules:
            _forget(sys.modules[module])

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """For sys.setprofile."""
        if event == "call" and (module := frame.f_globals.get("__name__")) in self._modules:
            self.spots.add((module, frame.f_code.co_qualname.partition(".<locals>")[0]))


class Loop:
    """In place of pytest's loop over the tests: tries the mistakes, and writes the number and the outcome of each to `telling`."""

    def __init__(self, mistakes: Sequence[Mistake], watch: Watch, cores: int, telling: int) -> None:
        self._mistakes, self._watch, self._cores, self._telling = mistakes, watch, cores, telling

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Tells nothing at all where a test fails without any mistake."""
        sys.setprofile(None)
        early = frozenset(self._watch.spots)
        rehearsed: list[Rehearsed] = from_fork(partial(_rehearse, session, self._watch)) or []
        tests = sorted(zip(session.items, rehearsed, strict=False), key=lambda test: test[1].seconds)
        if len(tests) != len(session.items) or not all(done.passes for _, done in tests):
            return True
        jobs = []
        for n, mistake in enumerate(self._mistakes):
            spot = mistake.module, mistake.function
            if spot in early:
                self._tell(n, LEFT)
            else:
                items = [item for item, done in tests if spot in done.spots]
                jobs.append((n, partial(_trial, session, mistake, items)))
        for n, outcome in in_forks(jobs, self._cores):
            self._tell(n, outcome)
        return True

    def _tell(self, n: int, outcome: int) -> None:
        os.write(self._telling, f"{n} {outcome}\n".encode())


def swapped(
    mistakes: Sequence[Mistake], modules: Sequence[str], tests: Sequence[str], cores: int
) -> Iterator[tuple[Mistake, int]]:
    """Each mistake with what became of it, as they end; nothing where a test fails without any."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            mute()
            watch = Watch(modules)
            sys.setprofile(watch)
            pytest.main([*tests, *OPTIONS], plugins=[Loop(mistakes, watch, cores, writing)])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        for line in told:
            n, outcome = map(int, line.split())
            yield mistakes[n], outcome
    os.waitpid(pid, 0)


def _rehearse(session: pytest.Session, watch: Watch) -> list[Rehearsed]:
    return [_watched(session, item, following, watch) for item, following in pairwise([*session.items, None]) if item]


def _watched(session: pytest.Session, item: pytest.Item, following: pytest.Item | None, watch: Watch) -> Rehearsed:
    watch.forget()
    began = monotonic()
    sys.setprofile(watch)
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    sys.setprofile(None)
    return Rehearsed(monotonic() - began, watch.spots, not session.testsfailed)


def _trial(session: pytest.Session, mistake: Mistake, items: Sequence[pytest.Item]) -> int:
    try:
        swap(mistake)
    except ValueError:  # another number of free variables
        return LEFT
    for item, following in pairwise([*items, None]):
        if item is not None:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return NOTICED
    return UNNOTICED


def swap(mistake: Mistake) -> None:
    """The function of a mistake has it from now on, whoever holds the function. Raises ValueError where it cannot."""
    module = sys.modules[mistake.module]
    code = compile(mistake.source, f"<{mistake.module} with a mistake>", "exec")
    for name in mistake.function.split("."):
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
    _function(module, mistake.function).__code__ = code
    _forget(module)


def _forget(module: ModuleType) -> None:
    for thing in vars(module).values():
        if callable(clear := getattr(thing, "cache_clear", None)):
            clear()


def _function(module: ModuleType, path: str) -> FunctionType:
    found: Any = module
    for name in path.split("."):
        found = vars(found)[name]
    while not isinstance(found, FunctionType):
        found = found.fget if isinstance(found, property) else found.__wrapped__
    return found
