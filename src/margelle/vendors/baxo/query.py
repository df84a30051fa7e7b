"""What a client asks for: in the address or the form, and a list in every spelling that clients use.

The document says neither how a list is written nor which of GET and POST wins. Taken are repeated names, `[]` and `[0]` after the name, commas
and semicolons, and JSON; what is in the body wins over the address.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from margelle.errors import BadInput

Pairs = list[tuple[str, str]]

MOST_FIELDS: Final = 2000

_NAME: Final = re.compile(r"(\w{1,40})(\[\w{0,6}\])?", re.ASCII)


class Parameters:
    """The parameters of one request, by name."""

    def __init__(self, query: Pairs, form: Pairs = []) -> None:  # noqa: B006 - not changed
        in_form = {_plain(name) for name, _ in form}
        self._values: dict[str, list[str]] = {}
        for name, value in [*form, *(pair for pair in query if _plain(pair[0]) not in in_form)]:
            self._values.setdefault(_plain(name), []).append(value)

    @property
    def question(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What is asked for, without who asks."""
        asked = self._values.items()
        return tuple(sorted((name, tuple(values)) for name, values in asked if name not in {"username", "password"}))

    def one(self, *names: str) -> str:
        """The value of a parameter, by any of its names. Raises BadInput where there is none."""
        value = self.maybe(*names)
        if not value:
            raise BadInput(f"The parameter '{names[0]}' is missing.")
        return value

    def maybe(self, *names: str) -> str:
        """Likewise, or an empty text. Raises BadInput where there are several."""
        given = dict.fromkeys(value for name in names for value in self._values.get(name, ()) if value)
        if len(given) > 1:
            raise BadInput(f"The parameter '{names[0]}' is there {len(given)} times.")
        return next(iter(given), "")

    def many(self, *names: str) -> tuple[str, ...]:
        """The values of a list, each once, in order."""
        given = (value for name in names for value in self._values.get(name, ()))
        return tuple(dict.fromkeys(word for value in given for word in _words(value)))

    def seconds(self, name: str) -> int | None:
        """An instant as they count it. Raises BadInput for what is none."""
        value = self.maybe(name)
        if value and not re.fullmatch(r"-?\d{1,11}", value, re.ASCII):
            raise BadInput(f"The parameter '{name}' must be a whole number of seconds since 2000-01-01.")
        return int(value) if value else None


async def parameters(query: str, headers: Headers, body: bytes) -> Parameters:
    """The parameters of a request, whatever its body is called in the headers. Raises BadInput for one that cannot be read."""
    given = _pairs(query)
    if body and "multipart/form-data" in headers.get("content-type", "").lower():
        return Parameters(given, await _parts(headers, body))
    if body.lstrip()[:1] == b"{":
        return Parameters(given, list(_members(body)))
    return Parameters(given, _pairs(body.decode("utf-8", "replace")))


def _pairs(text: str) -> Pairs:
    try:
        return parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadInput("Too many parameters.") from None


async def _parts(headers: Headers, body: bytes) -> Pairs:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    try:
        form = await MultiPartParser(headers, stream(), max_files=0, max_fields=MOST_FIELDS).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError, ValueError, AssertionError):
        raise BadInput("The form cannot be read.") from None
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def _members(body: bytes) -> Iterable[tuple[str, str]]:
    """The members of a JSON object, a list as often as it has entries."""
    try:
        given: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError):
        raise BadInput("The body is neither a form nor JSON.") from None
    for name, value in given.items():
        yield from ((name, _said(one)) for one in (value if isinstance(value, list) else [value]))


def _said(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _words(value: str) -> list[str]:
    if value.lstrip()[:1] == "[":
        with suppress(ValueError, RecursionError):
            return [_said(one) for one in msgspec.json.decode(value, type=list[str | int])]
    return [word.strip() for word in re.split(r"[,;]", value) if word.strip()]


def _plain(name: str) -> str:
    found = _NAME.fullmatch(name)
    return found[1] if found else name
