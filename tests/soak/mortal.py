"""A store whose process is killed while it writes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

from margelle.domain.measurement import Measurement
from margelle.ports import Store, Writer

WRITES = frozenset(
    name for name, _ in inspect.getmembers(Writer, inspect.iscoroutinefunction) if name not in {"close", "version"}
)


class Killed(BaseException):
    """SIGKILL, as far as Python can have it."""


class Mortal:
    """Passes everything on to `store`, until it is doomed: then the process dies at one of its next writes. `kept` hears of measurements that were kept."""

    def __init__(self, store: Store, kept: Callable[[Sequence[Measurement]], None] = lambda _: None) -> None:
        self._store, self._kept = store, kept
        self._left: int | None = None
        self._before = False
        self.dead = False

    def doom(self, writes: int) -> None:
        """Die at the so many-th write from now: of an odd number before it, of an even one just after it."""
        self._left, self._before = writes, writes % 2 == 1

    def die(self) -> None:
        """Die now."""
        self.dead = True
        raise Killed

    @property
    def store(self) -> Store:
        return cast("Store", self)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name == "close" or not inspect.iscoroutinefunction(method):
            return method

        async def mortal(*args: Any, **kwargs: Any) -> Any:
            if self.dead:
                raise Killed
            dying = name in WRITES and self._counts_down()
            if dying and self._before:
                self.die()
            said = await method(*args, **kwargs)
            if name == "add":
                self._kept(args[0])
            if dying:
                self.die()
            return said

        return mortal

    def _counts_down(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left <= 0
