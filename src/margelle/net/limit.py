"""What an account's cloud seems to allow, learned from its refusals: at once fewer requests, and one more for each day without a refusal. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

RECOVERY: Final = timedelta(days=1)
"""After so long without a refusal, one more request is tried."""

MOMENT_S: Final = 60.0
"""A cloud that asks for less patience than this means its limit by the second, and says nothing of its longer one."""


class Learned(Struct, frozen=True):
    """So many requests in the longest window were borne, as it seemed when the cloud refused one `at` that instant."""

    requests: int
    at: datetime


def lowered(full: int, allowed: int, made: int) -> int:
    """How many requests to allow after the last of `made` ones in the window was refused, where `allowed` were, of the `full` number.

    Those that were answered; but never less than half of before, since others use the same quota up now and then, and never less than a
    quarter of the full number: a cloud that bears less has another trouble.
    """
    return max(min(allowed, max(made - 1, allowed // 2)), full // 4, 1)


def allowed(full: int, learned: Learned | None, now: datetime) -> int:
    """How many requests seem to be allowed now, never more than the `full` number."""
    if learned is None:
        return full
    return min(full, learned.requests + max((now - learned.at) // RECOVERY, 0))
