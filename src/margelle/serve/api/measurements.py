"""`POST /api/v1/measurements`: points are sent here, and each is answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from margelle.errors import BadInput
from margelle.intake import table
from margelle.intake.clerk import SLICE, Clerk
from margelle.intake.form import Form, Json, Ndjson, Part
from margelle.intake.keep import Outcome, count
from margelle.intake.point import Arrival
from margelle.serve.api.capacity import Stay
from margelle.serve.api.endpoint import Endpoint, Nothing, Visit
from margelle.serve.api.problem import details

ORIGIN: Final = "own/http"
MOST_POINTS: Final = 100_000
"""In one request."""

_LARGE_BYTES: Final = 1 << 18
"""Of bodies from this size on one is read at a time, once it is here: read, it takes several times the room."""

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
    request, intake = visit.request, visit.rooms.intake
    form = _form(request)
    if form is None:
        return details(415, f"Send one of {', '.join(FORMS)}, in UTF-8 and not compressed.")
    with intake.capacity.enter(visit.key, int(request.headers.get("content-length", 0))) as stay:
        pieces = await _pieces(request, stay)
        async with intake.turn if sum(map(len, pieces)) >= _LARGE_BYTES else nullcontext():
            clerk = Clerk(await intake.probes(visit.caller), visit.rooms.catalogue, ORIGIN)
            arrivals = await _arrivals(pieces, form, clerk)
            return await _kept(visit, arrivals)


async def _kept(visit: Visit, arrivals: list[Arrival]) -> Response:
    if not arrivals:
        raise BadInput("There is no point in the body.")
    strict = "handling=strict" in visit.request.headers.get("prefer", "").replace(" ", "").split(",")
    refused = [Outcome(one.n, "refused", one.fault) for one in arrivals if one.measurement is None]
    if refused and (strict or len(refused) == len(arrivals)):
        detail = f"{len(refused)} of {len(arrivals)} points cannot be kept, so none was."
        return details(422, detail, points=refused)
    outcomes = await visit.rooms.intake.batches.keep(visit.key, arrivals)
    applied = {"preference-applied": "handling=strict"} if strict else None
    return Response(msgspec.json.encode(Kept(**count(outcomes), points=outcomes)), 200, applied, "application/json")


def _form(request: Request) -> Form | None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = request.headers.get("content-encoding", "identity").lower() != "identity"
    return FORMS[media_type]() if media_type in FORMS and not packed else None


async def _pieces(request: Request, stay: Stay) -> deque[bytes]:
    """The body as it came. Raises Limited and Busy where it is larger than was said, and there is no room."""
    pieces: deque[bytes] = deque()
    async for chunk in request.stream():
        stay.came(len(chunk))
        pieces.append(chunk)
    return pieces


async def _arrivals(pieces: deque[bytes], form: Form, clerk: Clerk) -> list[Arrival]:
    """What the body holds; others are served between its parts. Raises BadInput where it is broken or has too many points."""
    found: list[Arrival] = []
    read = 0
    for some in (some for part in _read(pieces, form) for some in clerk.arrivals(part)):
        found += some
        if len(found) > MOST_POINTS:
            raise BadInput(f"There are more than {MOST_POINTS} points in one body.")
        read += len(some)
        if read >= SLICE:
            read = 0
            await asyncio.sleep(0)
    return found


def _read(pieces: deque[bytes], form: Form) -> Iterator[Part]:
    """Piece by piece, each of which is then forgotten."""
    while pieces:
        yield from form.feed(pieces.popleft())
    yield from form.close()


ENDPOINTS: Final = (
    Endpoint("POST", "/measurements", "measurements", "Send measurements to sites of the hub's own; each point is answered.", send_measurements, answer=Kept, scope="measure", sent=tuple(FORMS), errors=(413, 415, 422, 429, 503)),
)  # fmt: skip
"""In the order of the docs."""
