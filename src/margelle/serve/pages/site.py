"""`/sites/{site}`: the curves of a site with their limits, doubts and events; its statistics, its table, its print, and what is seen as a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.domain.series import DayStatistics, by_day, midnight
from margelle.export import text
from margelle.export.row import COLUMNS, Series, chunks, rows
from margelle.intake.own import word
from margelle.serve.glance import MINOR, Glance
from margelle.serve.held import Duty, duties
from margelle.serve.line import MOST_POINTS, Track
from margelle.serve.pages.accounts import origins
from margelle.serve.pages.card import about, places, scene, todo
from margelle.serve.pages.chart import (
    chart,
    doubtful,
    embedded,
    encoded,
    figures,
    label,
    standing,
    statistics,
    tracks,
    view,
)
from margelle.serve.pages.figures import ago, clock_time, date_of, duty_of, moment
from margelle.serve.pages.glance import glance
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.happening import told
from margelle.serve.pages.paper import packed
from margelle.serve.pages.period import SHORTEST, SPANS, Period, Span, period
from margelle.serve.pages.row import why
from margelle.serve.pages.tile import Scene
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Words
from margelle.serve.plot import Hole, Plot, beginning, plot

MOST_REASONS: Final = 6
MOST_DOUBTFUL: Final = 50
UNDER_SCRIPT: Final = 180
"""Points of a line that the page draws itself, until a script draws all of them in their place: a week of hours, or half of the days of a year."""
ROWS_OF_READINGS_UP_TO: Final = timedelta(days=2)
"""The table of a longer period has a row for each day."""


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (
        hall.page("/sites/{site}", _site, asked=True),
        hall.page("/sites/{site}/plot", _plot, asked=True),
        hall.page("/sites/{site}/table", _table, asked=True),
        hall.page("/sites/{site}/print", _print, asked=True),
        hall.page("/sites/{site}/measurements.csv", _csv, asked=True),
        hall.page("/sites/{site}/measurements.ndjson", _ndjson, asked=True),
    )


AREA = Area(_routes)


class Scope(Struct, frozen=True):
    """A site, the period that is shown of it, and what is drawn."""

    one: Glance
    period: Period
    drawn: Plot


class Happening(Struct, frozen=True):
    """What was done, when and by whom; or a stretch without readings."""

    at: str
    what: str
    note: str


class Instant(Struct, frozen=True):
    """A row of the table: when, and a cell for each column (empty where nothing was measured)."""

    at: str
    cells: tuple[str, ...]


async def _site(visit: Visit) -> Response:
    """The page of a site."""
    scope = await _scope(visit)
    shown = chart(visit, scope.one, scope.drawn)
    doubted = doubtful(visit, scope.one, shown)
    return visit.page(
        "site.html",
        **_head(visit, scope),
        nothing=await _nothing(visit, scope.one, scope.period) if not scope.drawn.panels else "",
        data=embedded(shown),
        least_s=SHORTEST // timedelta(seconds=1),
        doubtful=doubted[:MOST_DOUBTFUL],
        doubted=len(doubted),
        todo=[todo(visit, scope.one.site, visit.zone(scope.one.site), each) for each in scope.one.advice],
        links=visit.hall.at_site(visit.caller, scope.one.site.id),
        origins=await origins(visit, scope.one.site),
        newest=scope.one.condition.newest.isoformat() if scope.one.condition.newest else "",
    )


async def _print(visit: Visit) -> Response:
    """The site on paper: everything drawn here, nothing to click."""
    scope = await _scope(visit, default="month")
    shown = chart(visit, scope.one, scope.drawn)
    doubted = doubtful(visit, scope.one, shown)
    zone = visit.zone(scope.one.site)
    return visit.page(
        "print.html",
        **_head(visit, scope, MOST_POINTS),
        doubtful=doubted[:MOST_DOUBTFUL],
        doubted=len(doubted),
        is_now=scope.period.until == visit.now or _in(scope.period, scope.one.condition.newest),
        printed=clock_time(visit.now, zone, visit.now, visit.words.language),
        printed_on=date_of(visit.now, zone, visit.words.language),
        todo=[todo(visit, scope.one.site, zone, each) for each in scope.one.advice],
    )


async def _plot(visit: Visit) -> Response:
    """The plot of a period, as JSON for a program."""
    scope = await _scope(visit)
    answer = Response(
        encoded(chart(visit, scope.one, scope.drawn)),
        media_type="application/json",
        headers={"cache-control": "private, no-cache"},
    )
    return packed(answer, visit.request.headers.get("accept-encoding", ""))


async def _scope(visit: Visit, default: Span = "week") -> Scope:
    """What the path and the query ask for."""
    one = await glance(visit, await visit.site())
    wanted = await _period(visit, one, default)
    drawn = await plot(visit.store, one.site.id, tracks(one), view(visit, one, wanted.since, wanted.until))
    return Scope(one, wanted, drawn)


async def _period(visit: Visit, one: Glance, default: Span = "week") -> Period:
    asked, zone = visit.request.query_params, visit.zone(one.site)
    found = period(asked, zone, visit.now, default=default)
    if found.span != "all":
        return found
    return period(asked, zone, visit.now, await beginning(visit.store, tracks(one)), default=default)


async def _nothing(visit: Visit, one: Glance, wanted: Period) -> str:
    """Where else there are readings, of a site without any in this period; empty where there are none at all."""
    newest, first = one.condition.newest, await beginning(visit.store, tracks(one))
    if newest is None or first is None:
        return ""
    where, language = visit.zone(one.site), visit.words.language
    if newest < wanted.since:
        return visit.words("site.nothing_after", day=date_of(newest, where, language))
    if first >= wanted.until:
        return visit.words("site.nothing_before", day=date_of(first, where, language))
    return visit.words("site.nothing_between")


def _in(wanted: Period, at: datetime | None) -> bool:
    return at is not None and wanted.since <= at < wanted.until


def _head(visit: Visit, scope: Scope, most: int = UNDER_SCRIPT) -> dict[str, Any]:
    """What the page and its print have in common; lines are drawn with at most `most` points."""
    one, wanted, words = scope.one, scope.period, visit.words
    zone, newest = visit.zone(one.site), one.condition.newest
    since, until = wanted.ends(zone, visit.now, words.language)
    return {
        "site": one.site,
        "base": f"/sites/{quote(one.site.id, safe=':@')}",
        "about": about(words, one.site),
        "state": one.condition.state,
        "why": why(visit, one, scene(visit, one), MOST_REASONS),
        "age": ago(newest, visit.now, words) if newest else "",
        "at": clock_time(newest, zone, visit.now, words.language) if newest else "",
        "period": wanted,
        "spans": tuple(SPANS),
        "after": wanted.after(visit.now),
        "since": since,
        "until": until,
        "told": since if since == until else words("site.period", since=since, until=until),
        "days": (*wanted.days(zone), f"{visit.now.astimezone(zone):%Y-%m-%d}"),
        "zone": zone.key,
        "step_days": scope.drawn.step_s // 86400,
        "standing": standing(visit, one),
        "figures": figures(visit, one, scope.drawn, most),
        "minor": MINOR,
        "statistics": statistics(visit, one, scope.drawn),
        "happenings": _happenings(visit, scope),
        "sources": {bands.source for bands in one.bands.values() if bands.source},
    }


def _happenings(visit: Visit, scope: Scope) -> list[Happening]:
    """What was done and where readings are missing, the newest first."""
    zone, language = visit.zone(scope.one.site), visit.words.language
    found = [
        (mark.at, Happening(moment(mark.event.at, zone, language), told(visit.words, mark.event), mark.event.note))
        for mark in scope.drawn.marks
    ]
    found += [(since, Happening(when, what, "")) for since, when, what in _holes(visit, scope)]
    return [each for _, each in sorted(found, key=lambda one: -one[0])]


def _holes(visit: Visit, scope: Scope) -> Iterator[tuple[int, str, str]]:
    """Where readings are missing: since when, when in words, and of what. Each stretch of a probe is told once, with its quantities."""
    zone, language, around = visit.zone(scope.one.site), visit.words.language, scene(visit, scope.one)
    stretches: defaultdict[tuple[str, str, str], list[Hole]] = defaultdict(list)
    for hole in scope.drawn.holes:
        ends = (moment(datetime.fromtimestamp(at, UTC), zone, language) for at in (hole.since, hole.until))
        stretches[hole.probe, hole.state, " – ".join(ends)].append(hole)
    order = {track.quantity: n for n, track in enumerate(tracks(scope.one))}
    for (_, state, when), holes in stretches.items():
        names = sorted({hole.quantity for hole in holes}, key=lambda name: order.get(name, len(order)))
        what = ", ".join(label(around, name) for name in names)
        yield (
            min(hole.since for hole in holes),
            when,
            visit.words("hole.of", what=what, state=visit.words(f"hole.{state}")),
        )


async def _table(visit: Visit) -> Response:
    """The numbers of the period: each reading of a short one, else each day's lowest, median and highest values."""
    one = await glance(visit, await visit.site())
    wanted = await _period(visit, one)
    by_days = wanted.until - wanted.since > ROWS_OF_READINGS_UP_TO
    columns = tracks(one)
    table = await (_days(visit, one, wanted, columns) if by_days else _readings(visit, one, wanted, columns))
    around = scene(visit, one)
    where = places(around, one)
    heads = [" · ".join(filter(None, (label(around, each.quantity), where.get(each.probe, "")))) for each in columns]
    units = [
        around.scale(each.quantity, point.raw_unit).symbol for each, point in zip(columns, one.latest, strict=True)
    ]
    scope = Scope(one, wanted, Plot(0, 1, 0, [], [], []))
    return visit.page(
        "table.html",
        **_head(visit, scope),
        nothing="" if table else await _nothing(visit, one, wanted),
        table=table,
        by_days=by_days,
        heads=list(zip(heads, units, strict=True)),
    )


