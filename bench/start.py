"""How long from nothing to the first answer, and how much memory at rest, against a bare Starlette application."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.installation import environ
from bench.process import free_port, memory_mb, memory_resident_mb, server
from bench.report import Line

ROUNDS = 7


def measure(folder: Path) -> list[Line]:
    """The hub with an empty store, everything that `serve` runs included, and the peer, in turn."""
    peer = "bare Starlette under the same server"
    first = Line("start to first answer", "s", [], [], peer, better="lower")
    resident = Line("memory at rest (RSS)", "MB", [], [], peer, better="lower")
    share = Line("memory at rest (PSS)", "MB", [], [], peer, better="lower")
    for _ in range(ROUNDS):
        port, bare_port = free_port(), free_port()
        with server(
            [sys.executable, "-m", "margelle", "serve", "--port", str(port)], port, "/healthz", environ(folder)
        ) as ours:
            _note(ours, first.ours, resident.ours, share.ours)
        with server([sys.executable, "-m", "bench.bare", str(bare_port)], bare_port, "/") as bare:
            _note(bare, first.peers, resident.peers, share.peers)
    return [first, resident, share]


def _note(started: tuple[int, float], first: list[float], resident: list[float], share: list[float]) -> None:
    pid, seconds = started
    first.append(seconds)
    resident.append(memory_resident_mb(pid))
    share.append(memory_mb(pid))
