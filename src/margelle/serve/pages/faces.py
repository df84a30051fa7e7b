"""The faces: how to point a client at this hub, and whether it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.ports import Client, Vendor
from margelle.serve.calls import Call
from margelle.serve.pages.figures import clock_time, number, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.visit import Visit

SHOWN: Final = 15
"""So many calls are listed."""


class Line(Struct, frozen=True):
    """One call in the list."""

    time: str
    address: str
    asked: str
    status: int
    took: str
    agent: str
    said: str
    failed: bool


class Edit(Struct, frozen=True):
    """A client with what to write into it, this hub's own address put in."""

    name: str
    family: str
    file: str
    lines: str


class Live(Struct, frozen=True):
    """What arrived at a face; `trouble` is the last call that failed, where it is not in the list."""

    name: str
    calls: tuple[Line, ...]
    trouble: Line | None


class Face(Struct, frozen=True):
    """A vendor's face: where clients find it, in place of which address, and how each is told so."""

    name: str
    title: str
    url: str
    instead: str
    host: str
    edits: tuple[Edit, ...]
    families: tuple[str, ...]


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/hub/faces", _show), hall.page("/hub/faces/{vendor}/calls", _calls))


AREA: Final = Area(_routes, "/hub/faces", backstage=True)


async def _show(visit: Visit) -> Response:
    """One vendor's face, chosen by a tab."""
    chosen = visit.asked("face", visit.hall.vendors[0].name if visit.hall.vendors else "")
    vendor = visit.hall.vendor(chosen)
    premises = visit.hall.backstage.installation.premises()
    base = visit.hall.address(visit.request)
    return visit.page(
        "faces.html",
        face=_face(vendor, base),
        tabs=[(one.name, one.title) for one in visit.hall.vendors],
        live=await _live(visit, vendor) if visit.caller.operator else None,
        premises=premises,
        hub_host=urlsplit(base).hostname or "",
        plain=base.startswith("http://"),
        local=visit.hall.only_here(visit.request),
    )


async def _calls(visit: Visit) -> Response:
    """The list alone, for a page that looks again and again."""
    visit.caller.demand_operator()
    vendor = visit.hall.vendor(visit.request.path_params["vendor"])
    return visit.page("calls.html", live=await _live(visit, vendor))


def _face(vendor: Vendor, base: str) -> Face:
    url = f"{base}/{vendor.name}"
    edits = tuple(_edit(client, url) for client in vendor.clients)
    families = tuple(dict.fromkeys(client.family for client in vendor.clients if client.family != "curl"))
    return Face(vendor.name, vendor.title, url, vendor.base_url, vendor.host, edits, families)


def _edit(client: Client, url: str) -> Edit:
    return Edit(client.name, client.family, client.file, client.lines.replace("{face}", url))


async def _live(visit: Visit, vendor: Vendor) -> Live:
    recent, failed = await visit.hall.calls.recent(vendor.name)
    calls = recent[:SHOWN]
    shown = failed is None or any(call == failed for call in calls)
    return Live(
        vendor.name,
        tuple(_line(visit, call) for call in calls),
        None if shown or failed is None else _line(visit, failed),
    )


def _line(visit: Visit, call: Call) -> Line:
    time = clock_time(call.at, zone(visit.hall.look.time_zone), visit.now, visit.words.language)
    took = f"{number(call.duration_ms, 1 if call.duration_ms < 10 else 0, visit.words.language)} ms"
    asked = f"{call.method} {call.path}"
    return Line(time, call.address, asked, call.status, took, call.agent, call.said, call.failed)
