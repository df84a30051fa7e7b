"""`POST /api/v1/measurements`: points are sent here, and each is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from margelle.domain.quantity import Catalogue
from margelle.domain.site import OWN, Probe
from margelle.errors import BadInput
from margelle.intake import table
from margelle.intake.form import Entry, Form, Json, Ndjson
from margelle.intake.keep import Outcome, count, keep
from margelle.intake.point import Arrival, Point, Told, measurement_of, probe_named
from margelle.serve.api.endpoint import Endpoint, Nothing, Visit
from margelle.serve.api.problem import details

ORIGIN: Final = "own/http"
MOST_POINTS: Final = 20_000
"""In one request."""

FORMS: Final[dict[str, Callable[[], Form]]] = {
    "application/json": Json,
    "application/x-ndjson": Ndjson,
    "application/jsonl": Ndjson,
    "text/csv": table.points,
}
"""By media type."""


class Kept(Struct, frozen=True):
    """What became of the points that were sent: how many of each verdict, and each of `points` in their order."""

    new: int
    same: int
    corrected: int
    refused: int
    points: list[Outcome]


async def send_measurements(visit: Visit, _: Nothing) -> Response:
    """Keep what was sent."""
    request = visit.request
    form = _form(request)
    if form is None:
        return details(415, f"Send one of {', '.join(FORMS)}, in UTF-8 and not compressed.")
    probes = await _own_probes(visit)
    arrivals = [_arrival(entry, probes, visit.rooms.catalogue) for entry in await _entries(request, form)]
    if not arrivals:
        raise BadInput("There is no point in the body.")
    strict = "handling=strict" in request.headers.get("prefer", "").replace(" ", "").split(",")
    outcomes = await keep(visit.store, arrivals, visit.now, visit.rooms.catalogue, strict=strict)
    counts = count(outcomes)
    if counts["refused"] and (strict or counts["refused"] == len(outcomes)):
        refused = [outcome for outcome in outcomes if outcome.verdict == "refused"]
        detail = f"{len(refused)} of {len(outcomes)} points cannot be kept, so none was."
        return details(422, detail, points=refused)
    applied = {"preference-applied": "handling=strict"} if strict else None
    return Response(msgspec.json.encode(Kept(**counts, points=outcomes)), 200, applied, "application/json")


async def _own_probes(visit: Visit) -> dict[str, Probe]:
    """The probes to which the caller may send, by id: those of the hub's own sites."""
    sites = await visit.store.sites(seen_by=visit.caller.user.email)
    theirs = [site.id for site in sites if site.vendor == OWN and visit.caller.may("measure", site.id)]
    return {probe.id: probe for site in theirs for probe in await visit.store.probes(site)}


def _arrival(entry: Entry, probes: dict[str, Probe], catalogue: Catalogue) -> Arrival:
    if entry.fault:
        return Arrival(entry.n, fault=entry.fault)
    point: Point = entry.told.point() if isinstance(entry.told, Told) else entry.told
    try:
        probe = probe_named(point.probe, probes)
        return Arrival(entry.n, measurement_of(point, probe, catalogue, ORIGIN))
    except BadInput as error:
        return Arrival(entry.n, fault=str(error))


def _form(request: Request) -> Form | None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = request.headers.get("content-encoding", "identity").lower() != "identity"
    return FORMS[media_type]() if media_type in FORMS and not packed else None


async def _entries(request: Request, form: Form) -> list[Entry]:
    """What the body holds, read as it arrives. Raises BadInput where it is broken or has too many points."""
    found: list[Entry] = []
    async for chunk in request.stream():
        found += form.feed(chunk)
        if len(found) > MOST_POINTS:
            break
        await asyncio.sleep(0)  # others are served between the pieces of a long body
    else:
        found += form.close()
    if len(found) > MOST_POINTS:
        raise BadInput(f"There are more than {MOST_POINTS} points in one body.")
    return found


ENDPOINTS: Final = (
    Endpoint("POST", "/measurements", "measurements", "Send measurements to sites of the hub's own; each point is answered.", send_measurements, answer=Kept, scope="measure", sent=tuple(FORMS), errors=(413, 415, 422)),
)  # fmt: skip
"""In the order of the docs."""
