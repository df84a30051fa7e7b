"""Measurements: the latest, a range of them, statistics of days and hours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from margelle.domain.measurement import Measurement
from margelle.domain.series import HourStatistics, by_hour
from margelle.export.row import CHUNK, Day, Hour, Row, Series, chunks, rows
from margelle.export.row import days as day_rows
from margelle.serve.api import cursor
from margelle.serve.api.endpoint import Endpoint, Page, Table, Visit, Written
from margelle.serve.api.params import PAGE, After, Chosen, FirstDay, Limit, NextDay, Since, Until
from margelle.serve.api.problem import bad_field
from margelle.serve.api.seen import probes_seen, series_seen

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOUNDS: Final = (date(1900, 1, 1), date(2200, 1, 1))
_DAYS: Final = 30
"""How far statistics go back where nobody says."""

MOST_HOURS: Final = 24 * 3660
"""Hours in one question: ten years."""


class Latest(Chosen, frozen=True):
    """Which series, and which part of the list."""

    limit: Limit | None = None
    after: After | None = None


class Range(Chosen, frozen=True):
    """Which measurements."""

    since: Since | None = None
    until: Until | None = None
    order: Annotated[Literal["oldest", "newest"], Meta(description="Which come first, in each series.")] = "oldest"
    limit: Annotated[
        Limit | None, Meta(description=f"At most so many. Without it JSON has {PAGE}, every other form all.")
    ] = None
    after: After | None = None


class Days(Chosen, frozen=True):
    """Of which days, by which calendar."""

    since: FirstDay | None = None
    until: NextDay | None = None
    time_zone: (
        Annotated[
            str, Meta(max_length=100, description="An IANA name, whose days are meant. Default: that of each site.")
        ]
        | None
    ) = None
    limit: Limit | None = None
    after: After | None = None


class Hours(Chosen, frozen=True):
    """Of which hours."""

    since: Since | None = None
    until: Until | None = None
    limit: Limit | None = None
    after: After | None = None


class Place(Struct, frozen=True, array_like=True):
    """Behind which row of which series."""

    probe: str
    quantity: str
    at: int


_SpanOfDays = tuple[Series, date, str]


async def latest(visit: Visit, asked: Latest) -> Table:
    """The newest measurement of each series."""
    found = await probes_seen(visit, asked.site, asked.probe)
    wanted = (
        {one.quantity for one in await series_seen(visit, asked.site, asked.probe, asked.quantity)}
        if asked.quantity
        else None
    )
    behind = cursor.read(asked.after, Place)

    async def told() -> AsyncIterator[list[Row]]:
        for probe in found:
            points = (await visit.store.latest(probe.id, visit.now)).values()
            some = [
                point
                for point in points
                if (wanted is None or point.quantity in wanted)
                and (behind is None or (point.probe, point.quantity) > (behind.probe, behind.quantity))
            ]
            yield rows(some, probe.site, visit.rooms.catalogue)

    return _table(visit, Row, told(), asked.limit)


async def measurements(visit: Visit, asked: Range) -> Table | Written:
    """Measurements, series by series."""
    _demand_order(asked.since, asked.until)
    newest = asked.order == "newest"
    spans = await _spans(visit, asked)
    if visit.form == "json":
        return await _page(visit, spans, asked.limit or PAGE, newest=newest)
    size = min(CHUNK, asked.limit + 1) if asked.limit else CHUNK

    async def told() -> AsyncIterator[list[Row]]:
        for series, since, until in spans:
            async for points in chunks(visit.store, series, since, until, descending=newest, size=size):
                yield rows(points, series.site, visit.rooms.catalogue)

    return _table(visit, Row, told(), asked.limit)


async def _spans(visit: Visit, asked: Range) -> Iterator[tuple[Series, datetime | None, datetime | None]]:
    """What is asked of each series: from when and until when."""
    behind = cursor.read(asked.after, Place)
    chosen = _behind(await series_seen(visit, asked.site, asked.probe, asked.quantity), behind)

    def spans() -> Iterator[tuple[Series, datetime | None, datetime | None]]:
        for series in chosen:
            since, until = asked.since, asked.until
            if behind is not None and (series.probe, series.quantity) == (behind.probe, behind.quantity):
                since, until = _rest(since, until, _instant(behind.at), newest=asked.order == "newest")
            yield series, since, until

    return spans()


async def _page(
    visit: Visit, spans: Iterator[tuple[Series, datetime | None, datetime | None]], limit: int, *, newest: bool
) -> Written:
    """At most `limit` measurements as JSON. One more is looked for, to know whether there are others behind them."""
    parts: list[bytes | memoryview] = []
    last: Place | None = None
    for series, since, until in spans:
        asked = (series.probe, series.quantity, since, until, limit + 1)
        for found in await visit.store.slices(*asked, descending=newest):
            some = found.cut(limit, newest=newest)
            if len(some):
                parts.append(visit.rooms.fragments.told(some, series, descending=newest))
                at_us = some.points.times[some.first if newest else some.last - 1]
                last = Place(series.probe, series.quantity, at_us)
                limit -= len(some)
            if len(found) > len(some):
                return Written(parts, cursor.told(last))
    return Written(parts)


async def days(visit: Visit, asked: Days) -> Table | Written:
    """Statistics of days."""
    until = asked.until or visit.now.date() + _DAY
    since = asked.since or max(until, _BOUNDS[0] + _DAYS * _DAY) - _DAYS * _DAY
    for name, day in (("since", since), ("until", until)):
        if not _BOUNDS[0] <= day <= _BOUNDS[1]:
            raise bad_field(name, f"it is between {_BOUNDS[0]} and {_BOUNDS[1]}")
    _demand_order(since, until)
    spans = await _spans_of_days(visit, asked, since, until)
    if visit.form == "json":
        return await _page_of_days(visit, spans, until, asked.limit or PAGE)

    async def told() -> AsyncIterator[list[Day]]:
        for series, first, zone in spans:
            found = await visit.store.statistics(series.probe, series.quantity, first, until, zone)
            yield day_rows(found, series, zone, await _unit(visit, series) if found else "")

    return _table(visit, Day, told(), asked.limit)


async def _spans_of_days(visit: Visit, asked: Days, since: date, until: date) -> list[_SpanOfDays]:
    """What is asked of each series: from which day, and of which time zone."""
    zone = zone_named(asked.time_zone)
    behind = cursor.read(asked.after, Place)
    sites = {} if zone else (await visit.rooms.lookout.sights(visit.caller.user.email)).sites
    zones = {one.id: known_zone(one.time_zone) for one in sites.values()}
    found: list[_SpanOfDays] = []
    for series in _behind(await series_seen(visit, asked.site, asked.probe, asked.quantity), behind):
        first = since
        if behind is not None and (series.probe, series.quantity) == (behind.probe, behind.quantity):
            first = max(since, date.fromordinal(min(max(behind.at, 1), _BOUNDS[1].toordinal())) + _DAY)
        if first < until:
            found.append((series, first, zone or zones.get(series.site, "UTC")))
    return found


async def _page_of_days(visit: Visit, spans: list[_SpanOfDays], until: date, limit: int) -> Written:
    """At most `limit` days as JSON."""
    parts: list[bytes | memoryview] = []
    last: Place | None = None
    for series, since, zone in spans:
        for found in await visit.store.days(series.probe, series.quantity, since, until, zone):
            some = found.cut(limit)
            if len(some):
                parts.append(visit.rooms.fragments.days(some, series, zone, await _unit(visit, series)))
                last = Place(series.probe, series.quantity, some.told()[-1].day.toordinal())
                limit -= len(some)
            if len(found) > len(some):
                return Written(parts, cursor.told(last))
    return Written(parts)


async def hours(visit: Visit, asked: Hours) -> Table:
    """Statistics of hours."""
    until = asked.until or visit.now.replace(minute=0, second=0, microsecond=0) + _HOUR
    since = asked.since or max(until, _EPOCH + _DAYS * _DAY) - _DAYS * _DAY
    _demand_order(since, until)
    if (until - since) // _HOUR > MOST_HOURS:
        raise bad_field("since", f"it is at most {MOST_HOURS} hours before until")
    behind = cursor.read(asked.after, Place)
    chosen = _behind(await series_seen(visit, asked.site, asked.probe, asked.quantity), behind)

    async def told() -> AsyncIterator[list[Hour]]:
        for series in chosen:
            first = since
            if behind is not None and (series.probe, series.quantity) == (behind.probe, behind.quantity):
                first = max(since, _instant(behind.at) + _HOUR)
            async for found in _hours_of(visit, series, first, until):
                yield found

    return _table(visit, Hour, told(), asked.limit)


async def _hours_of(visit: Visit, series: Series, since: datetime, until: datetime) -> AsyncIterator[list[Hour]]:
    """Chunk by chunk; the hour in which a chunk ends is told with the next one."""
    waiting: list[Measurement] = []
    async for points in chunks(visit.store, series, since, until):
        waiting += points
        last = waiting[-1].at.replace(minute=0, second=0, microsecond=0)
        yield await _told_hours(visit, series, by_hour(point for point in waiting if point.at < last))
        waiting = [point for point in waiting if point.at >= last]
    yield await _told_hours(visit, series, by_hour(waiting))


async def _told_hours(visit: Visit, series: Series, found: Sequence[HourStatistics]) -> list[Hour]:
    unit = await _unit(visit, series) if found else ""
    named = (series.probe, series.site, series.quantity, unit)
    return [
        Hour(one.at, *named, one.count, one.minimum, one.maximum, one.mean, one.median, one.doubtful) for one in found
    ]


async def _unit(visit: Visit, series: Series) -> str:
    known = visit.rooms.catalogue.get(series.quantity)
    if known is not None:
        return known.unit.value
    newest = (await visit.store.latest(series.probe, visit.now)).get(series.quantity)
    return newest.raw_unit.value if newest else ""


def _table(visit: Visit, kind: type[Struct], told: AsyncIterator[Sequence[Struct]], limit: int | None) -> Table:
    return Table(kind, told, limit or (PAGE if visit.form == "json" else None), _CURSORS[kind])


def _behind(found: list[Series], behind: Place | None) -> Iterator[Series]:
    if behind is None:
        return iter(found)
    return (one for one in found if (one.probe, one.quantity) >= (behind.probe, behind.quantity))


def _rest(
    since: datetime | None, until: datetime | None, at: datetime, *, newest: bool
) -> tuple[datetime | None, datetime | None]:
    """What of since <= at < until comes behind `at`, in this order."""
    if newest:
        return since, at if until is None else min(until, at)
    return (at + _MICROSECOND if since is None else max(since, at + _MICROSECOND)), until


def _demand_order(since: Any, until: Any) -> None:
    if since is not None and until is not None and since >= until:
        raise bad_field("since", "it is before until")


def zone_named(name: str | None) -> str | None:
    """The zone with this name; None where there is none. Raises BadFields."""
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise bad_field("time_zone", "it is an IANA name such as Europe/Paris") from error


def known_zone(name: str) -> str:
    """The zone of a site; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):
        return "UTC"


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(at_us: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=at_us)
    except OverflowError as error:
        raise bad_field("after", "it is not the `next` of an earlier answer") from error


