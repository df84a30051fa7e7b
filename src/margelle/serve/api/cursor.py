"""The `after` of a list: where its next part begins, in letters that nobody needs to read."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import msgspec

from margelle.serve.api.problem import bad_field

_T = TypeVar("_T")


def told(place: Any) -> str:
    """A place in a list as text for a URL."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def read(after: str | None, kind: type[_T]) -> _T | None:
    """The place that `after` says; None where there is none. Raises BadFields for what none of our answers has said."""
    if after is None:
        return None
    try:
        packed = base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(packed, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise bad_field("after", "it is not the `next` of an earlier answer") from error
