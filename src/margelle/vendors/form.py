"""What a client of a face sends: the body of its request, and the parameters in a query or form."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from margelle.errors import BadInput

LARGEST_FORM: Final = 64 << 10
"""In bytes."""

_MOST_FIELDS: Final = 100


async def body(receive: Receive) -> bytes:
    """A request's whole body. Raises BadInput for one larger than any form, ClientDisconnect where the rest will not come."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":  # half a form is no form
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > LARGEST_FORM:
            raise BadInput("The form is too large.")
        more = message.get("more_body", False)
    return b"".join(chunks)


def parameters(form: bytes) -> dict[str, str]:
    """The parameters of a form, whatever it is called in the headers; a JSON object will do. Raises BadInput."""
    if form.lstrip()[:1] == b"{":
        try:
            given: dict[str, Any] = msgspec.json.decode(form, type=dict[str, Any])
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested beyond all reason
            raise BadInput("The body is neither a form nor JSON.") from None
        return {name: value for name, value in given.items() if isinstance(value, str)}
    return dict(pairs(form.decode("utf-8", "replace")))


def pairs(query: str) -> list[tuple[str, str]]:
    """The names and values of a query or form, decoded, without those that are empty. Raises BadInput for one beyond all reason."""
    try:
        return parse_qsl(query, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadInput("Too many parameters.") from None
