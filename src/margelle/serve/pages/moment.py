"""Instants and days that people type: on the clock of the site, or of the hub."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
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


def day_named(text: str) -> date | None:
    """The day that a field of type date says; None for what is none, as a week of a year, which is no day although it has a Monday."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def midnight(day: date | None, where: ZoneInfo, *, days: int = 0) -> datetime | None:
    """When a day begins, or the one so many days later, in UTC; None for no day, and beyond all calendars."""
    try:
        return None if day is None else datetime.combine(day + timedelta(days), time(), where).astimezone(UTC)
    except OverflowError:
        return None
