"""Instants that people type: a minute on the clock of the site."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from margelle.domain.plausible import CLOCK_TOLERANCE, EARLIEST
from margelle.errors import BadInput
from margelle.intake.point import in_utc


def local_minute(at: datetime, where: ZoneInfo) -> str:
    """`at` as a field of type datetime-local has it."""
    return f"{at.astimezone(where):%Y-%m-%dT%H:%M}"


def minute_of(text: str, where: ZoneInfo, now: datetime) -> datetime:
    """The instant, in UTC, that such a field says; `now` where it is empty. Raises BadInput for what is none, is long ago, or is still to come."""
    if not text.strip():
        return now.replace(second=0, microsecond=0)
    try:
        at = in_utc(datetime.fromisoformat(text.strip()), where)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text[:40]!r} is no time.") from error
    if not EARLIEST <= at <= now + CLOCK_TOLERANCE:
        raise BadInput(f"{text[:40]!r} is not between {EARLIEST:%Y} and now.")
    return at
