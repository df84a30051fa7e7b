"""The stretch of time that a page of a site shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

Span = Literal["day", "week", "month", "season", "year", "all"]
SPANS: Final[dict[Span, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "season": timedelta(days=92),
    "year": timedelta(days=366),
    "all": timedelta(days=3653),
}
"""How long each is; `all` is at most ten years."""


class Period(Struct, frozen=True):
    """From `since` to `until`; `span` is its name. `is_now` says that it ends now, and moves on."""

    span: Span
    since: datetime
    until: datetime
    is_now: bool

    @property
    def query(self) -> str:
        """What asks for this period."""
        return f"span={self.span}" + ("" if self.is_now else f"&until={_text(self.until)}")

    @property
    def before(self) -> str:
        """What asks for the period before this one; empty where there is none."""
        return "" if self.span == "all" else f"span={self.span}&until={_text(self.since)}"

    def after(self, now: datetime) -> str:
        """What asks for the period behind this one; empty where that would be the future."""
        if self.is_now or self.span == "all":
            return ""
        until = self.until + SPANS[self.span]
        return f"span={self.span}" + ("" if until >= now else f"&until={_text(until)}")


def period(span: str, until: str, now: datetime, beginning: datetime | None = None) -> Period:
    """The period that is asked for; what cannot be understood is the last week. `beginning` is when the first was measured."""
    name: Span = next((known for known in SPANS if known == span), "week")
    end = _instant(until) if until else now
    if end is None or end >= now:
        end = now
    since = end - SPANS[name]
    if name == "all" and beginning is not None:
        since = min(max(since, beginning), end - SPANS["day"])
    return Period(name, since, end, end == now)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text[:40])
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year >= 1971 else None
