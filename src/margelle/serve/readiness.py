"""Whether a process takes requests: what `/readyz` tells a load balancer, and what a long answer hears when the process ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

State = Literal["starting", "ready", "ending", "closed"]


class Readiness:
    """Begins as `starting`, until `servers` of them listen. It only ever goes on: to `ready`, to `ending`, to `closed`."""

    def __init__(self, servers: int = 1, told: Callable[[], None] = lambda: None) -> None:
        self.state: State = "starting"
        self._awaited, self._told = servers, told
        self._at_close: list[Callable[[], None]] = []

    def listens(self) -> None:
        """One more server listens; with the last one the process is ready, which is `told`."""
        self._awaited -= 1
        if self._awaited == 0 and self.state == "starting":
            self.state = "ready"
            self._told()

    def end(self) -> None:
        """No new client should come any more, though all are still answered."""
        if self.state != "closed":
            self.state = "ending"

    def close(self) -> None:
        """Nothing more is accepted: answers that never end, end now."""
        if self.state != "closed":
            self.state = "closed"
            for call in self._at_close:
                call()

    def at_close(self, call: Callable[[], None]) -> None:
        """Have something called when nothing more is accepted."""
        self._at_close.append(call)
