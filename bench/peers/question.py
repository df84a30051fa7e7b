"""What is asked, in nobody's language; and the answer, in numbers alone, so that all can be held against each other."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct

Answer = list[tuple[str | int | float, ...]]
"""Of `latest`: quantity and value. Of a `range`: instant (s) and value. Of `days`: begin (s), count, lowest, highest, mean, median."""


class Question(Struct, frozen=True):
    """The newest values of a probe; one quantity of it with since <= at < until (seconds since 1970), of which there are `points`; or the days of that stretch, in UTC.

    `kept` lets a server answer from what it has worked out before.
    """

    kind: Literal["latest", "range", "days"]
    probe: str
    quantity: str = ""
    since_s: int = 0
    until_s: int = 0
    points: int = 0
    kept: bool = False


def differences(ours: Answer, peers: Answer) -> str:
    """Where two answers differ first; empty where they do not. Means are sums of another order: their last digits are free."""
    if len(ours) != len(peers):
        return f"{len(ours)} rows against {len(peers)}"
    for one, other in zip(ours, peers, strict=True):
        if len(one) != len(other) or not all(map(_same, one, other)):
            return f"{one} against {other}"
    return ""


def _same(one: str | float, other: str | float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return math.isclose(one, other, rel_tol=1e-12)
