"""The public page of one site, for bathers and for a display on a wall: whoever has its address reads it, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.access import allows
from margelle.domain.measurement import Measurement
from margelle.domain.site import Site
from margelle.errors import NotFound
from margelle.intake.hand import TAKEN_BACK, means_of
from margelle.serve.pages.figures import ago, clock_time
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.paper import page
from margelle.serve.pages.tile import Scene, Tile, tile
from margelle.serve.pages.visit import Visit

REFRESH_S: Final = 300
"""How often a display looks again: probes measure hourly."""

SILENT_AFTER: Final = timedelta(hours=24)
"""What is older says nothing to whoever is about to bathe, however it was measured."""

SHOWN: Final = (
    ("temperature",),
    ("ph",),
    ("free_chlorine", "free_chlorine_estimate", "bromine", "bromine_estimate", "active_oxygen", "orp"),
)
"""What bathers are shown: of each row the first that was measured lately, else the first that was ever."""


class Figure(Struct, frozen=True):
    """A big figure with its age; `state` is one of good, watch (beyond what is ideal), act (beyond what is tolerable), trouble (doubted), silent; empty without limits."""

    tile: Tile
    state: str
    age: str


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/p/{token}", _board, door=True),)


AREA = Area(_routes)


async def _board(visit: Visit) -> Response:
    site = await _site(visit)
    points = await _points(visit, site)
    newest = max((point.at for point in points), default=None)
    answer = page(
        "board.html",
        visit.words,
        title=visit.hall.look.title,
        demo=visit.hall.look.demo,
        site=site,
        figures=[_figure(visit, site, point, max(points, key=_at).at) for point in points],
        by_hand=any(means_of(point) for point in points),
        measured=clock_time(newest, visit.zone(site), visit.now, visit.words.language) if newest else "",
        measured_iso=newest.isoformat() if newest else "",
        refresh_s=REFRESH_S,
    )
    return _revalidated(visit, answer)


async def _site(visit: Visit) -> Site:
    """The site of a link that is still good, and whose maker still owns the site. Raises NotFound."""
    held = await visit.hall.sessions.desk.held("link", visit.request.path_params["token"])
    if held is not None:
        user, link = held
        found = await visit.store.site(link.site)
        if found is not None and allows((await visit.store.roles(user.email)).get(found.id), "manage"):
            return found
    raise NotFound("This link was taken back, or has expired.")


async def _points(visit: Visit, site: Site) -> list[Measurement]:
    """What is shown, in its order: the newest sound value of any probe, measured by hand or not."""
    newest: dict[str, Measurement] = {}
    for probe in await visit.store.probes(site.id):
        for quantity, point in (await visit.store.latest(probe.id, visit.now)).items():
            stands = point.value is not None and TAKEN_BACK not in point.doubts
            if stands and (quantity not in newest or point.at > newest[quantity].at):
                newest[quantity] = point
    rows = [[newest[quantity] for quantity in row if quantity in newest] for row in SHOWN]
    return [_best(visit, row) for row in rows if row]


def _best(visit: Visit, row: list[Measurement]) -> Measurement:
    lately = [point for point in row if point.valid and visit.now - point.at < SILENT_AFTER]
    return lately[0] if lately else max(row, key=_at)


def _at(point: Measurement) -> datetime:
    return point.at


def _figure(visit: Visit, site: Site, point: Measurement, newest: datetime) -> Figure:
    look = visit.hall.look
    scene = Scene(visit.words, visit.now, newest, visit.hall.titles, look.catalogue)
    bands = look.showing.limits(site, {point.quantity})
    shown = tile(scene, point, bands=bands.get(point.quantity))
    return Figure(shown, _state(visit, point, shown), ago(point.at, visit.now, visit.words))


def _state(visit: Visit, point: Measurement, shown: Tile) -> str:
    if visit.now - point.at >= SILENT_AFTER:
        return "silent"
    if not point.valid:
        return "trouble"
    return "act" if shown.far else "watch" if shown.outside else "good" if shown.verdict else ""


def _revalidated(visit: Visit, answer: Response) -> Response:
    """The answer, which a browser may keep and shows again only after it has asked: a link that was taken back is gone at the next look."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:20]}"'
    answer.headers.update(
        {
            "cache-control": "private, no-cache",
            "etag": tag,
            "referrer-policy": "no-referrer",
            "x-robots-tag": "noindex, nofollow, noarchive",
            "vary": "accept-language",
        }
    )
    if visit.request.headers.get("if-none-match") == tag:
        kept = {
            name: answer.headers[name] for name in ("cache-control", "etag", "vary", "referrer-policy", "x-robots-tag")
        }
        return Response(status_code=304, headers=kept)
    return answer