_CURSORS: Final[dict[type[Struct], Callable[[Any], str]]] = {
    Row: lambda row: cursor.told(Place(row.probe, row.quantity, _micros(row.at))),
    Hour: lambda row: cursor.told(Place(row.probe, row.quantity, _micros(row.at))),
    Day: lambda row: cursor.told(Place(row.probe, row.quantity, row.day.toordinal())),
}


ENDPOINTS: Final = (
    Endpoint("GET", "/latest", "measurements", "The newest measurement of each series.", latest, Latest, answer=Page[Row], rows=Row, tagged="body", kept=True, errors=(404,)),
    Endpoint("GET", "/measurements", "measurements", "Measurements with since <= at < until, series by series (by probe, then quantity), in each the oldest or newest first.", measurements, Range, answer=Page[Row], rows=Row, tagged="store", kept=True, errors=(404,)),
    Endpoint("GET", "/statistics/days", "measurements", f"Statistics of each calendar day that has a valid value; of the last {_DAYS} days where nothing is said.", days, Days, answer=Page[Day], rows=Day, tagged="store", kept=True, errors=(404,)),
    Endpoint("GET", "/statistics/hours", "measurements", f"Statistics of each hour that has a valid value; of the last {_DAYS} days where nothing is said.", hours, Hours, answer=Page[Hour], rows=Hour, tagged="store", kept=True, errors=(404,)),
)  # fmt: skip
"""In the order of the docs."""
