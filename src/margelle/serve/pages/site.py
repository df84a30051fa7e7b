"""`/sites/{site}`: the curves of a site with their limits, doubts and events; its statistics, its table, its print, and what is seen as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from margelle.domain.measurement import Measurement
from margelle.export import text
from margelle.export.row import COLUMNS, Series, chunks, rows
from margelle.serve.glance import MINOR, Glance
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
    statistics,
    tracks,
    view,
)
from margelle.serve.pages.figures import ago, clock_time, date_of, moment
from margelle.serve.pages.glance import glance
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.happening import told
from margelle.serve.pages.paper import packed
from margelle.serve.pages.period import SPANS, Period, period
from margelle.serve.pages.row import why
from margelle.serve.pages.tile import Scene
from margelle.serve.pages.visit import Visit
from margelle.serve.plot import Plot, beginning, plot

MOST_REASONS: Final = 6
MOST_DOUBTFUL: Final = 50
UNDER_SCRIPT: Final = 180
"""Points of a line that the page draws itself, until a script draws all of them in their place: a week of hours, or half of the days of a year."""
READINGS_UP_TO: Final = timedelta(days=2)
"""The table of a longer period has a row for each day."""


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (
        hall.page("/sites/{site}", _site),
        hall.page("/sites/{site}/plot", _plot),
        hall.page("/sites/{site}/table", _table),
        hall.page("/sites/{site}/print", _print),
        hall.page("/sites/{site}/measurements.csv", _csv),
        hall.page("/sites/{site}/measurements.ndjson", _ndjson),
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
        data=embedded(shown),
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
        printed=clock_time(visit.now, zone, visit.now, visit.words.language),
        printed_on=date_of(visit.now, zone, visit.words.language),
        todo=[todo(visit, scope.one.site, zone, each) for each in scope.one.advice],
    )


async def _plot(visit: Visit) -> Response:
    """The plot of a period, or of a part of it that was zoomed into: drawn, to be put into the site's page, or for a program as JSON."""
    scope = await _scope(visit)
    shown = chart(visit, scope.one, scope.drawn)
    if "text/html" in visit.request.headers.get("accept", ""):
        zone, ends = visit.zone(scope.one.site), (scope.drawn.since, scope.drawn.until)
        since, until = (moment(datetime.fromtimestamp(at, UTC), zone, visit.words.language) for at in ends)
        head = _head(visit, scope, MOST_POINTS) | {"since": since, "until": until}
        return visit.page("charts.html", **head, data=embedded(shown), zoomed=True)
    answer = Response(
        encoded(shown), media_type="application/json", headers={"cache-control": "private, no-cache", "vary": "accept"}
    )
    return packed(answer, visit.request.headers.get("accept-encoding", ""))


async def _scope(visit: Visit, default: str = "week") -> Scope:
    """What the path and the query ask for."""
    one = await glance(visit, await visit.site())
    wanted = await _period(visit, one, default)
    since, until = wanted.since, wanted.until
    zoomed = [_second(visit.asked(name)) for name in ("from", "to")]
    if zoomed[0] is not None and zoomed[1] is not None and since <= zoomed[0] < zoomed[1] <= until:
        since, until = zoomed[0], zoomed[1]
    drawn = await plot(visit.store, one.site.id, tracks(one), view(visit, one, since, until))
    return Scope(one, wanted, drawn)


async def _period(visit: Visit, one: Glance, default: str = "week") -> Period:
    span = visit.asked("span", default)
    first = await beginning(visit.store, tracks(one)) if span == "all" else None
    return period(span, visit.asked("until"), visit.now, first)


def _second(asked: str) -> datetime | None:
    """An instant from the seconds of the epoch."""
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 12):
        return None
    return datetime.fromtimestamp(int(asked), UTC)


def _head(visit: Visit, scope: Scope, most: int = UNDER_SCRIPT) -> dict[str, Any]:
    """What the page and its print have in common; lines are drawn with at most `most` points."""
    one, wanted, words = scope.one, scope.period, visit.words
    zone, newest = visit.zone(one.site), one.condition.newest
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
        "since": moment(wanted.since, zone, words.language),
        "until": moment(wanted.until, zone, words.language),
        "since_day": date_of(wanted.since, zone, words.language),
        "until_day": date_of(wanted.until, zone, words.language),
        "zone": zone.key,
        "step_days": scope.drawn.step_s // 86400,
        "figures": figures(visit, one, scope.drawn, most),
        "minor": MINOR,
        "statistics": statistics(visit, one, scope.drawn),
        "happenings": _happenings(visit, scope),
        "sources": {bands.source for bands in one.bands.values() if bands.source},
    }


def _happenings(visit: Visit, scope: Scope) -> list[Happening]:
    """What was done and where readings are missing, the newest first."""
    zone, language, around = visit.zone(scope.one.site), visit.words.language, scene(visit, scope.one)
    found = [
        (mark.at, Happening(moment(mark.event.at, zone, language), told(visit.words, mark.event), mark.event.note))
        for mark in scope.drawn.marks
    ]
    for hole in scope.drawn.holes:
        since, until = (moment(datetime.fromtimestamp(at, UTC), zone, language) for at in (hole.since, hole.until))
        what = visit.words("hole.of", what=label(around, hole.quantity), state=visit.words(f"hole.{hole.state}"))
        found.append((hole.since, Happening(f"{since} – {until}", what, "")))
    return [each for _, each in sorted(found, key=lambda one: -one[0])]


async def _table(visit: Visit) -> Response:
    """The numbers of the period: each reading of a short one, else each day's lowest, median and highest values."""
    one = await glance(visit, await visit.site())
    wanted = await _period(visit, one)
    by_days = wanted.until - wanted.since > READINGS_UP_TO
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
        "table.html", **_head(visit, scope), table=table, by_days=by_days, heads=list(zip(heads, units, strict=True))
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
    first, last = (at.astimezone(zone).date() for at in (wanted.since, wanted.until))
    found: dict[datetime, dict[Track, str]] = {}
    for track in columns:
        days = await visit.store.statistics(track.probe, track.quantity, first, last + timedelta(days=1), zone.key)
        for each in days:
            texts = [around.number(track.quantity, value) for value in (each.minimum, each.median, each.maximum)]
            noon = datetime(each.day.year, each.day.month, each.day.day, 12, tzinfo=zone)
            found.setdefault(noon, {})[track] = " / ".join(texts)
    return [
        Instant(date_of(at, zone, visit.words.language), tuple(found[at].get(track, "") for track in columns))
        for at in sorted(found, reverse=True)
    ]


async def _csv(visit: Visit) -> Response:
    return await _file(visit, "csv")


async def _ndjson(visit: Visit) -> Response:
    return await _file(visit, "ndjson")


async def _file(visit: Visit, form: str) -> Response:
    """What is seen, as a file that `margelle import` reads back: all readings of the period, streamed."""
    one = await glance(visit, await visit.site())
    wanted = await _period(visit, one)
    name = f"margelle-{one.site.key}-{wanted.since:%Y%m%d}-{wanted.until:%Y%m%d}.{form}"
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
