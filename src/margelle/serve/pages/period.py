"""The stretch of time that a page of a site shows: a span that has a name, or a part that somebody zoomed into or chose by its days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.series import MOMENT, days_between
from margelle.errors import BadInput
from margelle.intake.point import instant_of
from margelle.phrase import Phrase
from margelle.serve.line import READINGS_UP_TO
from margelle.serve.pages.figures import date_of, moment
from margelle.serve.pages.moment import day_named, midnight
from margelle.serve.pages.words import Language

Span = Literal["day", "week", "month", "season", "year", "all"]
SPANS: Final[dict[Span, timedelta]] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "season": timedelta(days=92),
    "year": timedelta(days=366),
    "all": timedelta(days=3653),
}
"""How long each is, in their order; `all` is at most ten years, and so is a part."""
SHORTEST: Final = timedelta(minutes=10)
"""Of a part: ten readings of a probe that measures by the minute."""
_FIRST_YEAR: Final = 1971
_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\d([T ].+)?|\d+(\.\d+)?", re.ASCII)
"""No week of a year, which would be its Monday."""


class Period(Struct, frozen=True):
    """From `since` to `until`, without that instant. A `span` by its name, or a part of the `whole`, which is one. `is_now` says that it ends now, and moves on."""

    span: Span
    since: datetime
    until: datetime
    is_now: bool
    whole: Period | None = None

    @property
    def query(self) -> str:
        """What asks for this period, in the one way in which pages write it."""
        if self.whole is not None:
            return self._part(self.since, self.until)
        return f"span={self.span}" if self.is_now else self.fixed

    @property
    def fixed(self) -> str:
        """What asks for a whole period as it is now, however late it is when that is asked: to its parts, where it ends is where they lie in it."""
        return f"span={self.span}&until={_text(self.until)}"

    @property
    def before(self) -> str:
        """What asks for the period before this one; empty where there is none."""
        since = self.since - self._length
        if since.year < _FIRST_YEAR:
            return ""
        if self.whole is not None:
            return self._part(since, self.since)
        return "" if self.span == "all" else f"span={self.span}&until={_text(self.since)}"

    def after(self, now: datetime) -> str:
        """What asks for the period behind this one, up to now at most; empty where that would be the future."""
        if self.until >= now or (self.whole is None and self.span == "all"):
            return ""
        until = min(self.until + self._length, now)
        if self.whole is not None:
            return self._part(until - self._length, until)
        return f"span={self.span}" + ("" if until == now else f"&until={_text(until)}")

    def days(self, where: ZoneInfo) -> tuple[str, str]:
        """The first and the last day of it at a place, as a field of type date has them."""
        first, last = days_between(self.since, self.until, where)
        return first.isoformat(), last.isoformat()

    def ends(self, where: ZoneInfo, now: datetime, language: Language) -> tuple[str, str]:
        """From when to when it is, in words: days where it is long or has whole ones, else to the minute."""
        midnights = all(f"{at.astimezone(where):%H:%M:%S}" == "00:00:00" for at in (self.since, self.until))
        if midnights or self._length > READINGS_UP_TO:
            return date_of(self.since, where, language), date_of(self.until - MOMENT, where, language)
        old = self.since.astimezone(where).year != now.astimezone(where).year
        since, until = (moment(at, where, language, year=old) for at in (self.since, self.until))
        return since, until

    @property
    def _length(self) -> timedelta:
        return self.until - self.since if self.whole is not None else SPANS[self.span]

    def _part(self, since: datetime, until: datetime) -> str:
        assert self.whole is not None
        return f"{self.whole.fixed}&from={_text(since)}&to={_text(until)}"


def period(
    asked: Mapping[str, str],
    where: ZoneInfo,
    now: datetime,
    beginning: datetime | None = None,
    *,
    default: Span = "week",
) -> Period:
    """The period that a query asks for, at a place: `span` (else `default`) up to `until` (else now); `from` and `to` are of a part. Raises BadInput.

    An end is a day, a time on the clock of the place, or an instant with its zone; none is later than now. `beginning` is when the first was measured.
    """
    named = asked.get("span") or default
    span = next((known for known in SPANS if known == named), None)
    if span is None:
        words = {each: Phrase(f"span.{each}") for each in SPANS}
        raise _bad("no_span", f"span={named[:40]!r} is no span: it is one of {', '.join(SPANS)}.", **words)
    whole = _span(span, _end(asked, "until", where, now), now, beginning)
    if not asked.get("from") and not asked.get("to"):
        return whole
    since, until = _instant(asked, "from", where), _end(asked, "to", where, now)
    if since >= until:
        raise _bad("order", "The period ends before it begins, or begins in the future: choose other ends (from, to).")
    if not SHORTEST <= until - since <= SPANS["all"]:
        raise _bad("length", "A period is between ten minutes and ten years long: choose other ends (from, to).")
    if not whole.since <= since < until <= whole.until:
        whole = _around(since, until, span, now, beginning)
    return Period(whole.span, since, until, False, whole)


def _around(since: datetime, until: datetime, span: Span, now: datetime, beginning: datetime | None) -> Period:
    """What a part belongs to that is not in the span that was asked for: that one, or the next that is long enough, up to now, else to the part's end."""
    longer = list(SPANS)[list(SPANS).index(span) :]
    name = next(each for each in longer if SPANS[each] >= until - since)
    found = _span(name, now, now, beginning)
    if found.since > since:
        found = _span(name, until, now, beginning)
    return replace(found, since=min(since, found.since))  # of all, what lies before anything was measured


def _span(name: Span, until: datetime, now: datetime, beginning: datetime | None) -> Period:
    since = until - SPANS[name]
    if name == "all" and beginning is not None:
        since = min(max(since, beginning.replace(microsecond=0)), until - SPANS["day"])
    return Period(name, since, until, until == now)


def _end(asked: Mapping[str, str], name: str, where: ZoneInfo, now: datetime) -> datetime:
    return min(_instant(asked, name, where, last=True), now) if asked.get(name) else now


def _instant(asked: Mapping[str, str], name: str, where: ZoneInfo, *, last: bool = False) -> datetime:
    """Where a day is named, its beginning, or as the `last` one its end. Raises BadInput."""
    text = asked.get(name, "")
    try:
        at = midnight(day_named(text), where, days=int(last)) or instant_of(text, where)
        if at.year >= _FIRST_YEAR and _WRITTEN.fullmatch(text):
            return at
    except BadInput:
        pass
    said = f"{name}={text[:40]}"
    raise _bad(
        "no_instant", f"{said!r} is no day and no instant: write it like 2026-07-14, or 2026-07-14T12:30Z.", said=said
    )


def _bad(name: str, english: str, **values: str | Phrase) -> BadInput:
    return BadInput(english, phrase=Phrase(f"period.{name}", dict(values)))


def _text(at: datetime) -> str:
    """To the minute, or to the second where it is not on one."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds').removesuffix(':00')}Z"
