"""A process that may be killed, or be put to sleep, at every step: whenever it waits for anything, reads, writes, counts a request, or asks a cloud."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from margelle.domain.measurement import Measurement

YIELDS: Final = 0.2
"""How often, at a step, another process has its turn."""


class Killed(BaseException):
    """SIGKILL, as far as Python can have it."""


class Life:
    """One process's. Once it is killed nothing of it gets any further: what it had not kept by then is gone, and its leases stay behind."""

    def __init__(self, dice: Random) -> None:
        self.dead = False
        self.steps = 0
        self._dice = dice
        self._left: int | None = None
        self._fate: Callable[[], None] = self._die
        self._awake = asyncio.Event()
        self._awake.set()

    @property
    def asleep(self) -> bool:
        """Whether it was stopped (SIGSTOP), and not continued yet."""
        return not self._awake.is_set()

    def doom(self, steps: int) -> None:
        """Die at the so many-th step from now."""
        self._left, self._fate = steps, self._die

    def doze(self, steps: int) -> None:
        """Fall asleep at the so many-th step from now, in the middle of whatever it is doing."""
        self._left, self._fate = steps, self._awake.clear

    def wake(self) -> None:
        """Go on, if it sleeps; it will not fall asleep any more."""
        self._left = None
        self._awake.set()

    def step(self) -> None:
        """Live on, or not."""
        self.steps += 1
        if self._left is not None and not self.dead:
            self._left -= 1
            if self._left <= 0:
                self._left = None
                self._fate()
        if self.dead:
            raise Killed

    async def turn(self) -> None:
        """A step at which others may go first."""
        self.step()
        if self._dice.random() < YIELDS:
            await asyncio.sleep(0)
        while self.asleep and not self.dead:
            await self._awake.wait()
        if self.dead:
            raise Killed

    def _die(self) -> None:
        self.dead = True


class Mortal:
    """Passes everything on to `kept_open`, a store or a budget, with a step of `life` before and after. `kept` hears of measurements that were kept."""

    def __init__(
        self, kept_open: object, life: Life, kept: Callable[[Sequence[Measurement]], None] = lambda _: None
    ) -> None:
        self._it, self._life, self._kept = kept_open, life, kept

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._it, name)
        if name == "close" or not callable(method):
            return method
        return self._awaited(method) if inspect.iscoroutinefunction(method) else self._called(method)

    def _awaited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def mortal(*args: Any, **kwargs: Any) -> Any:
            await self._life.turn()
            said = await method(*args, **kwargs)
            if method.__name__ == "add":
                self._kept(args[0])
            await self._life.turn()
            return said

        return mortal

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._life.step()
            said = method(*args, **kwargs)
            self._life.step()
            return said

        return mortal
