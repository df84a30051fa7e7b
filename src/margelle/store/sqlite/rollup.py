"""The statistics of days, kept by year, probe and time zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import zstandard

from margelle.domain.series import DayStatistics, midnight
from margelle.store import days as codec
from margelle.store import rules
from margelle.store.chunk import Column
from margelle.store.sqlite.chunks import Chunks
from margelle.store.sqlite.database import Database

_DAY: Final = timedelta(days=1)
_FAR: Final = 2**63 - 1
_ZONE: Final = """
SELECT json_extract(site.doc, '$.time_zone') FROM probe JOIN site ON site.id = probe.site WHERE probe.id = ?
"""

Days = dict[str, dict[date, DayStatistics]]


class Rollup:
    """Tables rolled and year."""

    def __init__(self, db: Database, chunks: Chunks) -> None:
        self._db, self._chunks = db, chunks

    def until(self, probe: int, zone: str) -> int | None:
        """Before which instant days are known; None where none is."""
        rows = self._db.read("SELECT until FROM rolled WHERE probe = ? AND zone = ?", (probe, zone))
        return rows[0][0] if rows else None

    def read(self, probe: int, zone: str, quantity: str, since: date, until: date) -> list[DayStatistics]:
        """The known days with since <= day < until."""
        years = self._years(probe, zone, since.year, until.year)
        found = [day for told in years for day in self._decoded(told, quantity).get(quantity, ())]
        if found and not (since <= found[0].day and found[-1].day < until):
            found = [day for day in found if since <= day.day < until]
        return found

    def all(self, probe: int, zone: str, quantity: str) -> list[DayStatistics]:
        """All known days."""
        years = self._years(probe, zone, date.min.year, date.max.year)
        return [day for told in years for day in self._decoded(told, quantity).get(quantity, ())]

    def renew(self, probe: int, name: str, touched: Iterable[int]) -> None:
        """Compute anew the days of these instants, and go on to the chunks that may still grow, in UTC and the zone of the probe's site."""
        settled_us, instants = self._chunks.settled(probe), sorted(set(touched))
        for zone in self._zones(probe, name):
            try:
                self._renew(probe, ZoneInfo(zone), zone, settled_us, instants)
            except (
                OverflowError
            ):  # a day beyond the calendar, a sum beyond all floats: they are computed when asked for
                self.drop(probe, zone)

    def drop(self, probe: int, zone: str) -> None:
        """Forget what is known of a probe in a zone."""
        for table in ("rolled", "year"):
            self._db.connection.execute(f"DELETE FROM {table} WHERE probe = ? AND zone = ?", (probe, zone))  # noqa: S608

    def _zones(self, probe: int, name: str) -> list[str]:
        """UTC and the zone of the site; what is known in others is dropped."""
        wanted = {"UTC", *filter(_is_zone, self._site_zones(name))}
        for zone in self._known_zones(probe):
            if zone not in wanted:
                self.drop(probe, zone)
        return sorted(wanted)

    def _renew(self, probe: int, zone: ZoneInfo, name: str, settled_us: int | None, instants: Sequence[int]) -> None:
        known_us = self.until(probe, name)
        old_us = -_FAR if known_us is None else known_us
        until_us = old_us if settled_us is None else max(old_us, _begin(settled_us, zone))
        early = [at_us for at_us in instants if at_us < old_us]
        spans = _day_spans(early, zone)
        if until_us > old_us:
            spans.append((old_us, until_us))
        for since_us, end_us in spans:
            self._compute(probe, zone, name, since_us, end_us)
        if spans:
            self._keep_until(probe, name, until_us)

    def _compute(self, probe: int, zone: ZoneInfo, name: str, since_us: int, until_us: int) -> None:
        """Put what the chunks say of since <= at < until, whole days, in the place of what is known of these days."""
        found: Days = defaultdict(dict)
        columns: defaultdict[str, list[Column]] = defaultdict(list)
        for part in self._chunks.columns(probe, since_us, until_us, None):
            for quantity, column in part.items():
                columns[quantity].append(column)
        for quantity, parts in columns.items():
            for day in codec.statistics(joined(parts), zone, since_us, until_us):
                found[quantity][day.day] = day
        self._put(probe, zone, name, found, since_us, until_us)

    def _put(self, probe: int, zone: ZoneInfo, name: str, found: Days, since_us: int, until_us: int) -> None:
        first = codec.day(since_us, zone) if since_us > -_FAR else date.min
        end = codec.day(until_us, zone)
        years = {day.year for of_one in found.values() for day in of_one} | (
            {first.year, (end - _DAY).year} if first > date.min else set()
        )
        for year in sorted(years):
            known = self._year(probe, name, year)
            for quantity in {*known, *found}:
                stay = {day: one for day, one in known.get(quantity, {}).items() if not first <= day < end}
                new = {day: one for day, one in found.get(quantity, {}).items() if day.year == year}
                known[quantity] = stay | new
            in_order = {quantity: [of_one[day] for day in sorted(of_one)] for quantity, of_one in known.items()}
            self._keep_year(probe, name, year, codec.encode(in_order))

    def _year(self, probe: int, name: str, year: int) -> Days:
        years = self._years(probe, name, year, year)
        known = self._decoded(years[0], None) if years else {}
        return {quantity: {one.day: one for one in of_one} for quantity, of_one in known.items()}

    # --- the tables

    def _site_zones(self, name: str) -> list[str]:
        """The time zone of the probe's site, if that is known."""
        return [zone for (zone,) in self._db.read(_ZONE, (name,))]

    def _known_zones(self, probe: int) -> list[str]:
        return [zone for (zone,) in self._db.read("SELECT zone FROM rolled WHERE probe = ?", (probe,))]

    def _keep_until(self, probe: int, zone: str, until_us: int) -> None:
        sql = "INSERT INTO rolled VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until"
        self._db.connection.execute(sql, (probe, zone, until_us))

    def _years(self, probe: int, zone: str, first: int, last: int) -> list[bytes]:
        sql = "SELECT days FROM year WHERE probe = ? AND zone = ? AND year BETWEEN ? AND ? ORDER BY year"
        return [told for (told,) in self._db.read(sql, (probe, zone, first, last))]

    def _keep_year(self, probe: int, zone: str, year: int, told: bytes) -> None:
        sql = "INSERT INTO year (probe, zone, year, days) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET days = excluded.days"
        self._db.connection.execute(sql, (probe, zone, year, told))

    def _decoded(self, told: bytes, quantity: str | None) -> dict[str, list[DayStatistics]]:
        try:
            return codec.decode(told, quantity)
        except (ValueError, IndexError, msgspec.MsgspecError, zstandard.ZstdError) as error:
            raise self._db.damaged(error) from None


def joined(parts: Sequence[Column]) -> Column:
    """One column of several that follow one another."""
    if len(parts) == 1:
        return parts[0]
    return Column.of([row for part in parts for row in part.rows()])


def _is_zone(name: object) -> bool:
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
