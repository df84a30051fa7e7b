"""Answers that say what went wrong, as RFC 9457 has it: `application/problem+json`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from margelle.errors import BadInput, Conflict, Forbidden, Limited, MargelleError, NotFound, Refused, StoreError

RETRY_AFTER_S: Final = 30
CHALLENGE: Final = 'Bearer realm="margelle", Basic realm="margelle", charset="UTF-8"'

_STATUS: Final[tuple[tuple[type[MargelleError], int], ...]] = (
    (BadInput, 400),
    (Forbidden, 403),
    (Refused, 401),
    (NotFound, 404),
    (Conflict, 409),
    (Limited, 429),
)


class FieldFault(Struct, frozen=True):
    """What is wrong with one parameter or field: its `name`, where it stands (`path`, `query` or `body`), and what is expected."""

    name: str
    where: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457): `title` and `status` say which kind of thing, `detail` what it is here; `errors` has it field by field."""

    title: str
    status: int
    detail: str | msgspec.UnsetType = msgspec.UNSET
    type: str = "about:blank"
    errors: tuple[FieldFault, ...] | msgspec.UnsetType = msgspec.UNSET


class BadFields(BadInput):
    """Parameters or fields of a request that are not what they should be."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("; ".join(f"{fault.name}: {fault.detail}" for fault in faults) + ".")
        self.faults = tuple(faults)


def bad_field(name: str, detail: str, where: str = "query") -> BadFields:
    """What to raise where one field is wrong."""
    return BadFields([FieldFault(name, where, detail)])


def details(
    status: int, detail: str = "", *, title: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """An answer with this status: `title` says what kind of problem it is (by default the status's own phrase), `detail` what it is here."""
    told = {"type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status}
    body = msgspec.json.encode({**told, **({"detail": detail} if detail else {}), **more})
    return Response(body, status, dict(headers or {}), "application/problem+json")


def of_error(error: MargelleError) -> Response:
    """The answer that one of our own errors means. The operator's troubles are not the client's to read."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    said = "The store cannot answer now." if isinstance(error, StoreError) else str(error)
    more: dict[str, Any] = {"errors": error.faults} if isinstance(error, BadFields) else {}
    return details(status, said, headers=_headers(status, error.retry_after_s), **more)


def _headers(status: int, wait_s: float | None) -> dict[str, str]:
    if status == 401:
        return {"www-authenticate": CHALLENGE}
    if status in {429, 503}:
        return {"retry-after": str(max(1, math.ceil(RETRY_AFTER_S if wait_s is None else wait_s)))}
    return {}