async def _readings(visit: Visit, one: Glance, wanted: Period, columns: Sequence[Track]) -> list[Instant]:
    around, zone = scene(visit, one), visit.zone(one.site)
    found: dict[datetime, dict[Track, str]] = {}
    for track in columns:
        for point in await visit.store.history(track.probe, track.quantity, wanted.since, wanted.until):
            found.setdefault(point.at, {})[track] = _cell(visit, around, point)
    return [
        Instant(moment(at, zone, visit.words.language), tuple(found[at].get(track, "") for track in columns))
        for at in sorted(found, reverse=True)
    ]


def _cell(visit: Visit, around: Scene, point: Measurement) -> str:
    value = visit.words("nothing") if point.value is None else around.number(point.quantity, point.value)
    return value if point.valid else visit.words("table.doubtful", value=value)


async def _days(visit: Visit, one: Glance, wanted: Period, columns: Sequence[Track]) -> list[Instant]:
    around, zone = scene(visit, one), visit.zone(one.site)
    found: dict[datetime, dict[Track, str]] = {}
    on = await duties(visit.store, columns, view(visit, one, wanted.since, wanted.until), 1)
    for track in columns:
        told = (
            _on_off(visit.words, on[track])
            if track in on
            else _ends(around, track, await _days_of(visit, track, wanted, zone))
        )
        for day, cell in told.items():
            found.setdefault(datetime(day.year, day.month, day.day, 12, tzinfo=zone), {})[track] = cell
    return [
        Instant(date_of(at, zone, visit.words.language), tuple(found[at].get(track, "") for track in columns))
        for at in sorted(found, reverse=True)
    ]


