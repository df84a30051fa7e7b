"""The statistics of days, kept by year, probe and time zone: what they are, wherever they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import zstandard

from margelle.domain.series import DayStatistics, midnight
from margelle.errors import StoreError
from margelle.store import days as codec
from margelle.store import rules
from margelle.store.chunk import Column
from margelle.store.layout.tables import Chunks, Place
from margelle.store.remembered import Remembered, These

MANY: Final = 100_000
"""Days of about so many points are computed at once."""
_DAY: Final = timedelta(days=1)
_FAR: Final = 2**63 - 1

Days = dict[str, list[DayStatistics]]
_date = attrgetter("day")


class Rollup(ABC):
    """Tables rolled and year, over the chunks of the same database."""

    def __init__(self, chunks: Chunks, at_hand: Remembered[list[DayStatistics]]) -> None:
        self._chunks, self._at_hand = chunks, at_hand

    def read(self, probe: int, zone: str, quantity: str, since: date, until: date) -> list[DayStatistics]:
        """The known days with since <= day < until."""
        years = self.parts(probe, zone, quantity, since, until)
        return [day for year in years for day in year if since <= day.day < until]

    def parts(self, probe: int, zone: str, quantity: str, since: date, until: date) -> list[list[DayStatistics]]:
        """The known days of the years of since <= day < until, whole years. They are lasting, and not to be changed."""
        found = []
        for told in self.years(probe, zone, since.year, until.year):
            days = self._at_hand.get((told, quantity))
            if days is None:
                days = self._at_hand.keep((told, quantity), self._decoded(told, quantity).get(quantity, []))
            found.append(days)
        return found

    def grown(self, columns: Sequence[Column], zone: str, since_us: int) -> list[DayStatistics]:
        """What whole columns of chunks, in order of time, say of the days from `since_us` on: lasting for as long as the columns are the same. It does not keep them at hand."""
        key = (These(columns), zone, since_us)
        days = self._at_hand.get(key)
        if days is None:
            found = codec.statistics(Column.joined(columns), ZoneInfo(zone), since_us, _FAR)
            days = self._at_hand.keep(key, found)
        return days

    def renew(self, probe: int, name: str, touched: Iterable[int]) -> None:
        """Compute anew the days of these instants, and go on to the chunks that may still grow, in UTC and the zone of the probe's site."""
        settled_us, instants = self._chunks.settled(probe), sorted(set(touched))
        for zone in self._zones(probe, name):
            try:
                self._renew(probe, ZoneInfo(zone), settled_us, instants)
            except (
                OverflowError
            ):  # a day beyond the calendar, a sum beyond all floats: they are computed when asked for
                self.drop(probe, zone)

    def _zones(self, probe: int, name: str) -> list[str]:
        """UTC and the zone of the site; what is known in others is dropped."""
        wanted = {"UTC", *(str(zone) for zone in self.site_zones(name) if is_zone(zone))}
        for zone in self.zones(probe):
            if zone not in wanted:
                self.drop(probe, zone)
        return sorted(wanted)

    def _renew(self, probe: int, zone: ZoneInfo, settled_us: int | None, instants: Sequence[int]) -> None:
        known_us = self.until(probe, zone.key)
        old_us = -_FAR if known_us is None else known_us
        until_us = old_us if settled_us is None else max(old_us, _begin(settled_us, zone))
        spans = _day_spans([at_us for at_us in instants if at_us < old_us], zone)
        if until_us > old_us:
            spans.append((old_us, until_us))
        for span in spans:
            for part in windows(self._chunks.places(probe, *span), span, zone):
                self._compute(probe, zone, part)
        if spans:
            self.keep_until(probe, zone.key, until_us)

    def _compute(self, probe: int, zone: ZoneInfo, span: tuple[int, int]) -> None:
        """Put what the chunks say of since <= at < until, which are whole days, in the place of what is known of these days."""
        columns: defaultdict[str, list[Column]] = defaultdict(list)
        for part in self._chunks.columns(probe, *span, None):
            for quantity, column in part.items():
                columns[quantity].append(column)
        found = {quantity: codec.statistics(Column.joined(parts), zone, *span) for quantity, parts in columns.items()}
        first = codec.day(span[0], zone) if span[0] > -_FAR else date.min
        self._put(probe, zone, found, first, codec.day(span[1], zone))

    def _put(self, probe: int, zone: ZoneInfo, found: Days, first: date, end: date) -> None:
        """Keep the days found, and no others with first <= day < end."""
        years = {day.day.year for of_one in found.values() for day in of_one}
        if first > date.min:
            years.update(range(first.year, (end - _DAY).year + 1))
        for year in sorted(years):
            known = self._year(probe, zone, year)
            days: Days = {}
            for quantity in {*known, *found}:
                stay = [day for day in known.get(quantity, ()) if not first <= day.day < end]
                new = [day for day in found.get(quantity, ()) if day.day.year == year]
                days[quantity] = sorted(stay + new, key=_date)
            if any(days.values()) or known:
                self.keep_year(probe, zone.key, year, codec.encode(days))

    def _year(self, probe: int, zone: ZoneInfo, year: int) -> Days:
        years = self.years(probe, zone.key, year, year)
        return self._decoded(years[0], None) if years else {}

    def _decoded(self, told: bytes, quantity: str | None) -> Days:
        try:
            return codec.decode(told, quantity)
        except (ValueError, IndexError, msgspec.MsgspecError, zstandard.ZstdError) as error:
            raise self.damaged(error) from None

    # --- the tables

    @abstractmethod
    def until(self, probe: int, zone: str) -> int | None:
        """Before which instant days are known; None where none is."""

    @abstractmethod
    def keep_until(self, probe: int, zone: str, until_us: int) -> None:
        """Keep before which instant they are."""

    @abstractmethod
    def zones(self, probe: int) -> list[str]:
        """The zones in which days are known."""

    @abstractmethod
    def site_zones(self, name: str) -> list[object]:
        """The zone of the site of the probe called `name`, whatever stands there, if that is known."""

    @abstractmethod
    def years(self, probe: int, zone: str, first: int, last: int) -> list[bytes]:
        """What is kept of the years from `first` to `last`, in order."""

    @abstractmethod
    def keep_year(self, probe: int, zone: str, year: int, told: bytes) -> None:
        """Keep a year."""

    @abstractmethod
    def drop(self, probe: int, zone: str) -> None:
        """Forget what is known of a probe in a zone."""

    @abstractmethod
    def damaged(self, error: object) -> StoreError:
        """The error for what we have written ourselves and cannot read."""


def windows(places: Iterable[Place], span: tuple[int, int], zone: ZoneInfo) -> list[tuple[int, int]]:
    """The span in parts that begin where a day does, and in which these chunks, in order of time, have no more than about `MANY` points."""
    parts, count = [], 0
    begin, end = span
    for place in places:
        if count >= MANY and begin < (cut := _begin(place.since, zone)) < end:
            parts.append((begin, cut))
            begin, count = cut, 0
        count += place.count
    return [*parts, (begin, end)]


def is_zone(name: object) -> bool:
    """Whether there is such a time zone."""
    try:
        ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return False
    return True


def _begin(at_us: int, zone: ZoneInfo) -> int:
    """When the day began in which that instant is."""
    return rules.micros(midnight(codec.day(at_us, zone), zone))


def _day_spans(instants: Sequence[int], zone: ZoneInfo) -> list[tuple[int, int]]:
    """Begin and end of each run of days in which these instants are."""
    spans: list[tuple[int, int]] = []
    for at_us in instants:
        if spans and spans[-1][0] <= at_us < spans[-1][1]:
            continue
        begin, end = _begin(at_us, zone), rules.micros(midnight(codec.day(at_us, zone) + _DAY, zone))
        if spans and spans[-1][1] >= begin:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans
