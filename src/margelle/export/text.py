"""Rows of any flat kind as CSV and as lines of JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from margelle.domain.cell import guarded

_ENCODER: Final = msgspec.json.Encoder()
_SPECIAL: Final = re.compile('[,"\r\n]')


def ndjson(rows: Sequence[Struct]) -> bytes:
    """One JSON object in each line."""
    return _ENCODER.encode_lines(rows)


def csv_head(names: Iterable[str]) -> bytes:
    """The line of the columns' names."""
    return (",".join(names) + "\n").encode()


def csv(rows: Iterable[Struct]) -> bytes:
    """One line for each row, as RFC 4180 has it but for the line's end, which is a line feed: true and false in words, nothing where there is none; and no text that a spreadsheet would compute."""
    lines = [",".join([_CELLS.get(type(cell), _text)(cell) for cell in astuple(row)]) for row in rows]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace") if lines else b""


def instant(at: datetime) -> str:
    """An instant in UTC as every answer writes it: 2026-07-14T12:30:00Z."""
    return at.astimezone(UTC).isoformat()[:-6] + "Z"


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _nothing(_: None) -> str:
    return ""


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _list(value: tuple[Any, ...]) -> str:
    return _text(_ENCODER.encode(value).decode())


@lru_cache(4096)
def _text(value: str) -> str:
    text = guarded(str(value))
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


_CELLS: Final[dict[type, Callable[[Any], str]]] = {
    str: _text,
    float: _number,
    int: str,
    bool: _flag,
    type(None): _nothing,
    datetime: instant,
    date: str,
    tuple: _list,
}
