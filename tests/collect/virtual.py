"""An event loop in which time passes as fast as nothing happens: a sleep of an hour takes none."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time stands still while something runs, and leaps to the next timer when nothing does."""

    def __init__(self) -> None:
        self._at_s = 0.0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self._at_s

    def leap(self, seconds: float) -> None:
        """Let time pass."""
        self._at_s += seconds


class _Leaping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen"
        self._loop.leap(max(timeout, 0.0))
        return super().select(0)


def lived(main: Coroutine[Any, Any, T]) -> T:
    """What `main` returns, run in a time of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
