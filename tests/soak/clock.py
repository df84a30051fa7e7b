"""The time of a simulated world."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

START: Final = datetime.fromisoformat("2026-07-01T09:17:00+00:00")


class Time:
    """The true time, the machine's running time, and what the hub's clock says."""

    def __init__(self) -> None:
        self.now, self.wrong_by, self.started = START, timedelta(0), START - timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now

    def told(self) -> datetime:
        """By the hub's clock."""
        return self.now + self.wrong_by

    def uptime_s(self) -> float:
        """Since the machine was started."""
        return (self.now - self.started).total_seconds()

    async def pause(self, seconds: float) -> None:
        """Let so much time pass, for everybody."""
        self.now += timedelta(seconds=seconds)