def _ends(around: Scene, track: Track, days: Sequence[DayStatistics]) -> dict[date, str]:
    """The days' lowest, median and highest values."""
    return {
        each.day: " / ".join(
            around.number(track.quantity, value) for value in (each.minimum, each.median, each.maximum)
        )
        for each in days
    }


def _on_off(words: Words, on: Duty) -> dict[date, str]:
    """How what is on or off stood all day, or for how much of the day it was on."""
    return {
        day: words("on" if duty else "off") if duty in {0, 1} else duty_of(words, duty, on.by)
        for day, duty in on.days.items()
    }


async def _days_of(visit: Visit, track: Track, wanted: Period, zone: ZoneInfo) -> list[DayStatistics]:
    """Those of a period of some days: whole ones as they are kept, of the first and the last one what is shown of them."""
    first, end = (at.astimezone(zone).date() for at in (wanted.since, wanted.until))
    if midnight(first, zone) < wanted.since:
        first += timedelta(days=1)
    edges = [
        by_day(await visit.store.history(track.probe, track.quantity, since, until), zone.key)
        for since, until in ((wanted.since, midnight(first, zone)), (midnight(end, zone), wanted.until))
    ]
    whole = await visit.store.statistics(track.probe, track.quantity, first, end, zone.key)
    return [*edges[0], *whole, *edges[1]]


async def _csv(visit: Visit) -> Response:
    return await _file(visit, "csv")


async def _ndjson(visit: Visit) -> Response:
    return await _file(visit, "ndjson")


async def _file(visit: Visit, form: str) -> Response:
    """What is seen, as a file that `margelle import` reads back: all readings of the period, streamed."""
    one = await glance(visit, await visit.site())
    wanted = await _period(visit, one)
    called = word(one.site.name) or one.site.key
    ends = "%Y%m%d" if wanted.whole is None else "%Y%m%dT%H%MZ"
    name = f"margelle-{called}-{wanted.since:{ends}}-{wanted.until:{ends}}.{form}"
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-._") else "-" for letter in name)
    media_type = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    headers = {"content-disposition": f'attachment; filename="{safe}"'}
    return StreamingResponse(_lines(visit, one, wanted, form), media_type=media_type, headers=headers)


async def _lines(visit: Visit, one: Glance, wanted: Period, form: str) -> AsyncIterator[bytes]:
    if form == "csv":
        yield text.csv_head(COLUMNS)
    write = text.csv if form == "csv" else text.ndjson
    for track in tracks(one):
        series = Series(track.probe, track.quantity, one.site.id)
        async for points in chunks(visit.store, series, wanted.since, wanted.until):
            yield write(rows(points, one.site.id, visit.hall.look.catalogue))
