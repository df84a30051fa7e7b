"""What the hub has answered, counted as it goes: a few additions for each request, made into metrics only when somebody asks.

Each process counts its own; `Counts` is how it tells the others, so that a scrape has the same whichever of them answers it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct
from starlette.types import Scope

from margelle.serve.calls import FACE

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of the buckets of how long answers took."""

TOPIC: Final = "counts"
"""Under which the processes of a hub ask each other for their counts."""

_ROOMS: Final = frozenset({"api", "prometheus", "metrics", "healthz", "readyz", "livez", "static"})
_LEAST: Final = frozenset({"process_start_time_seconds", "process_max_fds"})
"""What is not the sum of all processes, but that of the first or smallest."""


class Counts(Struct, frozen=True, array_like=True):
    """What processes have counted: requests by face and status, how long they took by face (buckets, and the sum in seconds), and figures of the processes themselves."""

    requests: dict[str, dict[int, int]] = {}
    durations: dict[str, tuple[list[int], float]] = {}
    process: dict[str, float] = {}

    @classmethod
    def of(cls, told: bytes) -> Counts:
        """What another process has told. Raises ValueError and MsgspecError where that process counts otherwise."""
        found = msgspec.msgpack.decode(told, type=cls)
        if any(len(buckets) != len(BOUNDS_S) + 1 for buckets, _ in found.durations.values()):
            raise ValueError("other buckets")
        return found

    def told(self) -> bytes:
        """As it is told to others."""
        return msgspec.msgpack.encode(self)

    def ended(self) -> Counts:
        """What stays of a process when it is gone: what it has counted and the time that it took, but none of its memory."""
        return Counts(self.requests, self.durations, {k: v for k, v in self.process.items() if k.endswith("_total")})


def total(counts: Iterable[Counts]) -> Counts:
    """All of them together."""
    requests: dict[str, dict[int, int]] = {}
    durations: dict[str, tuple[list[int], float]] = {}
    process: dict[str, float] = {}
    for one in counts:
        for face, by_status in one.requests.items():
            ours = requests.setdefault(face, {})
            for status, count in by_status.items():
                ours[status] = ours.get(status, 0) + count
        for face, (buckets, sum_s) in one.durations.items():
            known, known_s = durations.get(face, ([0] * len(buckets), 0.0))
            durations[face] = [a + b for a, b in zip(known, buckets, strict=True)], known_s + sum_s
        for name, value in one.process.items():
            process[name] = (min if name in _LEAST else sum)(
                (process.get(name, value if name in _LEAST else 0.0), value)
            )
    return Counts(requests, durations, process)


class Durations:
    """How long answers took: `buckets` count those up to each bound, and the rest."""

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds


class Traffic:
    """Requests by face and status. Faces are the vendors', the hub's own rooms, and `pages` for all else."""

    def __init__(self, faces: Iterable[str]) -> None:
        self._known = _ROOMS.union(faces)
        self.requests: dict[tuple[str, int], int] = {}
        self.durations: dict[str, Durations] = {}

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request; `status` is 0 where nothing was answered."""
        face = scope.get(FACE) or self._face(scope["path"])
        self.requests[face, status] = self.requests.get((face, status), 0) + 1
        durations = self.durations.get(face)
        if durations is None:
            durations = self.durations[face] = Durations()
        durations.add(seconds)

    def counts(self) -> Counts:
        """All that was counted here."""
        requests: dict[str, dict[int, int]] = {}
        for (face, status), count in self.requests.items():
            requests.setdefault(face, {})[status] = count
        return Counts(requests, {face: (one.buckets, one.sum_s) for face, one in self.durations.items()})

    def _face(self, path: str) -> str:
        end = path.find("/", 1)
        first = path[1:end] if end > 0 else path[1:]
        return first if first in self._known else "pages"
