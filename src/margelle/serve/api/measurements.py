"""`POST /api/v1/measurements`: points are sent here, and each is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe
from margelle.errors import BadInput, MargelleError, StoreError
from margelle.intake import table
from margelle.intake.form import Entry, Form, Json, Ndjson
from margelle.intake.keep import count, keep, own_probes
from margelle.intake.point import Arrival, Point, Told, measurement_of, probe_named
from margelle.ports import Clock, Store
from margelle.serve.api import API, NAME
from margelle.serve.api.problem import details, of_error
from margelle.serve.api.visitor import visitor
from margelle.serve.sign_in import Attempts, FaceDesk

_log: Final = logging.getLogger("margelle.serve")

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


def routes(store: Store, clock: Clock, attempts: Attempts, catalogue: Catalogue) -> list[BaseRoute]:
    """The routes of the API. Refused logins count with those at the faces and pages that share `attempts`."""
    intake = _Intake(store, clock, catalogue, FaceDesk(NAME, store, clock, attempts))
    return [Route(f"{API}measurements", intake.post, methods=["POST"])]


class _Intake:
    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue, desk: FaceDesk) -> None:
        self._store, self._clock, self._catalogue, self._desk = store, clock, catalogue, desk

    async def post(self, request: Request) -> Response:
        """Keep what was sent."""
        try:
            return await self._post(request)
        except MargelleError as error:
            if isinstance(error, StoreError):
                _log.error("Measurements that were sent cannot be kept: %s", error)
            return of_error(error)

    async def _post(self, request: Request) -> Response:
        user = await visitor(request, self._desk)
        form = _form(request)
        if form is None:
            return details(415, f"Send one of {', '.join(FORMS)}, in UTF-8 and not compressed.")
        probes = await own_probes(self._store, user.email)
        arrivals = [self._arrival(entry, probes) for entry in await _entries(request, form)]
        if not arrivals:
            raise BadInput("There is no point in the body.")
        strict = "handling=strict" in request.headers.get("prefer", "").replace(" ", "").split(",")
        outcomes = await keep(self._store, arrivals, self._clock(), self._catalogue, strict=strict)
        counts = count(outcomes)
        if counts["refused"] and (strict or counts["refused"] == len(outcomes)):
            refused = [outcome for outcome in outcomes if outcome.verdict == "refused"]
            detail = f"{len(refused)} of {len(outcomes)} points cannot be kept, so none was."
            return details(422, detail, points=refused)
        applied = {"preference-applied": "handling=strict"} if strict else None
        return Response(msgspec.json.encode({**counts, "points": outcomes}), 200, applied, "application/json")

    def _arrival(self, entry: Entry, probes: dict[str, Probe]) -> Arrival:
        if entry.fault:
            return Arrival(entry.n, fault=entry.fault)
        point: Point = entry.told.point() if isinstance(entry.told, Told) else entry.told
        try:
            probe = probe_named(point.probe, probes)
            return Arrival(entry.n, measurement_of(point, probe, self._catalogue, ORIGIN))
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
