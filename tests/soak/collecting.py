"""A collector in a process of its own, by a clock that is kept in a file: `python -m tests.soak.collecting FOLDER`. It runs until it is killed."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from margelle.cli import house
from margelle.config import Settings
from margelle.config import load as settings_of
from tests.soak.clock import START

TICK_S = 0.05


def settings_in(folder: Path) -> Settings:
    """Of the installation that all collectors share."""
    environ = {"MARGELLE_DATA_DIR": str(folder / "data"), "MARGELLE_KEY_FILE": str(folder / "key")}
    return settings_of(None, environ, {})


class Clock:
    """Goes on like any other, from START at `begun` (by the machine's clock), and jumps ahead by as many seconds as the file says."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        begun, ahead_s = map(float, self._file.read_text().split())
        return START + timedelta(seconds=time.time() - begun + ahead_s)


async def _tick(seconds: float, stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), min(seconds, TICK_S))


async def _collect(folder: Path) -> None:
    async with house.opened(settings_in(folder), Clock(folder / "clock")) as home:
        collector = home.collector()
        collector._pause = _tick  # the clock may jump at any time
        await collector.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(_collect(Path(sys.argv[1])))
