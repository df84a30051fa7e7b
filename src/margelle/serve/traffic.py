"""What the hub has answered, counted as it goes: a few additions for each request, made into metrics only when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from margelle.serve.calls import FACE

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The upper bounds of the buckets of how long answers took."""

_ROOMS: Final = frozenset({"api", "prometheus", "metrics", "healthz", "static"})


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

    def _face(self, path: str) -> str:
        end = path.find("/", 1)
        first = path[1:end] if end > 0 else path[1:]
        return first if first in self._known else "pages"
